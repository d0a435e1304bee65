#include "cli/demo_folder.h"

#include "core/file.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool take(void **state, const char *marker, struct demo_set *set, struct error *error) {
    char *path = temporary_path(state, "assay-demo.json"), *taken = NULL;
    *set = (struct demo_set){.pictures = -1, .size = -1, .seed = -1};
    assert_true(file_write_atomic(path, marker, strlen(marker), error));
    bool good = demo_folder_take(*state, set, &taken, error);
    free(taken);
    free(path);
    return good;
}

static void a_demo_is_gone_on_with_as_its_marker_says(void **state) {
    struct demo_set set;
    struct error error = {0};
    assert_true(take(state,
                     "{\"pictures\": 10, \"size\": 1024, \"seed\": 2147483647, "
                     "\"drawn\": true}",
                     &set, &error));
    assert_int_equal(set.pictures, 10);
    assert_int_equal(set.size, 1024);
    assert_int_equal(set.seed, 2147483647);
    assert_true(set.drawn);
}

static void a_marker_with_what_no_option_takes_is_none(void **state) {
    static const char *const markers[] = {
        "[]",
        "{\"pictures\": 10, \"size\": 64}",
        "{\"pictures\": 9, \"size\": 64, \"seed\": 0}",
        "{\"pictures\": 4294967306, \"size\": 64, \"seed\": 0}",
        "{\"pictures\": 1e300, \"size\": 64, \"seed\": 0}",
        "{\"pictures\": 10, \"size\": 1025, \"seed\": 0}",
        "{\"pictures\": 10, \"size\": 64, \"seed\": -1}",
        "{\"pictures\": 10, \"size\": 64, \"seed\": 2147483648}",
    };
    for (size_t i = 0; i < sizeof markers / sizeof markers[0]; i++) {
        struct demo_set set;
        struct error error = {0};
        assert_false(take(state, markers[i], &set, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "no marker of a demo"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_demo_is_gone_on_with_as_its_marker_says),
        IN_FOLDER(a_marker_with_what_no_option_takes_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
