/* A copy aside is what stands in all of a database's files, or an error, and leaves nothing. */
#include "coordinator/aside.h"
#include "core/atomic_file.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

static void run(sqlite3 *database, const char *sql) {
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(database));
}

/* Opens it with copies in a folder of their own, in which nothing is left. */
static bool open_aside(void **state, const char *path, sqlite3 **database, struct error *error) {
    char *place = temporary_path(state, "tmp");
    assert_int_equal(mkdir(place, 0700), 0);
    setenv("TMPDIR", place, 1);
    bool good = aside_open(path, database, error);
    unsetenv("TMPDIR");
    assert_int_equal(rmdir(place), 0);
    free(place);
    return good;
}

/* As its writer leaves it who is killed in the middle of a transaction, without a log. */
static void what_was_not_committed_is_taken_back_in_the_copy(void **state) {
    char *path = temporary_path(state, "at_work.db"), *left = temporary_path(state, "runs.db");
    char from[600], to[600];
    struct error error = {0};
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    run(database, "CREATE TABLE t (x); WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
                  " i < 100) INSERT INTO t SELECT zeroblob(2000) FROM n; PRAGMA cache_size = 10;"
                  "BEGIN; UPDATE t SET x = 'half done'");
    for (int i = 0; i < 2; i++) {
        snprintf(from, sizeof from, "%s%s", path, i == 0 ? "" : "-journal");
        snprintf(to, sizeof to, "%s%s", left, i == 0 ? "" : "-journal");
        assert_true(atomic_file_copy(from, to, NULL));
    }
    sqlite3_close(database);
    if (!open_aside(state, left, &database, &error))
        fail_msg("%s", error.message);
    assert_int_equal(sqlite3_prepare_v2(database, "SELECT count(*) FROM t WHERE length(x) = 2000",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(statement, 0), 100);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    free(path);
    free(left);
}

/* --- while it changes --- */

/* The log is a pipe: what is copied before it is there by then, and waits for its end. */
struct stage {
    char *path, *log;
    void (*change)(const char *path);
};

static void *write_log(void *context) {
    const struct stage *stage = context;
    int log = open(stage->log, O_WRONLY | O_CLOEXEC);
    if (stage->change != NULL)
        stage->change(stage->path);
    close(log);
    return NULL;
}

/* Whether it can be opened aside when that is done to it meanwhile (NULL: nothing). */
static bool opens(void **state, void (*change)(const char *path)) {
    struct stage stage = {.path = temporary_path(state, "runs.db"),
                          .log = temporary_path(state, "runs.db-wal"),
                          .change = change};
    struct error error = {0};
    sqlite3 *database = NULL;
    pthread_t writer;
    assert_int_equal(sqlite3_open(stage.path, &database), SQLITE_OK);
    run(database, "CREATE TABLE t (x)");
    sqlite3_close(database);
    assert_int_equal(mkfifo(stage.log, 0600), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_log, &stage), 0);
    bool good = open_aside(state, stage.path, &database, &error);
    assert_int_equal(pthread_join(writer, NULL), 0);
    sqlite3_close(database);
    if (!good && strstr(error.message, "runs.db: another program writes to it") == NULL)
        fail_msg("%s", error.message);
    free(stage.path);
    free(stage.log);
    return good;
}

static void lengthen(const char *path) {
    FILE *file = fopen(path, "a");
    fputs("more", file);
    fclose(file);
}

/* With the times of the one that was there. */
static void keep_times(const char *path, const struct stat *before) {
    utimensat(AT_FDCWD, path, (struct timespec[]){before->st_atim, before->st_mtim}, 0);
}

static void lengthen_in_no_time(const char *path) {
    struct stat before;
    stat(path, &before);
    lengthen(path);
    keep_times(path, &before);
}

static void touch(const char *path) {
    struct stat before;
    stat(path, &before);
    before.st_mtim.tv_sec++;
    keep_times(path, &before);
}

static void touch_soon_after(const char *path) {
    struct stat before;
    stat(path, &before);
    before.st_mtim.tv_nsec ^= 1;
    keep_times(path, &before);
}

static void replace(const char *path) {
    char other[600];
    struct stat before;
    stat(path, &before);
    snprintf(other, sizeof other, "%s.new", path);
    int made = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (ftruncate(made, before.st_size) == 0)
        keep_times(other, &before);
    close(made);
    rename(other, path);
}

static void open_it(const char *path) {
    char index[600];
    snprintf(index, sizeof index, "%s-shm", path);
    close(open(index, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void what_stays_as_it_is_is_opened(void **state) {
    assert_true(opens(state, NULL));
}

static void what_becomes_longer_is_an_error(void **state) {
    assert_false(opens(state, lengthen_in_no_time));
}

static void what_is_written_to_is_an_error(void **state) {
    assert_false(opens(state, touch));
}

static void what_is_written_to_within_the_second_is_an_error(void **state) {
    assert_false(opens(state, touch_soon_after));
}

static void what_is_replaced_is_an_error(void **state) {
    assert_false(opens(state, replace));
}

static void what_somebody_opens_is_an_error(void **state) {
    assert_false(opens(state, open_it));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_was_not_committed_is_taken_back_in_the_copy),
        IN_FOLDER(what_stays_as_it_is_is_opened),
        IN_FOLDER(what_becomes_longer_is_an_error),
        IN_FOLDER(what_is_written_to_is_an_error),
        IN_FOLDER(what_is_written_to_within_the_second_is_an_error),
        IN_FOLDER(what_is_replaced_is_an_error),
        IN_FOLDER(what_somebody_opens_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
