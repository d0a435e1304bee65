/* What a spool makes of a file that is damaged, of a disk that fails it or is full. */
#include "tests/failing_sqlite.h"
#include "tests/worker/spool_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    assert_null(strstr(error->message, "malformed")); /* SQLite's own word */
    assert_null(strchr(error->message, '\n'));
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
    failing_sqlite_open();
    const struct CMUnitTest tests[] = {
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
    return cmocka_run_group_tests(tests, NULL, NULL);
}
