#include "core/descriptors.h"
#include "tests/few_descriptors.h"

#include <stdio.h>
#include <string.h>

static void as_many_as_there_is_room_for_are_left_and_no_more(void **state) {
    (void)state;
    const struct rlimit before = leave_descriptors(20);
    struct error error = {0};
    bool all = descriptors_left(20, &error), more = descriptors_left(21, &error);
    give_back_descriptors(before);
    assert_true(all);
    assert_false(more);
    assert_int_equal(error.code, ERROR_FAILED);
}

static void the_error_names_the_limit_and_what_to_do(void **state) {
    (void)state;
    const struct rlimit before = leave_descriptors(4);
    struct rlimit few;
    struct error error = {0};
    char expected[200];
    bool left = descriptors_left(12, &error);
    getrlimit(RLIMIT_NOFILE, &few);
    give_back_descriptors(before);
    snprintf(expected, sizeof expected,
             "no more than %d files may be open at once, and 12 more than now are needed; raise "
             "the limit with: ulimit -n 1024",
             (int)few.rlim_cur);
    assert_false(left);
    assert_string_equal(error.message, expected);
}

static void looking_leaves_nothing_open(void **state) {
    (void)state;
    int next = next_descriptor();
    assert_true(descriptors_left(30, NULL));
    assert_int_equal(next_descriptor(), next);
    const struct rlimit before = leave_descriptors(4);
    bool left = descriptors_left(30, NULL);
    give_back_descriptors(before);
    assert_false(left);
    assert_int_equal(next_descriptor(), next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_there_is_room_for_are_left_and_no_more),
        cmocka_unit_test(the_error_names_the_limit_and_what_to_do),
        cmocka_unit_test(looking_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
