#include "core/file.h"

#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* --- what is asked of the disk, in order: mkdir and fsync in place of the C library's --- */

static char asked[4096]; /* "make FOLDER\n" and "sync FOLDER\n", by their last names */
static bool syncs_fail;

static void note(const char *what, const char *path) {
    size_t length = strlen(asked);
    const char *slash = strrchr(path, '/');
    snprintf(asked + length, sizeof asked - length, "%s %s\n", what,
             slash != NULL ? slash + 1 : path);
}

int mkdir(const char *path, mode_t mode) {
    int rc = mkdirat(AT_FDCWD, path, mode);
    if (rc == 0)
        note("make", path);
    return rc;
}

int fsync(int descriptor) {
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    if (syncs_fail || readlink(link, path, sizeof path - 1) < 0) {
        errno = EIO;
        return -1;
    }
    note("sync", path);
    return 0;
}

/* --- folders --- */

static void a_new_folder_is_durable_before_anything_is_made_in_it(void **state) {
    char *above = temporary_path(state, "x"), *below = temporary_path(state, "x/y/z/");
    struct error error = {0};
    assert_true(folder_make(above, &error));
    asked[0] = '\0';
    assert_true(folder_make(below, &error));
    assert_string_equal(asked, "make y\nsync x\nmake z\nsync y\n");
    asked[0] = '\0';
    assert_true(folder_make(below, &error));
    assert_string_equal(asked, "");
    free(above);
    free(below);
}

/* As one that was there it would be taken to be durable. */
static void a_folder_that_cannot_be_made_durable_is_not_left(void **state) {
    char *path = temporary_path(state, "x");
    struct error error = {0};
    syncs_fail = true;
    assert_false(folder_make(path, &error));
    syncs_fail = false;
    assert_non_null(strstr(error.message, "cannot sync the folder "));
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

static void what_keeps_a_folder_from_being_seen_is_named(void **state) {
    char *path = temporary_path(state, "x");
    struct error error = {0};
    assert_int_equal(symlink("x", path), 0); /* to itself: mkdir says that it is there */
    assert_false(folder_make(path, &error));
    assert_non_null(strstr(error.message, strerror(ELOOP)));
    free(path);
}

/* --- files --- */

static void a_file_is_written_whole_and_read_back(void **state) {
    struct error error = {0};
    char *folder = temporary_path(state, "a/b/c"), *path = temporary_path(state, "a/b/c/f"), *data;
    size_t length;
    assert_true(folder_make(folder, &error));
    assert_true(folder_make(folder, &error));
    assert_true(file_write_atomic(path, "one\0two", 7, &error));
    assert_true(file_write_atomic(path, "1\0three", 7, &error));
    assert_true(file_read(path, 7, &data, &length, &error));
    assert_int_equal(length, 7);
    assert_memory_equal(data, "1\0three", 8);
    free(data);
    char *temporary = temporary_path(state, "a/b/c/f.tmp");
    struct stat status;
    assert_int_equal(stat(temporary, &status), -1);
    free(temporary);
    free(folder);
    free(path);
}

static void a_file_beyond_the_limit_is_refused(void **state) {
    struct error error = {0};
    char *path = temporary_path(state, "f"), *data, message[600];
    size_t length;
    assert_true(file_write_atomic(path, "12345678", 8, &error));
    assert_false(file_read(path, 7, &data, &length, &error));
    snprintf(message, sizeof message, "%s: larger than 7 bytes; is it the right file?", path);
    assert_string_equal(error.message, message);
    assert_int_equal(error.code, ERROR_INPUT);
    free(path);
}

static void what_cannot_be_read_or_made_is_named(void **state) {
    struct error error = {0};
    char *path = temporary_path(state, "f"), *inside = temporary_path(state, "f/g"), *data;
    size_t length;
    assert_false(file_read(path, 7, &data, &length, &error));
    assert_non_null(strstr(error.message, "f: cannot be read: No such file or directory"));
    assert_false(file_read(*state, 7, &data, &length, &error));
    assert_non_null(strstr(error.message, ": cannot be read: Is a directory"));
    assert_true(file_write_atomic(path, "", 0, &error));
    assert_false(folder_make(inside, &error));
    assert_non_null(strstr(error.message, "/f: File exists"));
    assert_false(folder_make(path, &error));
    assert_false(file_write_atomic(inside, "", 0, &error));
    free(path);
    free(inside);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_folder_is_durable_before_anything_is_made_in_it,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made_durable_is_not_left,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(what_keeps_a_folder_from_being_seen_is_named,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_is_written_whole_and_read_back, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_beyond_the_limit_is_refused, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_or_made_is_named, temporary_make,
                                        temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
