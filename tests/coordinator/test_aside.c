/* A database that changes while it is copied aside is no copy. */
#include "coordinator/aside.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
    assert_int_equal(sqlite3_exec(database, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    assert_int_equal(mkfifo(stage.log, 0600), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_log, &stage), 0);
    bool good = aside_open(stage.path, &database, &error);
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
        IN_FOLDER(what_stays_as_it_is_is_opened),
        IN_FOLDER(what_becomes_longer_is_an_error),
        IN_FOLDER(what_is_written_to_is_an_error),
        IN_FOLDER(what_is_written_to_within_the_second_is_an_error),
        IN_FOLDER(what_is_replaced_is_an_error),
        IN_FOLDER(what_somebody_opens_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
