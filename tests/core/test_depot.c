#include "core/depot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void contents_stand_where_other_versions_left_them(void **state) {
    (void)state;
    char path[PATH_MAX];
    assert_true(depot_folder("artifacts", "abcdef", path));
    assert_string_equal(path, "artifacts/sha256/ab");
    assert_true(depot_file("artifacts", "abcdef", path));
    assert_string_equal(path, "artifacts/sha256/ab/cdef");
    assert_true(depot_part("artifacts", "abcdef", path));
    assert_string_equal(path, "artifacts/incoming/abcdef.part");
}

/* Whether there is room for what stands `more` bytes behind the folder's name. */
static void expect_room(bool (*where)(const char *, const char *, char[static PATH_MAX]),
                        size_t more) {
    char dir[PATH_MAX] = "", path[PATH_MAX];
    memset(dir, 'd', PATH_MAX - 1 - more);
    assert_true(where(dir, "abcdef", path));
    assert_int_equal(strlen(path), PATH_MAX - 1);
    dir[PATH_MAX - 1 - more] = 'd';
    assert_false(where(dir, "abcdef", path));
}

static void what_is_longer_than_a_path_is_none(void **state) {
    (void)state;
    expect_room(depot_folder, strlen("/sha256/ab"));
    expect_room(depot_file, strlen("/sha256/ab/cdef"));
    expect_room(depot_part, strlen("/incoming/abcdef.part"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_stand_where_other_versions_left_them),
        cmocka_unit_test(what_is_longer_than_a_path_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
