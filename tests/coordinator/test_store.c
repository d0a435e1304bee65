/* How a database is opened, what is refused, transactions, and what the schema holds together. */
#include "coordinator/views.h"
#include "core/file.h"
#include "tests/coordinator/bodies.h"
#include "tests/coordinator/stores.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* `path` is refused with the code, in words that begin with it, and stays as it is. */
static void refused(const char *path, enum error_code code, const char *word) {
    struct store *store = NULL;
    struct error error = {0};
    char *before = NULL, *after = NULL;
    size_t length_before, length_after;
    assert_true(file_read(path, 1 << 24, &before, &length_before, &error));
    assert_false(store_open(path, &store, &error));
    assert_int_equal(error.code, code);
    if (strstr(error.message, word) == NULL || strstr(error.message, path) != error.message)
        fail_msg("\"%s\" should begin with %s and say: %s", error.message, path, word);
    assert_true(file_read(path, 1 << 24, &after, &length_after, &error));
    assert_int_equal(length_after, length_before);
    assert_memory_equal(after, before, length_before);
    free(before);
    free(after);
}

/* Another program changes the file. */
static void change(const char *path, const char *sql) {
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void write_text(const char *path, const char *text) {
    struct error error = {0};
    if (!file_write_atomic(path, text, strlen(text), &error))
        fail_msg("%s", error.message);
}

/* Whether what is asked is found by that index, and needs no sorting. */
static bool is_found_by(struct store *store, const char *sql, const char *index) {
    struct query query;
    char explain[256];
    bool found = false, sorted = false;
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    query_open(&query, store, explain);
    while (query_next(&query)) {
        for (int column = 0; column < 3; column++)
            query_int(&query);
        const char *step = query_text(&query);
        found = found || (strncmp(step, "SEARCH ", 7) == 0 && strstr(step, index) != NULL);
        sorted = sorted || strstr(step, "TEMP B-TREE") != NULL;
    }
    assert_true(query_close(&query, NULL));
    return found && !sorted;
}

/* --- opening --- */

static void a_new_database_is_made_with_its_folder_and_is_durable(void **state) {
    char *path = temporary_path(state, "a/b/assay.db");
    struct store *store = open_store(path);
    assert_string_equal(store_path(store), path);
    assert_true(number(store, "PRAGMA user_version") >= 4);
    assert_true(number(store, "PRAGMA application_id") == 0x61737361);
    assert_true(number(store, "PRAGMA synchronous") == 2); /* FULL */
    assert_true(number(store, "PRAGMA foreign_keys") == 1);
    assert_true(number(store, "SELECT journal_mode = 'wal' FROM pragma_journal_mode") == 1);
    store_close(store);
    free(path);
}

static void the_forks_of_an_experiment_are_found_without_reading_them_all(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    assert_true(is_found_by(store,
                            "SELECT experiment FROM fork WHERE source = 1 AND experiment > 2"
                            " ORDER BY experiment",
                            "fork_by_source"));
    store_close(store);
}

static void what_was_committed_is_there_when_it_is_opened_again(void **state) {
    char *path = temporary_path(state, "assay.db");
    struct store *store = open_store(path);
    insert_experiment(store);
    store_close(store);
    store = open_store(path);
    assert_true(number(store, "SELECT count(*) FROM experiment") == 1);
    store_close(store);
    free(path);
}

/* One row in every table that a later migration changes. */
static void a_database_of_the_first_schema_is_brought_up_to_date_with_its_rows(void **state) {
    extern const char sql_001_initial[];
    char *path = temporary_path(state, "assay.db");
    change(path, sql_001_initial);
    change(path,
           "INSERT INTO submission VALUES ('a key', 1);"
           "INSERT INTO experiment (submission, name, \"group\", config, variant, priority,"
           " backend, memory_bytes, epochs, max_attempts, submitted_ms)"
           " VALUES ('a key', 'n', 'g', '{}', '{}', 0, 'any', 0, 2, 3, 1);"
           "INSERT INTO evaluation (experiment, checkpoint, split, attempt, reported_ms, epoch,"
           " true_positive, true_negative, false_positive, false_negative, loss)"
           " VALUES (1, 'best', 'test', 1, 5, 2, 3, 4, 1, 0, 0.5);"
           "PRAGMA user_version = 1");
    struct store *store = open_store(path);
    assert_true(number(store, "PRAGMA user_version") >= 4);
    assert_true(number(store, "SELECT accuracy FROM evaluation WHERE loss = 0.5") == 0.875);
    assert_true(isnan(number(store, "SELECT roc_auc FROM evaluation")));
    assert_true(isnan(number(store, "SELECT threshold_accuracy FROM evaluation")));
    cJSON *experiments;
    int64_t next;
    struct error error = {0};
    if (!view_experiments(store, &(struct view_filter){0}, true, &experiments, &next, &error))
        fail_msg("%s", error.message);
    const cJSON *evaluation = json_member(experiments->child, "evaluations")->child;
    assert_true(cJSON_IsNull(json_member(evaluation, "at_threshold")));
    assert_int_equal(cJSON_GetArraySize(json_member(evaluation, "classes")), 0);
    assert_int_equal(json_member(evaluation, "true_positive")->valuedouble, 3);
    cJSON_Delete(experiments);
    store_close(store);
    free(path);
}

static void a_newer_schema_is_refused(void **state) {
    char *path = temporary_path(state, "assay.db");
    struct store *store = open_store(path);
    int known = (int)number(store, "PRAGMA user_version");
    store_close(store);
    for (int newer = 1; newer <= 80; newer += 79) {
        char sql[64], said[96];
        snprintf(sql, sizeof sql, "PRAGMA user_version = %d", known + newer);
        snprintf(said, sizeof said, "made by a newer assay (schema %d, this one knows %d)",
                 known + newer, known);
        change(path, sql);
        refused(path, ERROR_INPUT, said);
    }
    free(path);
}

static void a_schema_of_less_than_nothing_is_damage(void **state) {
    char *path = temporary_path(state, "assay.db");
    sqlite3 *looked = NULL;
    struct error error = {0};
    store_close(open_store(path));
    change(path, "PRAGMA user_version = -1");
    refused(path, ERROR_FAILED, "the database is damaged (schema -1)");
    assert_false(store_look(path, &looked, &error));
    sqlite3_close(looked);
    assert_non_null(strstr(error.message, "the database is damaged (schema -1)"));
    free(path);
}

static void what_is_no_database_is_refused(void **state) {
    char *path = temporary_path(state, "notes.txt");
    write_text(path, "not a database, but longer than the header of one: "
                     "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789");
    refused(path, ERROR_INPUT, "not a SQLite database");
    free(path);
}

static void the_database_of_another_program_is_refused(void **state) {
    char *path = temporary_path(state, "other.db");
    change(path, "CREATE TABLE bookmarks (url TEXT)");
    refused(path, ERROR_INPUT, "another program");
    change(path, "PRAGMA application_id = 7");
    refused(path, ERROR_INPUT, "another program");
    free(path);
}

static void what_another_program_has_begun_is_refused_before_it_has_a_table(void **state) {
    static const char *const begun[] = {"PRAGMA application_id = 7", "PRAGMA user_version = 3"};
    for (size_t i = 0; i < 2; i++) {
        char *path = temporary_path(state, i == 0 ? "one.db" : "two.db");
        change(path, begun[i]);
        refused(path, ERROR_INPUT, "another program");
        free(path);
    }
}

/* To look at, as fsck and backup do. */
static void is_not_looked_at(const char *path, const char *word) {
    sqlite3 *looked = NULL;
    struct error error = {0};
    assert_false(store_look(path, &looked, &error));
    sqlite3_close(looked);
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, word) == NULL || strstr(error.message, path) != error.message)
        fail_msg("\"%s\" should begin with %s and say: %s", error.message, path, word);
}

static void what_another_program_or_a_newer_assay_has_made_is_not_looked_at(void **state) {
    char *path = temporary_path(state, "other.db");
    is_not_looked_at(path, "cannot be read");
    change(path, "CREATE TABLE bookmarks (url TEXT)");
    is_not_looked_at(path, "not a database of assay");
    change(path, "PRAGMA application_id = 0x61737361; PRAGMA user_version = 99");
    is_not_looked_at(path, "made by a newer assay (schema 99");
    free(path);
}

static void a_damaged_database_is_refused(void **state) {
    char *path = temporary_path(state, "assay.db"), rubbish[4096];
    store_close(open_store(path));
    int descriptor = open(path, O_WRONLY);
    memset(rubbish, 0x5a, sizeof rubbish);
    assert_int_equal(pwrite(descriptor, rubbish, sizeof rubbish, sizeof rubbish), sizeof rubbish);
    close(descriptor);
    refused(path, ERROR_FAILED, "damaged");
    assert_int_equal(truncate(path, 6000), 0);
    refused(path, ERROR_FAILED, "damaged");
    free(path);
}

static void a_folder_is_no_database(void **state) {
    struct store *store = NULL;
    struct error error = {0};
    assert_false(store_open(*state, &store, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "cannot write the database"));
}

/* As /dev/null is none. */
static void a_pipe_is_no_database(void **state) {
    char *path = temporary_path(state, "pipe.db");
    struct store *store = NULL;
    sqlite3 *looked = NULL;
    struct error error = {0};
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(store_open(path, &store, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "a device or a pipe"));
    error = (struct error){0};
    assert_false(store_look(path, &looked, &error));
    assert_non_null(strstr(error.message, "a device or a pipe"));
    sqlite3_close(looked);
    free(path);
}

static void a_second_opener_is_refused_also_through_a_link(void **state) {
    char *path = temporary_path(state, "assay.db"), *other = temporary_path(state, "link.db");
    char words[64];
    struct store *store = open_store(path), *second = NULL;
    assert_int_equal(symlink(path, other), 0);
    snprintf(words, sizeof words, "another coordinator (process %ld)", (long)getpid());
    refused(path, ERROR_FAILED, words);
    refused(other, ERROR_FAILED, words);
    store_close(store);
    second = open_store(other);
    store_close(second);
    free(path);
    free(other);
}

static void a_database_with_two_names_is_refused_by_both(void **state) {
    char *path = temporary_path(state, "assay.db"), *other = temporary_path(state, "hard.db");
    struct error error = {0};
    sqlite3 *looked = NULL;
    struct store *store = open_store(path);
    assert_int_equal(link(path, other), 0);
    refused(other, ERROR_FAILED, "another name");
    store_close(store);
    refused(path, ERROR_FAILED, "another name");
    assert_false(store_look(other, &looked, &error));
    assert_non_null(strstr(error.message, "another name"));
    sqlite3_close(looked);
    assert_int_equal(unlink(other), 0);
    store = open_store(path);
    store_close(store);
    free(path);
    free(other);
}

/* A coordinator's database that somebody moves or deletes takes nothing that would be lost. */
static void what_is_written_while_the_database_is_elsewhere_is_not_acknowledged(void **state) {
    char *path = temporary_path(state, "assay.db"), *other = temporary_path(state, "old.db");
    struct store *store = open_store(path);
    struct error error = {0};
    assert_int_equal(rename(path, other), 0);
    begin(store);
    assert_true(insert_key(store, "nowhere"));
    assert_false(store_commit(store, &error));
    if (strstr(error.message, path) != error.message || strstr(error.message, "moved") == NULL)
        fail_msg("\"%s\" should say that %s was moved", error.message, path);
    begin(store);
    assert_true(number(store, "SELECT count(*) FROM submission") == 0);
    commit(store); /* it can still be read */
    write_text(path, "another file by that name");
    begin(store);
    assert_true(insert_key(store, "nowhere"));
    assert_false(store_commit(store, &error));
    assert_int_equal(rename(other, path), 0);
    begin(store);
    assert_true(insert_key(store, "back"));
    commit(store);
    store_close(store);
    store = open_store(path);
    assert_true(number(store, "SELECT count(*) FROM submission WHERE key = 'back'") == 1);
    store_close(store);
    free(path);
    free(other);
}

/* What was committed and stands in the log alone is there again when the database is. */
static void a_log_whose_database_is_gone_is_kept(void **state) {
    char *path = temporary_path(state, "assay.db"), *other = temporary_path(state, "old.db"),
         *empty = temporary_path(state, "new.db"), *no_log = temporary_path(state, "new.db-wal");
    struct store *store = open_store(path), *again = NULL;
    struct error error = {0};
    begin(store);
    assert_true(insert_key(store, "in the log"));
    commit(store);
    assert_int_equal(rename(path, other), 0);
    store_close(store);
    assert_false(store_open(path, &again, &error));
    assert_non_null(strstr(error.message, "-wal"));
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rename(other, path), 0);
    write_text(no_log, "");
    store_close(open_store(empty));
    store = open_store(path);
    assert_true(number(store, "SELECT count(*) FROM submission WHERE key = 'in the log'") == 1);
    store_close(store);
    free(path);
    free(other);
    free(empty);
    free(no_log);
}

static void two_databases_in_memory_are_two(void **state) {
    (void)state;
    struct store *one = open_store(":memory:"), *two = open_store(":memory:");
    insert_experiment(one);
    assert_true(number(two, "SELECT count(*) FROM experiment") == 0);
    store_close(one);
    store_close(two);
}

/* --- transactions --- */

static void what_is_rolled_back_never_was(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    begin(store);
    assert_true(insert_key(store, "stays"));
    commit(store);
    begin(store);
    assert_true(insert_key(store, "goes"));
    store_rollback(store);
    store_rollback(store); /* none is open: nothing happens */
    assert_true(number(store, "SELECT count(*) FROM submission") == 1);
    assert_true(number(store, "SELECT count(*) FROM submission WHERE key = 'stays'") == 1);
    store_close(store);
}

static void an_abrupt_end_keeps_what_was_committed_and_nothing_else(void **state) {
    char *path = temporary_path(state, "assay.db");
    enum { COMMITTED = 50 };
    pid_t child = fork();
    if (child == 0) {
        struct store *store = NULL;
        char key[16];
        if (!store_open(path, &store, NULL))
            _exit(1);
        for (int i = 0; i < COMMITTED; i++) {
            snprintf(key, sizeof key, "key %d", i);
            if (!store_begin(store, NULL) || !insert_key(store, key) || !store_commit(store, NULL))
                _exit(2);
        }
        if (!store_begin(store, NULL) || !insert_key(store, "open"))
            _exit(3);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct store *store = open_store(path);
    assert_true(number(store, "SELECT count(*) FROM submission") == COMMITTED);
    assert_true(number(store, "SELECT count(*) FROM submission WHERE key = 'open'") == 0);
    store_close(store);
    free(path);
}

/* --- the schema --- */

static void every_table_is_strict(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    assert_true(number(store, "SELECT count(*) FROM pragma_table_list WHERE type = 'table'"
                              " AND strict = 0 AND name NOT LIKE 'sqlite%'") == 0);
    assert_true(number(store, "SELECT count(*) FROM pragma_table_list WHERE type = 'table'"
                              " AND strict = 1") >= 11);
    assert_false(run(store, "INSERT INTO submission (key, submitted_ms) VALUES ('k', 'soon')"));
    store_close(store);
}

static void nothing_belongs_to_what_is_not_there(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    struct submission submission = {.name = "n", .group = "g", .config = "{}", .variant = "{}"};
    struct report_key key = {.experiment = 1, .attempt = 1};
    cJSON *epoch = body_epoch(1, 0.5);
    int64_t id;
    assert_false(record_experiment(store, "no such key", &submission, 1, &id, NULL));
    assert_false(record_report(store, &key, "epoch", epoch, NULL));
    insert_experiment(store);
    assert_true(record_report(store, &key, "epoch", epoch, NULL));
    assert_false(run(store, "DELETE FROM experiment"));
    cJSON_Delete(epoch);
    store_close(store);
}

static void a_running_experiment_has_a_worker_and_a_final_one_an_end(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    assert_false(run(store, "UPDATE experiment SET state = 'running'"));
    assert_false(run(store, "UPDATE experiment SET state = 'done'"));
    assert_false(run(store, "UPDATE experiment SET finished_ms = 1"));
    assert_false(run(store, "UPDATE experiment SET state = 'asleep'"));
    assert_true(run(store, "UPDATE experiment SET state = 'running', worker = 'w'"));
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_new_database_is_made_with_its_folder_and_is_durable),
        cmocka_unit_test(the_forks_of_an_experiment_are_found_without_reading_them_all),
        IN_FOLDER(what_was_committed_is_there_when_it_is_opened_again),
        IN_FOLDER(a_database_of_the_first_schema_is_brought_up_to_date_with_its_rows),
        IN_FOLDER(a_newer_schema_is_refused),
        IN_FOLDER(a_schema_of_less_than_nothing_is_damage),
        IN_FOLDER(what_is_no_database_is_refused),
        IN_FOLDER(the_database_of_another_program_is_refused),
        IN_FOLDER(what_another_program_has_begun_is_refused_before_it_has_a_table),
        IN_FOLDER(what_another_program_or_a_newer_assay_has_made_is_not_looked_at),
        IN_FOLDER(a_damaged_database_is_refused),
        IN_FOLDER(a_folder_is_no_database),
        IN_FOLDER(a_pipe_is_no_database),
        IN_FOLDER(a_second_opener_is_refused_also_through_a_link),
        IN_FOLDER(a_database_with_two_names_is_refused_by_both),
        IN_FOLDER(what_is_written_while_the_database_is_elsewhere_is_not_acknowledged),
        IN_FOLDER(a_log_whose_database_is_gone_is_kept),
        cmocka_unit_test(two_databases_in_memory_are_two),
        cmocka_unit_test(what_is_rolled_back_never_was),
        IN_FOLDER(an_abrupt_end_keeps_what_was_committed_and_nothing_else),
        cmocka_unit_test(every_table_is_strict),
        cmocka_unit_test(nothing_belongs_to_what_is_not_there),
        cmocka_unit_test(a_running_experiment_has_a_worker_and_a_final_one_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
