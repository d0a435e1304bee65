#include "worker/spool.h"

#include "tests/failing_sqlite.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct spool *open_spool(const char *folder) {
    struct spool *spool = NULL;
    struct error error = {0};
    if (!spool_open(folder, &spool, &error))
        fail_msg("%s", error.message);
    return spool;
}

static void expect_first(struct spool *spool, int64_t attempt, const char *kind, const char *body) {
    struct spooled report;
    struct error error = {0};
    assert_true(spool_first(spool, &report, &error));
    assert_int_equal(report.attempt, attempt);
    assert_string_equal(report.kind, kind);
    assert_string_equal(report.body, body);
    assert_true(spool_delete(spool, report.sequence, &error));
    spooled_free(&report);
}

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

/* Deletes what stands in the folder. */
static void clear_spool(const char *folder) {
    static const char *const names[] = {"spool.db", "spool.db-wal", "spool.db-shm", "reserve"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
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

static void a_file_that_is_no_spool_is_an_error_that_names_it(void **state) {
    char path[128];
    snprintf(path, sizeof path, "%s/spool.db", (char *)*state);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100; i++)
        fputs("this is not a database at all. ", file);
    fclose(file);
    struct spool *spool = NULL;
    struct error error = {0};
    assert_false(spool_open(*state, &spool, &error));
    assert_non_null(strstr(error.message, "spool.db"));
}

/* A spool with one report, that no worker holds. */
static char *make_spool(const char *folder) {
    struct spool *spool = open_spool(folder);
    char *path = NULL;
    assert_true(spool_put(spool, 7, 1, "epoch", "{\"epoch\":1}", NULL));
    spool_close(spool);
    assert_true(asprintf(&path, "%s/spool.db", folder) > 0);
    return path;
}

static void expect_damage(const struct error *error) {
    assert_int_equal(error->code, ERROR_INPUT);
    assert_non_null(strstr(error->message, "spool.db is damaged ("));
    assert_non_null(strstr(error->message, "move it away"));
}

static void a_spool_with_a_damaged_page_is_not_opened(void **state) {
    char *path = make_spool(*state);
    struct spool *spool = NULL;
    struct error error = {0};
    FILE *file = fopen(path, "r+b");
    assert_int_equal(fseek(file, 4096, SEEK_SET), 0); /* of its first table */
    for (int i = 0; i < 100; i++)
        fputc(0xff, file);
    assert_int_equal(fclose(file), 0);
    assert_false(spool_open(*state, &spool, &error));
    expect_damage(&error);
    free(path);
}

/* A list of free pages that is shorter than its length: nothing meets it until it is written. */
static void damage_that_no_reading_meets_is_found_before_a_spool_is_used(void **state) {
    char *path = make_spool(*state);
    struct spool *spool = NULL;
    struct error error = {0};
    FILE *file = fopen(path, "r+b");
    assert_int_equal(fseek(file, 39, SEEK_SET), 0); /* sqlite.org/fileformat2.html, 1.3 */
    fputc(5, file);
    assert_int_equal(fclose(file), 0);
    assert_false(spool_open(*state, &spool, &error));
    expect_damage(&error);
    free(path);
}

/* Damage may be in what the tables are said to be. */
static void change_spool(const char *path, const char *sql) {
    sqlite3 *file;
    assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
    assert_int_equal(sqlite3_exec(file, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(file);
}

static void a_spool_of_a_newer_version_is_refused(void **state) {
    char *path = make_spool(*state);
    struct spool *spool = NULL;
    struct error error = {0};
    change_spool(path, "PRAGMA user_version = 3");
    assert_false(spool_open(*state, &spool, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "newer assay (version 3)"));
    free(path);
}

static void a_spool_that_cannot_be_opened_is_a_matter_of_its_folder(void **state) {
    char *path = temporary_path(state, "spool.db");
    struct spool *spool = NULL;
    struct error error = {0};
    assert_int_equal(mkdir(path, 0777), 0);
    assert_false(spool_open(*state, &spool, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "make it and its folder writable"));
    free(path);
}

static void a_report_without_its_text_is_damage(void **state) {
    char *path = make_spool(*state);
    struct spooled report;
    struct error error = {0};
    change_spool(path, "DROP TABLE reports; CREATE TABLE reports (sequence INTEGER PRIMARY KEY,"
                       " experiment, attempt, kind, body);"
                       "INSERT INTO reports VALUES (1, 7, 1, 'epoch', NULL)");
    struct spool *spool = open_spool(*state);
    assert_false(spool_first(spool, &report, &error));
    expect_damage(&error);
    spool_close(spool);
    free(path);
}

static void a_spool_without_a_workers_name_or_its_reports_is_not_opened(void **state) {
    static const char *const changes[] = {
        "DELETE FROM worker", "DROP TABLE reports",
        "DROP TABLE worker; CREATE TABLE worker (name, experiment, attempt, database, history);"
        "INSERT INTO worker (name) VALUES (NULL)"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *path = make_spool(*state);
        struct spool *spool = NULL;
        struct error error = {0};
        change_spool(path, changes[i]);
        assert_false(spool_open(*state, &spool, &error));
        expect_damage(&error);
        assert_int_equal(unlink(path), 0);
        free(path);
    }
}

static void is_no_damage(const struct error *error, const char *remedy) {
    assert_int_equal(error->code, ERROR_FAILED);
    assert_non_null(strstr(error->message, "spool.db"));
    assert_null(strstr(error->message, "damaged"));
    assert_non_null(strstr(error->message, remedy));
}

static void a_page_that_is_not_read_is_no_damage(void **state) {
    static const enum failing_kind kinds[] = {FAIL_READ, FAIL_EIO};
    free(make_spool(*state));
    for (size_t i = 0; i < 2; i++)
        FAIL_EACH(kinds[i], SQLITE_IOERR_READ, false) {
            struct spool *spool = NULL;
            struct error error = {0};
            if (!spool_open(*state, &spool, &error))
                is_no_damage(&error, "dmesg");
            fail_no_more();
            spool_close(spool);
        }
}

/* When another program has written to it, what SQLite remembers of it counts no more. */
static void a_page_that_is_not_read_later_is_no_damage(void **state) {
    char *path = make_spool(*state);
    FAIL_EACH(FAIL_EIO, 0, false) {
        long at = failing.after;
        fail_no_more();
        struct spool *spool = open_spool(*state);
        struct error error = {0};
        struct spooled report = {0};
        change_spool(path, "UPDATE reports SET attempt = attempt + 1");
        failing.after = at;
        if (!spool_first(spool, &report, &error))
            is_no_damage(&error, "dmesg");
        fail_no_more();
        spooled_free(&report);
        spool_close(spool);
    }
    free(path);
}

static void a_full_disk_when_a_spool_is_made_is_no_damage(void **state) {
    FAIL_EACH(FAIL_CHANGE, SQLITE_FULL, true) {
        struct spool *spool = NULL;
        struct error error = {0};
        if (!spool_open(*state, &spool, &error))
            is_no_damage(&error, "make room");
        fail_no_more();
        spool_close(spool);
        clear_spool(*state);
    }
}

/* Whoever was killed while it was laid by has left its name, and no room. */
static void a_reserve_that_was_not_laid_by_whole_is_filled_up(void **state) {
    char *path = temporary_path(state, "reserve");
    struct stat status;
    FILE *begun = fopen(path, "w");
    assert_non_null(begun);
    assert_int_equal(fclose(begun), 0);
    spool_close(open_spool(*state));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 4 << 20);
    free(path);
}

static void whose_a_spool_is_fits_where_the_reserve_gives_room(void **state) {
    static const char database[] = "0123456789abcdef0123456789abcdef";
    static const char *const histories[] = {"1123456789abcdef0123456789abcdef",
                                            "2123456789abcdef0123456789abcdef"};
    FAIL_EACH(FAIL_CHANGE, SQLITE_FULL, false) {
        const long when = failing.after;
        fail_no_more();
        struct spool *spool = open_spool(*state);
        struct error error = {0};
        assert_true(spool_belong(spool, database, histories[0], &error));
        assert_true(spool_put(spool, 7, 1, "log", "{}", &error));
        failing.after = when;
        if (!spool_belong(spool, database, histories[1], &error))
            fail_msg("%s", error.message);
        fail_no_more();
        assert_int_equal(spool_count(spool), 0);
        spool_close(spool);
        clear_spool(*state);
    }
}

static void what_is_held_and_deleted_fits_where_the_reserve_gives_room(void **state) {
    FAIL_EACH(FAIL_CHANGE, SQLITE_FULL, false) {
        const long when = failing.after;
        fail_no_more();
        struct spool *spool = open_spool(*state);
        struct error error = {0};
        assert_true(spool_put(spool, 7, 1, "log", "{}", &error));
        failing.after = when;
        if (!spool_drop(spool, 7, 1, &error) || !spool_hold(spool, 7, 2, &error))
            fail_msg("%s", error.message);
        fail_no_more();
        assert_int_equal(spool_count(spool), 0);
        spool_close(spool);
        clear_spool(*state);
    }
}

static void who_looks_at_a_spool_with_another_program_is_waited_for(void **state) {
    struct spool *spool = open_spool(*state);
    FAIL_EACH(FAIL_LOCK, SQLITE_BUSY, false) {
        struct error error = {0};
        if (!spool_put(spool, 7, 1, "log", "{}", &error))
            fail_msg("%s", error.message);
        expect_first(spool, 1, "log", "{}");
    }
    spool_close(spool);
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
        IN_FOLDER(a_spool_with_a_damaged_page_is_not_opened),
        IN_FOLDER(damage_that_no_reading_meets_is_found_before_a_spool_is_used),
        IN_FOLDER(a_spool_of_a_newer_version_is_refused),
        IN_FOLDER(a_spool_that_cannot_be_opened_is_a_matter_of_its_folder),
        IN_FOLDER(a_report_without_its_text_is_damage),
        IN_FOLDER(a_spool_without_a_workers_name_or_its_reports_is_not_opened),
        IN_FOLDER(a_file_that_is_no_spool_is_an_error_that_names_it),
        IN_FOLDER(a_page_that_is_not_read_is_no_damage),
        IN_FOLDER(a_page_that_is_not_read_later_is_no_damage),
        IN_FOLDER(a_full_disk_when_a_spool_is_made_is_no_damage),
        IN_FOLDER(a_reserve_that_was_not_laid_by_whole_is_filled_up),
        IN_FOLDER(whose_a_spool_is_fits_where_the_reserve_gives_room),
        IN_FOLDER(what_is_held_and_deleted_fits_where_the_reserve_gives_room),
        IN_FOLDER(who_looks_at_a_spool_with_another_program_is_waited_for),
    };
    failing_sqlite_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
