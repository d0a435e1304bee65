#include "tests/worker/spool_fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void reports_come_back_in_the_order_they_were_put(void **state) {
    struct spool *spool = open_spool(*state);
    struct error error = {0};
    assert_true(spool_put(spool, 7, 1, "epoch", "{\"epoch\":1}", &error));
    assert_true(spool_put(spool, 7, 1, "log", "{\"text\":\"Zeile \xc3\xbc\"}", &error));
    assert_true(spool_put(spool, 7, 1, "end", "{}", &error));
    assert_int_equal(spool_count(spool), 3);
    expect_first(spool, 1, "epoch", "{\"epoch\":1}");
    expect_first(spool, 1, "log", "{\"text\":\"Zeile \xc3\xbc\"}");
    expect_first(spool, 1, "end", "{}");
    assert_int_equal(spool_count(spool), 0);
    spool_close(spool);
}

static void an_empty_spool_has_no_first_report(void **state) {
    struct spool *spool = open_spool(*state);
    struct spooled report;
    struct error error = {0};
    assert_true(spool_first(spool, &report, &error));
    assert_null(report.kind);
    spool_close(spool);
}

static void a_report_outlives_a_worker_that_is_killed_right_after_putting_it(void **state) {
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct spool *spool = NULL;
        char done = spool_open(*state, &spool, NULL) &&
                    spool_put(spool, 7, 3, "epoch", "{\"epoch\":9}", NULL);
        if (write(pipes[1], &done, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char done = 0;
    assert_int_equal(read(pipes[0], &done, 1), 1);
    assert_true(done);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(pipes[0]);
    close(pipes[1]);

    struct spool *spool = open_spool(*state);
    assert_int_equal(spool_count(spool), 1);
    expect_first(spool, 3, "epoch", "{\"epoch\":9}");
    spool_close(spool);
}

static void dropping_an_attempt_leaves_other_attempts_and_experiments(void **state) {
    struct spool *spool = open_spool(*state);
    struct error error = {0};
    assert_true(spool_put(spool, 7, 1, "epoch", "a", &error));
    assert_true(spool_put(spool, 7, 2, "epoch", "b", &error));
    assert_true(spool_put(spool, 7, 2, "log", "b", &error));
    assert_true(spool_put(spool, 8, 1, "epoch", "c", &error));
    assert_true(spool_put(spool, 7, 1, "end", "d", &error));
    assert_true(spool_put(spool, 7, 3, "epoch", "e", &error));
    assert_true(spool_drop(spool, 7, 2, &error));
    assert_int_equal(spool_count(spool), 4);
    expect_first(spool, 1, "epoch", "a");
    assert_true(spool_drop(spool, 7, 1, &error));
    assert_int_equal(spool_count(spool), 2);
    expect_first(spool, 1, "epoch", "c");
    expect_first(spool, 3, "epoch", "e");
    spool_close(spool);
}

static void a_late_answer_never_deletes_a_newer_report(void **state) {
    struct spool *spool = open_spool(*state);
    struct error error = {0};
    struct spooled old, new;
    assert_true(spool_put(spool, 7, 1, "epoch", "a", &error));
    assert_true(spool_first(spool, &old, &error));
    assert_true(spool_delete(spool, old.sequence, &error));
    assert_true(spool_put(spool, 7, 1, "epoch", "b", &error));
    assert_true(spool_first(spool, &new, &error));
    assert_int_not_equal(old.sequence, new.sequence);
    assert_true(spool_delete(spool, old.sequence, &error));
    assert_int_equal(spool_count(spool), 1);
    spooled_free(&old);
    spooled_free(&new);
    spool_close(spool);
}

static void the_name_stays_with_the_folder(void **state) {
    struct spool *spool = open_spool(*state);
    char *name = strdup(spool_worker(spool));
    assert_non_null(strchr(name, ':'));
    spool_close(spool);
    spool = open_spool(*state);
    assert_string_equal(spool_worker(spool), name);
    spool_close(spool);
    free(name);
}

static void no_two_spools_of_a_machine_have_one_name(void **state) {
    struct spool *spool = open_spool(*state);
    char *name = strdup(spool_worker(spool));
    spool_close(spool);
    clear_spool(*state);
    spool = open_spool(*state);
    assert_string_not_equal(spool_worker(spool), name);
    spool_close(spool);
    free(name);
}

static void what_is_of_one_history_is_dropped_with_it_and_not_before(void **state) {
    static const char database[] = "0123456789abcdef0123456789abcdef";
    static const struct {
        const char *history;
        size_t left;
    } steps[] = {{"1123456789abcdef0123456789abcdef", 1}, /* it was of none before */
                 {"1123456789abcdef0123456789abcdef", 1},
                 {"2123456789abcdef0123456789abcdef", 0}};
    struct spool *spool = open_spool(*state);
    struct error error = {0};
    assert_true(spool_put(spool, 7, 2, "epoch", "a", &error));
    assert_true(spool_hold(spool, 7, 2, &error));
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t experiment = -1, attempt = -1;
        assert_true(spool_belong(spool, database, steps[i].history, &error));
        for (int opened = 0; opened < 2; opened++) { /* what it knows, and what is on the disk */
            assert_string_equal(spool_database(spool), database);
            assert_string_equal(spool_history(spool), steps[i].history);
            assert_int_equal(spool_count(spool), steps[i].left);
            spool_close(spool);
            spool = open_spool(*state);
        }
        assert_true(spool_held(spool, &experiment, &attempt, &error));
        assert_int_equal(experiment, steps[i].left > 0 ? 7 : 0);
        assert_int_equal(attempt, steps[i].left > 0 ? 2 : 0);
    }
    spool_close(spool);
}

static void the_attempt_that_was_held_is_remembered_until_it_is_let_go(void **state) {
    struct spool *spool = open_spool(*state);
    struct error error = {0};
    int64_t experiment = -1, attempt = -1;
    assert_true(spool_held(spool, &experiment, &attempt, &error));
    assert_int_equal(experiment, 0);
    assert_true(spool_hold(spool, 7, 2, &error));
    spool_close(spool);
    spool = open_spool(*state);
    assert_true(spool_held(spool, &experiment, &attempt, &error));
    assert_int_equal(experiment, 7);
    assert_int_equal(attempt, 2);
    assert_true(spool_hold(spool, 0, 0, &error));
    assert_true(spool_held(spool, &experiment, &attempt, &error));
    assert_int_equal(experiment, 0);
    spool_close(spool);
}

static void a_folder_that_a_live_worker_holds_is_refused_with_a_clear_error(void **state) {
    struct spool *spool = open_spool(*state), *second = NULL;
    struct error error = {0};
    assert_false(spool_open(*state, &second, &error));
    assert_null(second);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "another worker"));
    spool_close(spool);
    spool_close(open_spool(*state));
}

/* As one slot of a killed worker may outlive the others: this one lives until the other is waiting
 * for it, as far as anybody can tell. */
static void a_folder_whose_worker_is_about_to_be_dead_is_waited_for(void **state) {
    int held[2];
    char byte;
    assert_int_equal(pipe(held), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct spool *spool = NULL;
        bool opened = spool_open(*state, &spool, NULL);
        if (opened && write(held[1], "", 1) == 1)
            usleep(100000);
        _exit(opened ? 0 : 1);
    }
    close(held[1]);
    assert_int_equal(read(held[0], &byte, 1), 1);
    spool_close(open_spool(*state));
    close(held[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The tables are those of version 1. */
static void
a_spool_of_before_databases_had_identities_keeps_its_reports_and_its_name(void **state) {
    static const char version_1[] =
        "CREATE TABLE reports (sequence INTEGER PRIMARY KEY AUTOINCREMENT, experiment INTEGER NOT"
        " NULL, attempt INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
        "CREATE TABLE worker (name TEXT NOT NULL, experiment INTEGER NOT NULL DEFAULT 0,"
        " attempt INTEGER NOT NULL DEFAULT 0) STRICT;"
        "INSERT INTO reports VALUES (9, 7, 2, 'log', '{}');"
        "INSERT INTO worker VALUES ('h:0123456789ab', 7, 2);"
        "PRAGMA user_version = 1;";
    char path[128];
    sqlite3 *file = NULL;
    int64_t experiment, attempt;
    struct error error = {0};
    snprintf(path, sizeof path, "%s/spool.db", (char *)*state);
    assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
    assert_int_equal(sqlite3_exec(file, version_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(file);
    for (int i = 0; i < 2; i++) {
        struct spool *spool = open_spool(*state);
        assert_string_equal(spool_worker(spool), "h:0123456789ab");
        assert_string_equal(spool_database(spool), "");
        assert_int_equal(spool_count(spool), 1);
        assert_true(spool_held(spool, &experiment, &attempt, &error));
        assert_int_equal(experiment, 7);
        spool_close(spool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(reports_come_back_in_the_order_they_were_put),
        IN_FOLDER(an_empty_spool_has_no_first_report),
        IN_FOLDER(a_report_outlives_a_worker_that_is_killed_right_after_putting_it),
        IN_FOLDER(dropping_an_attempt_leaves_other_attempts_and_experiments),
        IN_FOLDER(a_late_answer_never_deletes_a_newer_report),
        IN_FOLDER(the_name_stays_with_the_folder),
        IN_FOLDER(no_two_spools_of_a_machine_have_one_name),
        IN_FOLDER(what_is_of_one_history_is_dropped_with_it_and_not_before),
        IN_FOLDER(the_attempt_that_was_held_is_remembered_until_it_is_let_go),
        IN_FOLDER(a_folder_that_a_live_worker_holds_is_refused_with_a_clear_error),
        IN_FOLDER(a_folder_whose_worker_is_about_to_be_dead_is_waited_for),
        IN_FOLDER(a_spool_of_before_databases_had_identities_keeps_its_reports_and_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
