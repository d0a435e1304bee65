#include "core/ticks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The labels with a space between them are what they should be. */
static void assert_ticks(const struct ticks *ticks, const char *expected) {
    char all[TICKS_MAX * TICKS_LABEL] = "", label[TICKS_LABEL];
    for (size_t i = 0; i < ticks->count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, ticks_label(ticks, i, label));
    }
    assert_string_equal(all, expected);
}

static void ticks_around_a_range_are_round_and_enclose_it(void **state) {
    (void)state;
    struct ticks ticks = ticks_around(0.013, 0.66, 9);
    assert_ticks(&ticks, "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7");
    assert_true(ticks.low <= 0.013 && ticks.high >= 0.66);
    ticks = ticks_around(0.937, 0.972, 9);
    assert_ticks(&ticks, "0.935 0.940 0.945 0.950 0.955 0.960 0.965 0.970 0.975");
    ticks = ticks_around(-3, 14, 5);
    assert_ticks(&ticks, "-5 0 5 10 15");
    ticks = ticks_around(0, 1, 6);
    assert_ticks(&ticks, "0.0 0.2 0.4 0.6 0.8 1.0");
    ticks = ticks_around(-1e-12, 1, 6); /* no -0.0 */
    assert_ticks(&ticks, "0.0 0.2 0.4 0.6 0.8 1.0");
    ticks = ticks_around(0, 2e6, 5);
    assert_ticks(&ticks, "0 500000 1e+06 1.5e+06 2e+06");
}

static void labels_tell_ticks_apart_however_close_they_are(void **state) {
    (void)state;
    struct ticks ticks = ticks_around(0, 1e-7, 6);
    assert_ticks(&ticks, "0 2e-08 4e-08 6e-08 8e-08 1e-07");
    ticks = ticks_around(-1e-19, 1e-7, 6);
    assert_ticks(&ticks, "0 2e-08 4e-08 6e-08 8e-08 1e-07");
    ticks = ticks_around(0.9999981, 0.9999999, 6);
    assert_ticks(&ticks, "0.999998 0.9999985 0.999999 0.9999995 1");
    ticks = ticks_whole(1000000, 1000003, 6);
    assert_ticks(&ticks, "1000000 1000001 1000002 1000003");
}

static void two_ticks_are_enough_for_any_range(void **state) {
    (void)state;
    struct ticks ticks = ticks_around(0.4, 0.6, 2);
    assert_ticks(&ticks, "0.4 0.6");
}

static void a_range_of_nothing_is_widened_and_one_that_is_not_finite_replaced(void **state) {
    (void)state;
    struct ticks ticks = ticks_around(0.5, 0.5, 6);
    assert_true(ticks.low < 0.5 && ticks.high > 0.5);
    ticks = ticks_around(0, 0, 6);
    assert_true(ticks.low < 0 && ticks.high > 0);
    ticks = ticks_around(NAN, INFINITY, 6);
    assert_ticks(&ticks, "0.0 0.2 0.4 0.6 0.8 1.0");
}

static void what_powers_of_ten_do_not_reach_counts_as_zero_or_as_not_finite(void **state) {
    (void)state;
    struct ticks ticks = ticks_around(0, 1e-310, 6);
    assert_ticks(&ticks, "-0.5 0.0 0.5");
    ticks = ticks_around(1.7e308, 1.7e308, 6);
    assert_ticks(&ticks, "0.0 0.2 0.4 0.6 0.8 1.0");
    ticks = ticks_around(-1.7e308, 1.7e308, 6);
    assert_ticks(&ticks, "0.0 0.2 0.4 0.6 0.8 1.0");
    ticks = ticks_log(5e-324, 5e-324, 8);
    assert_ticks(&ticks, "0.1 0.2 0.5 1");
    ticks = ticks_log(0.01, 1.7e308, 8);
    assert_ticks(&ticks, "0.1 0.2 0.5 1");
    ticks = ticks_log(1e-300, 1e300, 3);
    assert_true(ticks.low > 0 && ticks.low <= 1e-300);
    assert_true(isfinite(ticks.high) && ticks.high >= 1e300);
}

static void epochs_have_whole_ticks_within_their_range(void **state) {
    (void)state;
    struct ticks ticks = ticks_whole(1, 200, 11);
    assert_ticks(&ticks, "20 40 60 80 100 120 140 160 180 200");
    assert_true(ticks.low <= 1 && ticks.low >= 1);
    ticks = ticks_whole(1, 3, 12);
    assert_ticks(&ticks, "1 2 3");
    ticks = ticks_whole(1, 1, 12);
    assert_ticks(&ticks, "1");
    assert_true(ticks.low < 1 && ticks.high > 1);
}

static void a_logarithmic_axis_has_one_two_and_five_or_powers_of_ten(void **state) {
    (void)state;
    struct ticks ticks = ticks_log(2.5e-5, 2e-4, 8);
    assert_ticks(&ticks, "2e-05 5e-05 0.0001 0.0002");
    ticks = ticks_log(1e-6, 2e-1, 8);
    assert_ticks(&ticks, "1e-06 1e-05 0.0001 0.001 0.01 0.1 1");
    ticks = ticks_log(1e-9, 1, 4);
    assert_true(ticks.count <= 4);
    assert_true(ticks.low <= 1e-9 && ticks.high >= 1);
    ticks = ticks_log(0.01, 0.01, 8);
    assert_ticks(&ticks, "0.005 0.01 0.02");
    ticks = ticks_log(0, 1, 8);
    assert_true(ticks.low > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_around_a_range_are_round_and_enclose_it),
        cmocka_unit_test(labels_tell_ticks_apart_however_close_they_are),
        cmocka_unit_test(two_ticks_are_enough_for_any_range),
        cmocka_unit_test(a_range_of_nothing_is_widened_and_one_that_is_not_finite_replaced),
        cmocka_unit_test(what_powers_of_ten_do_not_reach_counts_as_zero_or_as_not_finite),
        cmocka_unit_test(epochs_have_whole_ticks_within_their_range),
        cmocka_unit_test(a_logarithmic_axis_has_one_two_and_five_or_powers_of_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
