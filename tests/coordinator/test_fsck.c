/* What fsck finds in rows that contradict each other, and what it leaves alone. What it finds in
 * pages and files is in tests/integration/test_care.sh. */
#include "coordinator/fsck.h"
#include "coordinator/store.h"
#include "core/atomic_file.h"
#include "core/depot.h"
#include "core/file.h"
#include "core/machine.h"
#include "tests/temporary.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Experiment 1, done in 10 epochs, and experiment 2, stopped after epoch 3 of 10. */
static const char rows[] =
    "INSERT INTO submission (key, person, submitted_ms) VALUES ('k', 'p', 1);"
    "INSERT INTO experiment (id, submission, name, \"group\", config, variant, priority, backend,"
    " memory_bytes, epochs, max_attempts, state, attempt, worker, submitted_ms, started_ms,"
    " finished_ms) SELECT value, 'k', 'e' || value, 'g', '{}', '{}', 0, 'any', 1, 10, 3, 'done', 1,"
    " 'w', 1, 2, 3 FROM json_each('[1, 2]');"
    "INSERT INTO attempt (experiment, attempt, worker, started_ms, ended_ms, outcome)"
    " SELECT id, 1, 'w', 2, 3, 'done' FROM experiment;"
    "INSERT INTO stop (experiment, epoch, rule, metric, peers, decided_ms)"
    " VALUES (2, 3, 'median', 'valid_loss', 1, 2);"
    "WITH RECURSIVE n (epoch) AS (SELECT 1 UNION ALL SELECT epoch + 1 FROM n WHERE epoch < 10)"
    "INSERT INTO epoch (experiment, epoch, attempt, reported_ms, best, train_true_positive,"
    " train_true_negative, train_false_positive, train_false_negative, valid_true_positive,"
    " valid_true_negative, valid_false_positive, valid_false_negative)"
    " SELECT id, n.epoch, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1 FROM experiment, n"
    " WHERE id = 1 OR n.epoch <= 3;";

static int database_make(void **state) {
    struct store *store;
    sqlite3 *database;
    struct error error = {0};
    if (temporary_make(state) != 0)
        return -1;
    char *path = temporary_path(state, "runs.db");
    if (!store_open(path, &store, &error))
        fail_msg("%s", error.message);
    store_close(store);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, rows, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(database));
    sqlite3_close(database);
    free(path);
    return 0;
}

struct said {
    size_t count;
    char last[256];
};

static void take_line(void *context, const char *line) {
    struct said *said = context;
    said->count++;
    snprintf(said->last, sizeof said->last, "%s", line);
}

/* Fsck of PLACE/runs.db after this statement (NULL: none) with the artifacts of `folder`. */
static struct fsck_result look(void **state, const char *sql, const char *folder,
                               struct said *said) {
    const struct fsck_options options = {.say = take_line, .context = said};
    struct fsck_result result;
    struct error error = {0};
    sqlite3 *database;
    char *path = temporary_path(state, "runs.db");
    *said = (struct said){0};
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sql != NULL && sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(database));
    sqlite3_close(database);
    if (!fsck_run(path, folder, &options, &result, &error))
        fail_msg("%s", error.message);
    assert_int_equal(result.faults, said->count);
    free(path);
    return result;
}

/* After this statement it says this one line; NULL: nothing. */
static void says(void **state, const char *sql, const char *expected) {
    struct said said;
    look(state, sql, NULL, &said);
    assert_string_equal(said.last, expected != NULL ? expected : "");
    assert_int_equal(said.count, expected != NULL);
}

static void what_is_done_and_what_was_stopped_early_is_whole(void **state) {
    says(state, NULL, NULL);
}

static void more_epochs_than_the_one_it_was_stopped_after_are_no_fault(void **state) {
    says(state, "UPDATE stop SET epoch = 2", NULL);
}

static void a_missing_last_epoch_is_a_fault(void **state) {
    says(state, "DELETE FROM epoch WHERE experiment = 1 AND epoch = 10",
         "experiment 1 is done, and 9 of its 10 epochs are there");
}

static void an_epoch_that_is_missing_before_the_stop_is_a_fault(void **state) {
    says(state, "UPDATE stop SET epoch = 4",
         "experiment 2 is done, and 3 of its 10 epochs are there");
}

static void more_epochs_than_were_planned_are_a_fault(void **state) {
    says(state, "UPDATE experiment SET epochs = 9 WHERE id = 1",
         "experiment 1 is done, and 10 of its 9 epochs are there");
}

static void a_gap_in_the_epochs_is_a_fault(void **state) {
    says(state, "DELETE FROM epoch WHERE experiment = 2 AND epoch = 2; UPDATE stop SET epoch = 1",
         "experiment 2 has epoch 3 and only 2 of the epochs up to it");
}

static void a_database_from_before_there_were_stops_is_looked_at_too(void **state) {
    says(state,
         "DROP VIEW experiment_result; DROP TABLE stop;"
         "UPDATE experiment SET epochs = 3 WHERE id = 2",
         NULL);
}

static void an_attempt_that_runs_while_its_experiment_does_not_is_a_fault(void **state) {
    says(state, "UPDATE attempt SET outcome = 'running', ended_ms = NULL WHERE experiment = 1",
         "experiment 1, attempt 1 runs, and the experiment is done in attempt 1");
}

static void an_earlier_attempt_that_runs_still_is_a_fault_twice(void **state) {
    struct said said;
    look(state,
         "UPDATE experiment SET state = 'running', attempt = 2, finished_ms = NULL WHERE id = 1;"
         "UPDATE attempt SET outcome = 'running', ended_ms = NULL WHERE experiment = 1",
         NULL, &said);
    assert_int_equal(said.count, 2); /* of the experiment, which has no attempt 2, and of this */
    assert_string_equal(said.last,
                        "experiment 1, attempt 1 runs, and the experiment is running in attempt 2");
}

static void an_attempt_that_runs_and_has_an_end_is_a_fault(void **state) {
    says(state,
         "UPDATE experiment SET state = 'running', finished_ms = NULL WHERE id = 1;"
         "UPDATE attempt SET outcome = 'running' WHERE experiment = 1",
         "experiment 1, attempt 1 is running and has an end");
}

static void a_report_of_an_attempt_that_never_was_is_a_fault(void **state) {
    says(state, "UPDATE epoch SET attempt = 2 WHERE experiment = 1 AND epoch = 1",
         "experiment 1 is in attempt 1, and something of attempt 2 was reported");
}

/* --- files --- */

#define SUM(digit) "000000000000000000000000000000000000000000000000000000000000000" digit

static void only_checkpoints_of_this_host_that_were_never_sent_are_missed(void **state) {
    char host[MACHINE_HOST_SIZE], sql[512];
    machine_host(host);
    says(state,
         "INSERT INTO checkpoint (experiment, kind, epoch, attempt, reported_ms, path, host)"
         " VALUES (1, 'last', 9, 1, 1, '/nowhere/last', 'another host')",
         NULL);
    snprintf(sql, sizeof sql, "UPDATE checkpoint SET host = '%s'", host);
    says(state, sql, "experiment 1: the last checkpoint of epoch 9 is gone: /nowhere/last");
    says(state,
         "INSERT INTO artifact (experiment, name, kind, epoch, attempt, reported_ms, sha256, bytes)"
         " VALUES (1, 'last', 'last', 8, 1, 1, '" SUM(
             "1") "', 5), (1, 'best', 'best', 9, 1, 1, '" SUM("1") "', 5)",
         "experiment 1: the last checkpoint of epoch 9 is gone: /nowhere/last");
    says(state, "UPDATE artifact SET epoch = 9 WHERE name = 'last'", NULL);
}

static void what_was_sent_and_thinned_out_is_not_missed(void **state) {
    static const char gone[] = "experiment 1: the epoch checkpoint of epoch 6 is gone: /nowhere/6";
    char host[MACHINE_HOST_SIZE], sql[512];
    machine_host(host);
    snprintf(sql, sizeof sql,
             "INSERT INTO checkpoint (experiment, kind, epoch, attempt, reported_ms, path, host)"
             " VALUES (1, 'epoch', 6, 2, 1, '/nowhere/6', '%s');"
             "INSERT INTO artifact (experiment, name, kind, epoch, attempt, reported_ms, sha256,"
             " bytes) VALUES (1, 'last', 'last', 6, 2, 1, '" SUM("1") "', 5)",
             host);
    says(state, sql, NULL);
    says(state, "UPDATE artifact SET epoch = 5", gone); /* sent before the sixth */
    says(state, "UPDATE artifact SET epoch = 9", NULL);
    says(state, "UPDATE artifact SET attempt = 1", gone); /* of a run that was done once more */
    says(state, "UPDATE artifact SET attempt = 3", NULL);
    says(state, "UPDATE artifact SET kind = 'best'", gone);
    says(state, "UPDATE artifact SET kind = 'last', experiment = 2", gone);
}

static void a_content_that_two_have_is_looked_at_once_and_missed_by_both(void **state) {
    struct said said;
    const struct fsck_result result = look(
        state,
        "INSERT INTO artifact (experiment, name, kind, epoch, attempt, reported_ms, sha256, bytes)"
        " VALUES (1, 'last', 'last', 9, 1, 1, '" SUM(
            "1") "', 5), (2, 'last', 'last', 3, 1, 1, '" SUM("1") "', 5), (2, 'best', 'best', 3, "
                                                                  "1, 1, '" SUM("2") "', 6)",
        *state, &said);
    assert_int_equal(said.count, 3);
    assert_int_equal(result.files, 2);
    assert_int_equal(result.bytes, 11);
}

static void what_a_fork_goes_on_from_is_missed_until_it_is_done(void **state) {
    struct said said;
    look(state, "INSERT INTO fork_file VALUES (1, 'file', '" SUM("1") "', 5)", *state, &said);
    assert_int_equal(said.count, 0);
    look(state, "UPDATE experiment SET state = 'failed' WHERE id = 1", *state, &said);
    assert_int_equal(said.count, 1);
    assert_non_null(strstr(said.last, "experiment 1: what it goes on from is gone: "));
}

static void a_folder_that_is_not_there_is_no_fault_where_nothing_should_be_in_it(void **state) {
    struct said said;
    look(state, NULL, "/nowhere", &said);
    assert_int_equal(said.count, 0);
}

static void a_database_of_the_first_schema_is_looked_at_with_its_folder(void **state) {
    extern const char sql_001_initial[];
    char *path = temporary_path(state, "runs.db");
    struct said said;
    assert_int_equal(unlink(path), 0);
    look(state, sql_001_initial, *state, &said);
    assert_int_equal(said.count, 0);
    free(path);
}

/* --- beside a coordinator --- */

/* A content of five bytes in the folder of artifacts. */
static void put_content(const char *folder, const char *sha256) {
    char path[PATH_MAX], sub[PATH_MAX];
    assert_true(depot_folder(folder, sha256, sub));
    assert_true(depot_file(folder, sha256, path));
    assert_true(folder_make(sub, NULL));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs("bytes", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static void change(void **state, const char *sql) {
    char *path = temporary_path(state, "runs.db");
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(database));
    sqlite3_close(database);
    free(path);
}

struct going_on {
    struct said said; /* first: what fsck says goes there */
    void **state;
    const char *folder;
    bool done;
};

/* What a coordinator does that takes a newer `last`: the row names that, then the old content goes.
 */
static void take_a_newer_one(void *context, int64_t done, int64_t all) {
    struct going_on *going = context;
    char path[PATH_MAX];
    (void)done, (void)all;
    if (going->done)
        return;
    going->done = true;
    put_content(going->folder, SUM("3"));
    change(going->state, "UPDATE artifact SET sha256 = '" SUM("3") "' WHERE name = 'last'");
    assert_true(depot_file(going->folder, SUM("2"), path));
    assert_int_equal(unlink(path), 0);
}

static void what_was_replaced_while_it_looked_is_no_fault(void **state) {
    char *path = temporary_path(state, "runs.db"), *folder = temporary_path(state, "artifacts");
    struct going_on going = {.state = state, .folder = folder};
    const struct fsck_options options = {
        .quick = true, .say = take_line, .progress = take_a_newer_one, .context = &going};
    struct fsck_result result;
    struct error error = {0};
    put_content(folder, SUM("1"));
    put_content(folder, SUM("2"));
    change(state, "INSERT INTO artifact (experiment, name, kind, epoch, attempt, reported_ms,"
                  " sha256, bytes) VALUES (1, 'best', 'best', 1, 1, 1, '" SUM(
                      "1") "', 5),"
                           " (1, 'last', 'last', 1, 1, 1, '" SUM("2") "', 5)");
    if (!fsck_run(path, folder, &options, &result, &error))
        fail_msg("%s", error.message);
    assert_string_equal(going.said.last, "");
    assert_int_equal(result.files, 2);
    free(path);
    free(folder);
}

static void a_file_that_is_cut_short_is_a_fault_at_a_quick_look_too(void **state) {
    char *path = temporary_path(state, "runs.db"), *folder = temporary_path(state, "artifacts");
    struct said said = {0};
    const struct fsck_options options = {.quick = true, .say = take_line, .context = &said};
    struct fsck_result result;
    struct error error = {0};
    put_content(folder, SUM("1"));
    change(state, "INSERT INTO artifact (experiment, name, kind, epoch, attempt, reported_ms,"
                  " sha256, bytes) VALUES (1, 'best', 'best', 1, 1, 1, '" SUM("1") "', 6)");
    if (!fsck_run(path, folder, &options, &result, &error))
        fail_msg("%s", error.message);
    assert_int_equal(result.faults, 1);
    assert_non_null(strstr(said.last, "experiment 1: the artifact best has 5 bytes, not 6: "));
    free(path);
    free(folder);
}

/* --- in a folder that is not writable --- */

enum { NOBODY = 65534 };

/* Fsck of PLACE/runs.db as somebody who may write nowhere there. */
static bool fsck_as_reader(const char *place, struct said *said, struct error *error) {
    const struct fsck_options options = {.say = take_line, .context = said};
    struct fsck_result result;
    char path[600];
    const uid_t user = getuid();
    snprintf(path, sizeof path, "%s/runs.db", place);
    *said = (struct said){0};
    assert_int_equal(chmod(place, 0555), 0);
    if (user == 0)
        assert_int_equal(setresuid(NOBODY, NOBODY, 0), 0);
    bool good = fsck_run(path, NULL, &options, &result, error);
    if (user == 0)
        assert_int_equal(setresuid(0, 0, 0), 0);
    assert_int_equal(chmod(place, 0755), 0);
    return good;
}

static size_t files_in(const char *place) {
    const struct dirent *entry;
    size_t count = 0;
    DIR *folder = opendir(place);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* A copy of the database while somebody writes to it: the fault stands in the log alone. */
static void copy_beside_its_writer(void **state, const char *place) {
    char *path = temporary_path(state, "runs.db"), from[600], to[600];
    sqlite3 *database;
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(mkdir(place, 0755), 0);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "DELETE FROM epoch WHERE experiment = 1 AND epoch = 10",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        snprintf(from, sizeof from, "%s%s", path, i == 0 ? "" : "-wal");
        snprintf(to, sizeof to, "%s/runs.db%s", place, i == 0 ? "" : "-wal");
        assert_true(atomic_file_copy(from, to, NULL));
    }
    sqlite3_close(database);
    free(path);
}

static void what_is_in_the_log_counts_where_nothing_can_be_written(void **state) {
    char *place = temporary_path(state, "snapshot"), log[600];
    struct said said;
    struct error error = {0};
    copy_beside_its_writer(state, place);
    if (!fsck_as_reader(place, &said, &error))
        fail_msg("%s", error.message);
    assert_string_equal(said.last, "experiment 1 is done, and 9 of its 10 epochs are there");
    assert_int_equal(files_in(place), 2);
    snprintf(log, sizeof log, "%s/runs.db-wal", place);
    assert_int_equal(unlink(log), 0);
    if (!fsck_as_reader(place, &said, &error))
        fail_msg("%s", error.message);
    assert_int_equal(said.count, 0);
    assert_int_equal(files_in(place), 1);
    free(place);
}

static void a_copy_for_which_there_is_no_room_is_an_error(void **state) {
    char *place = temporary_path(state, "snapshot");
    struct said said;
    struct error error = {0};
    copy_beside_its_writer(state, place);
    setenv("TMPDIR", "/nowhere", 1);
    assert_false(fsck_as_reader(place, &said, &error));
    unsetenv("TMPDIR");
    assert_non_null(strstr(error.message, "/snapshot/runs.db: its folder is not writable, and "
                                          "TMPDIR has no room for a copy: /nowhere/"));
    free(place);
}

int main(void) {
#define ON_DATABASE(test) cmocka_unit_test_setup_teardown(test, database_make, temporary_remove)
    const struct CMUnitTest tests[] = {
        ON_DATABASE(what_is_done_and_what_was_stopped_early_is_whole),
        ON_DATABASE(more_epochs_than_the_one_it_was_stopped_after_are_no_fault),
        ON_DATABASE(a_missing_last_epoch_is_a_fault),
        ON_DATABASE(an_epoch_that_is_missing_before_the_stop_is_a_fault),
        ON_DATABASE(more_epochs_than_were_planned_are_a_fault),
        ON_DATABASE(a_gap_in_the_epochs_is_a_fault),
        ON_DATABASE(a_database_from_before_there_were_stops_is_looked_at_too),
        ON_DATABASE(an_attempt_that_runs_while_its_experiment_does_not_is_a_fault),
        ON_DATABASE(an_earlier_attempt_that_runs_still_is_a_fault_twice),
        ON_DATABASE(an_attempt_that_runs_and_has_an_end_is_a_fault),
        ON_DATABASE(a_report_of_an_attempt_that_never_was_is_a_fault),
        ON_DATABASE(only_checkpoints_of_this_host_that_were_never_sent_are_missed),
        ON_DATABASE(what_was_sent_and_thinned_out_is_not_missed),
        ON_DATABASE(a_content_that_two_have_is_looked_at_once_and_missed_by_both),
        ON_DATABASE(what_a_fork_goes_on_from_is_missed_until_it_is_done),
        ON_DATABASE(a_folder_that_is_not_there_is_no_fault_where_nothing_should_be_in_it),
        ON_DATABASE(a_database_of_the_first_schema_is_looked_at_with_its_folder),
        ON_DATABASE(what_was_replaced_while_it_looked_is_no_fault),
        ON_DATABASE(a_file_that_is_cut_short_is_a_fault_at_a_quick_look_too),
        ON_DATABASE(what_is_in_the_log_counts_where_nothing_can_be_written),
        ON_DATABASE(a_copy_for_which_there_is_no_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
