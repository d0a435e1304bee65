/* Which database it is: what workers are told, and what of theirs counts in which. */
#include "coordinator/backup.h"
#include "coordinator/lock_file.h"
#include "coordinator/query.h"
#include "tests/coordinator/bench.h"
#include "tests/temporary.h"

static struct identity identity_at(const char *path) {
    struct store *store = NULL;
    struct error error = {0};
    struct identity identity;
    if (!store_open(path, &store, &error) || !lookup_identity(store, &identity, &error))
        fail_msg("%s", error.message);
    store_close(store);
    assert_int_equal(strlen(identity.database), 32);
    assert_int_equal(strlen(identity.history), 32);
    return identity;
}

static void back_up(const char *from, const char *to) {
    struct error error = {0};
    int64_t bytes;
    if (!backup_make(from, to, &bytes, &error))
        fail_msg("%s", error.message);
}

static void restore(const char *from, const char *to) {
    struct error error = {0};
    if (!backup_restore(from, to, &error))
        fail_msg("%s", error.message);
}

static void a_database_is_the_same_one_whenever_it_is_opened_and_no_two_are_the_same(void **state) {
    char *one = temporary_path(state, "one.db"), *two = temporary_path(state, "two.db");
    const struct identity first = identity_at(one), again = identity_at(one),
                          other = identity_at(two);
    assert_memory_equal(&first, &again, sizeof first);
    assert_string_not_equal(first.database, other.database);
    assert_string_not_equal(first.history, other.history);
    free(one);
    free(two);
}

static void a_backup_is_the_same_database_in_a_history_of_its_own_each_time(void **state) {
    char *db = temporary_path(state, "runs.db"), *backup = temporary_path(state, "backup.db"),
         *first = temporary_path(state, "1.db"), *second = temporary_path(state, "2.db");
    const struct identity before = identity_at(db);
    back_up(db, backup);
    restore(backup, first);
    restore(backup, second);
    const struct identity one = identity_at(first), two = identity_at(second),
                          moved = identity_at(backup), after = identity_at(db);
    const struct identity again = identity_at(first);
    assert_memory_equal(&before, &after, sizeof before);
    assert_string_equal(one.database, before.database);
    assert_string_equal(two.database, before.database);
    assert_string_equal(moved.database, before.database); /* by no assay restore at all */
    assert_string_not_equal(one.history, before.history);
    assert_string_not_equal(two.history, before.history);
    assert_string_not_equal(moved.history, before.history);
    assert_string_not_equal(one.history, two.history);
    assert_string_equal(one.history, again.history);
    free(db);
    free(backup);
    free(first);
    free(second);
}

static void a_database_that_has_lost_its_identity_is_an_error(void **state) {
    char *db = temporary_path(state, "runs.db");
    struct store *store = NULL;
    struct query query;
    struct identity identity;
    struct error error = {0};
    assert_true(store_open(db, &store, &error));
    query_open(&query, store, "DELETE FROM identity");
    assert_true(query_run(&query, &error));
    assert_false(lookup_identity(store, &identity, &error));
    assert_non_null(strstr(error.message, "runs.db: the database has lost its identity"));
    store_close(store);
    free(db);
}

static void is_refused(const char *from, const char *to, const char *why) {
    struct error error = {0};
    int64_t bytes;
    assert_false(backup_make(from, to, &bytes, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, why));
}

static void a_backup_is_never_made_over_a_database_in_use(void **state) {
    char *db = temporary_path(state, "runs.db"), *link = temporary_path(state, "link.db"),
         *other = temporary_path(state, "other.db");
    struct store *store = NULL, *busy = NULL;
    struct error error = {0};
    struct stat before, after;
    assert_true(store_open(db, &store, &error));
    assert_true(store_open(other, &busy, &error));
    assert_int_equal(symlink(db, link), 0);
    assert_int_equal(stat(db, &before), 0);
    is_refused(db, db, "runs.db is the database itself; name another file");
    is_refused(db, link, "link.db is the database itself; name another file");
    is_refused(db, other, "other.db-wal is there already: a database in use");
    assert_int_equal(stat(db, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    store_close(store);
    store_close(busy);
    is_refused(db, db, "runs.db is the database itself; name another file");
    back_up(db, other); /* which is closed, as a backup is */
    free(db);
    free(link);
    free(other);
}

/* "read version" of SQLite's file format: 1 needs no log, 2 does. */
static int read_version(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 19, SEEK_SET), 0);
    int version = fgetc(file);
    fclose(file);
    return version;
}

static void
a_backup_is_whole_without_a_log_and_a_damaged_database_leaves_it_as_it_was(void **state) {
    char *db = temporary_path(state, "runs.db"), *backup = temporary_path(state, "backup.db");
    struct error error = {0};
    struct stat before, after;
    sqlite3 *database;
    int64_t bytes;
    identity_at(db);
    assert_int_equal(read_version(db), 2);
    back_up(db, backup);
    assert_int_equal(read_version(backup), 1);
    assert_int_equal(stat(backup, &before), 0);
    assert_int_equal(sqlite3_open(db, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database,
                     "PRAGMA writable_schema = ON;"
                     "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema "
                     "WHERE name = 'attempt') WHERE name = 'experiment_by_name'",
                     NULL, NULL, NULL),
        SQLITE_OK); /* two that are one */
    sqlite3_close(database);
    assert_false(backup_make(db, backup, &bytes, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "/runs.db: the database is damaged: "));
    assert_int_equal(stat(backup, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    free(db);
    free(backup);
}

static void make_empty(const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static void restore_is_refused(const char *from, const char *to, const char *why) {
    struct error error = {0};
    assert_false(backup_restore(from, to, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, why));
}

static void what_is_copied_is_never_what_makes_room_for_the_copy(void **state) {
    static const char *const names[] = {"new.db.partial", "new.db.partial.lock", "new.db.tmp"};
    char *to = temporary_path(state, "new.db");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *from = temporary_path(state, names[i]);
        const struct identity before = identity_at(from);
        is_refused(from, to, "would be written over while");
        restore_is_refused(from, to, "would be written over while");
        const struct identity after = identity_at(from);
        assert_memory_equal(&before, &after, sizeof before);
        free(from);
    }
    free(to);
}

static void a_database_is_restored_with_its_folder(void **state) {
    char *backup = temporary_path(state, "backup.db"), *db = temporary_path(state, "a/b/runs.db");
    const struct identity before = identity_at(backup);
    restore(backup, db);
    const struct identity after = identity_at(db);
    assert_string_equal(after.database, before.database);
    free(backup);
    free(db);
}

static const char *appearing;

/* With each database that SQLite opens. */
static int appear(sqlite3 *opened, char **message, const struct sqlite3_api_routines *api) {
    (void)opened, (void)message, (void)api;
    make_empty(appearing);
    return SQLITE_OK;
}

static void a_database_that_appears_while_one_is_restored_is_not_overwritten(void **state) {
    char *backup = temporary_path(state, "backup.db"), *db = temporary_path(state, "runs.db");
    struct stat status;
    struct error error = {0};
    identity_at(backup);
    appearing = db;
    sqlite3_auto_extension((void (*)(void))appear);
    bool restored = backup_restore(backup, db, &error);
    sqlite3_reset_auto_extension();
    assert_false(restored);
    assert_non_null(strstr(error.message, "runs.db is there already, and is not overwritten"));
    assert_int_equal(stat(db, &status), 0);
    assert_int_equal(status.st_size, 0);
    free(backup);
    free(db);
}

static void is_for_one_at_a_time(bool good, const struct error *error, const char *partial) {
    assert_false(good);
    assert_int_equal(error->code, ERROR_FAILED);
    assert_non_null(strstr(error->message, "makes it just now; wait for that"));
    assert_int_equal(access(partial, F_OK), 0);
}

static void a_second_backup_or_restore_to_one_name_leaves_the_first_alone(void **state) {
    char *db = temporary_path(state, "runs.db"), *to = temporary_path(state, "other.db"),
         *partial = temporary_path(state, "other.db.partial"),
         *turn = temporary_path(state, "other.db.partial.lock");
    struct store *store = NULL;
    struct lock_file *first = NULL;
    struct error error = {0};
    int64_t bytes;
    int held_by;
    assert_true(store_open(db, &store, &error));
    store_close(store);
    assert_true(lock_file_take(turn, &first, &held_by, &error));
    make_empty(partial);
    is_for_one_at_a_time(backup_make(db, to, &bytes, &error), &error, partial);
    is_for_one_at_a_time(backup_restore(db, to, &error), &error, partial);
    lock_file_release(first);
    back_up(db, to); /* over what one that was killed has left */
    assert_int_not_equal(access(partial, F_OK), 0);
    assert_int_not_equal(access(turn, F_OK), 0);
    free(db);
    free(to);
    free(partial);
    free(turn);
}

static cJSON *hello_asking(const char *worker, const char *history) {
    cJSON *hello = body_hello(worker);
    cJSON_AddStringToObject(hello, "history", history);
    return hello;
}

static void who_asks_is_told_which_database_this_is_and_an_earlier_worker_is_not(void **state) {
    struct bench *bench = *state;
    const struct identity *identity = &bench->coordinator.identity;
    const cJSON *welcome = ask(bench, "hello", hello_asking("new", ""), "welcome");
    assert_string_equal(text_of(welcome, "database"), identity->database);
    assert_string_equal(text_of(welcome, "history"), identity->history);
    welcome = ask(bench, "hello", body_hello("old"), "welcome");
    assert_null(json_member(welcome, "database"));
    assert_null(json_member(welcome, "history"));
}

static cJSON *of_history(cJSON *request, const char *history) {
    cJSON_AddStringToObject(request, "history", history);
    return request;
}

/* Experiment 1, attempt 1, which worker a has in this database and may have in another one too. */
static void reports_and_files_by_another_history_are_refused_and_change_nothing(void **state) {
    static const char other[] = "00000000000000000000000000000000";
    struct bench *bench = *state;
    const char *own = bench->coordinator.identity.history;
    submit(bench, 1, 2, 3);
    ask(bench, "hello", hello_asking("a", other), "welcome");
    assert_int_equal(take(bench, "a"), 1);
    const char *const requests[] = {"report", "heartbeat", "request", "offer", "goodbye"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        cJSON *request =
            i == 0   ? body_report("a", 1, 1, "epoch", body_epoch(1, 0.5))
            : i == 3 ? body("{\"worker\": \"a\", \"experiment\": 1, \"attempt\": 1, \"bytes\": 1,"
                            " \"name\": \"x\", \"kind\": \"file\", \"epoch\": 0,"
                            " \"sha256\": \"%064d\"}",
                            0)
                     : body_worker("a");
        const cJSON *error = ask(bench, requests[i], of_history(request, other), "error");
        assert_string_equal(text_of(error, "code"), "state");
    }
    assert_int_equal(cJSON_GetArraySize(json_member(show(bench, 1), "history")), 0);
    state_is(bench, 1, "running");
    ask(bench, "report", of_history(body_report("a", 1, 1, "epoch", body_epoch(1, 0.5)), own),
        "ack");
    assert_int_equal(cJSON_GetArraySize(json_member(show(bench, 1), "history")), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_database_is_the_same_one_whenever_it_is_opened_and_no_two_are_the_same),
        IN_FOLDER(a_backup_is_the_same_database_in_a_history_of_its_own_each_time),
        IN_FOLDER(a_database_that_has_lost_its_identity_is_an_error),
        IN_FOLDER(a_backup_is_never_made_over_a_database_in_use),
        IN_FOLDER(a_backup_is_whole_without_a_log_and_a_damaged_database_leaves_it_as_it_was),
        IN_FOLDER(what_is_copied_is_never_what_makes_room_for_the_copy),
        IN_FOLDER(a_database_is_restored_with_its_folder),
        IN_FOLDER(a_database_that_appears_while_one_is_restored_is_not_overwritten),
        IN_FOLDER(a_second_backup_or_restore_to_one_name_leaves_the_first_alone),
        ON_BENCH(who_asks_is_told_which_database_this_is_and_an_earlier_worker_is_not),
        ON_BENCH(reports_and_files_by_another_history_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
