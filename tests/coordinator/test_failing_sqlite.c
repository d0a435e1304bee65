/* A disk that fails under SQLite, and memory that there is none of for it, in every operation of
 * what is run by hand: backup, restore, fsck, and a coordinator's start. */
#include "coordinator/artifacts.h"
#include "coordinator/backup.h"
#include "coordinator/fsck.h"
#include "tests/coordinator/stores.h"
#include "tests/failing_sqlite.h"
#include "tests/temporary.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* With one artifact, whose file is not there. */
static char *make_database(void **state) {
    const struct artifact artifact = {.experiment = 1,
                                      .attempt = 1,
                                      .name = "best",
                                      .kind = "best",
                                      .epoch = 1,
                                      .sha256 = "a7937b64b8caa58f03721bb6bacf5c78"
                                                "cb235febe0e70b1b84cd99541461a08e",
                                      .bytes = 5};
    char *path = temporary_path(state, "runs.db"), replaced[SHA256_TEXT_SIZE];
    struct store *store = open_store(path);
    insert_experiment(store);
    begin(store);
    assert_true(artifact_put(store, &artifact, 1, replaced, NULL));
    commit(store);
    store_close(store);
    return path;
}

static void holds(const char *path, const char *sql, int expected) {
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(statement, 0), expected);
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

static void is_whole(const char *path) {
    holds(path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", 0);
    holds(path, "SELECT count(*) FROM artifact JOIN experiment ON id = experiment", 1);
}

/* Nothing is in the folder but databases with these names, and what SQLite has beside those. */
static void only_these_are_there(void **state, const char *one, const char *other) {
    DIR *folder = opendir(*state);
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char *name = strdup(entry->d_name);
        name[strcspn(name, "-")] = '\0';
        if (name[0] != '.' && strcmp(name, one) != 0 && strcmp(name, other) != 0)
            fail_msg("%s is left", entry->d_name);
        free(name);
    }
    closedir(folder);
}

static const struct fault {
    enum failing_kind kind;
    int code;
    bool lasting;
} faults[] = {
    {FAIL_READ, SQLITE_IOERR_READ, false},
    {FAIL_READ, SQLITE_IOERR_READ, true},
    {FAIL_EIO, 0, false},
    {FAIL_EIO, 0, true},
    {FAIL_CHANGE, SQLITE_IOERR, false},
    {FAIL_CHANGE, SQLITE_IOERR, true},
    {FAIL_CHANGE, SQLITE_FULL, false},
    {FAIL_CHANGE, SQLITE_FULL, true},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static void is_of_the_machine(const struct error *error) {
    assert_int_equal(error->code, ERROR_FAILED);
    if (strstr(error->message, ".db") == NULL || strstr(error->message, "damaged") != NULL)
        fail_msg("\"%s\" names no file, or calls it damaged", error->message);
}

static void a_backup_is_whole_or_not_there_wherever_the_disk_fails(void **state) {
    char *db = make_database(state), *out = temporary_path(state, "out.db");
    for (size_t i = 0; i < FAULTS; i++)
        FAIL_EACH(faults[i].kind, faults[i].code, faults[i].lasting) {
            struct error error = {0};
            int64_t bytes;
            bool made = backup_make(db, out, &bytes, &error);
            fail_no_more();
            assert_int_equal(access(out, F_OK) == 0, made);
            only_these_are_there(state, "runs.db", "out.db");
            if (!made) {
                is_of_the_machine(&error);
                continue;
            }
            is_whole(out);
            holds(out, "SELECT history = '' FROM identity", true);
            assert_int_equal(unlink(out), 0);
        }
    is_whole(db);
    free(out);
    free(db);
}

static void a_database_is_restored_wholly_or_not_at_all_wherever_the_disk_fails(void **state) {
    char *db = make_database(state), *again = temporary_path(state, "again.db");
    for (size_t i = 0; i < FAULTS; i++)
        FAIL_EACH(faults[i].kind, faults[i].code, faults[i].lasting) {
            struct error error = {0};
            bool made = backup_restore(db, again, &error);
            fail_no_more();
            assert_int_equal(access(again, F_OK) == 0, made);
            only_these_are_there(state, "runs.db", "again.db");
            if (!made) {
                is_of_the_machine(&error);
                continue;
            }
            is_whole(again);
            holds(again, "SELECT length(history) FROM identity", 32);
            assert_int_equal(unlink(again), 0);
        }
    is_whole(db);
    free(again);
    free(db);
}

static void take_line(void *context, const char *line) {
    int *count = context;
    (*count)++;
    if (strstr(line, "damaged") != NULL)
        fail_msg("%s", line);
}

static void fsck_says_all_it_would_or_that_it_cannot_look(void **state) {
    char *db = make_database(state);
    for (size_t i = 0; i <= FAULTS; i++) {
        const struct fault no_memory = {FAIL_MEMORY, SQLITE_NOMEM, false},
                           *fault = i < FAULTS ? &faults[i] : &no_memory;
        FAIL_EACH(fault->kind, fault->code, fault->lasting) {
            int lines = 0;
            const struct fsck_options options = {.say = take_line, .context = &lines};
            struct fsck_result result;
            struct error error = {0};
            bool looked = fsck_run(db, *state, &options, &result, &error);
            fail_no_more();
            if (!looked)
                is_of_the_machine(&error);
            else
                assert_int_equal(lines, 1); /* of the artifact */
        }
    }
    free(db);
}

static void a_page_that_is_not_read_when_a_coordinator_starts_is_no_damage(void **state) {
    char *db = make_database(state);
    for (size_t i = 0; i < FAULTS; i++)
        FAIL_EACH(faults[i].kind, faults[i].code, faults[i].lasting) {
            struct store *store = NULL;
            struct error error = {0};
            if (!store_open(db, &store, &error))
                is_of_the_machine(&error);
            fail_no_more();
            store_close(store);
        }
    is_whole(db);
    free(db);
}

/* It may have been killed between its commit and the sync of it. */
static void what_one_that_was_killed_has_committed_is_synced_when_the_next_starts(void **state) {
    char *db = make_database(state);
    struct store *store = NULL;
    struct error error = {0};
    int status;
    pid_t killed = fork();
    if (killed == 0) {
        store = open_store(db);
        begin(store);
        insert_key(store, "another key");
        commit(store);
        _exit(0);
    }
    assert_int_equal(waitpid(killed, &status, 0), killed);
    assert_int_equal(status, 0);
    failing.kind = FAIL_CHANGE;
    failing.code = SQLITE_IOERR_FSYNC;
    failing.after = 1;
    assert_false(store_open(db, &store, &error));
    fail_no_more();
    if (strstr(error.message, "its log cannot be synced") == NULL)
        fail_msg("%s", error.message);
    holds(db, "SELECT count(*) FROM submission WHERE key = 'another key'", 1);
    free(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_backup_is_whole_or_not_there_wherever_the_disk_fails),
        IN_FOLDER(a_database_is_restored_wholly_or_not_at_all_wherever_the_disk_fails),
        IN_FOLDER(fsck_says_all_it_would_or_that_it_cannot_look),
        IN_FOLDER(a_page_that_is_not_read_when_a_coordinator_starts_is_no_damage),
        IN_FOLDER(what_one_that_was_killed_has_committed_is_synced_when_the_next_starts),
    };
    failing_sqlite_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
