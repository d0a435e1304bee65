#include "core/format.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static char text[FORMAT_SIZE];

static void a_ratio_has_four_decimals_as_in_the_notebook(void **state) {
    (void)state;
    assert_string_equal(format_ratio(text, true, 0.99416666), "0.9942");
    assert_string_equal(format_ratio(text, true, 1), "1.0000");
}

static void a_loss_that_has_run_away_is_no_wider(void **state) {
    (void)state;
    assert_string_equal(format_ratio(text, true, 9999.5), "9999.5000");
    assert_string_equal(format_ratio(text, true, 12345), "1.234e+04");
    assert_string_equal(format_ratio(text, true, 8.1557409686284665e19), "8.156e+19");
    assert_string_equal(format_ratio(text, true, 1.7e308), "1.700e+308");
}

static void an_undefined_ratio_is_not_available(void **state) {
    (void)state;
    assert_string_equal(format_ratio(text, false, 0), "n/a");
    assert_string_equal(format_ratio(text, true, NAN), "n/a");
    assert_string_equal(format_ratio(text, true, INFINITY), "n/a");
}

static void a_duration_shows_its_two_largest_units(void **state) {
    (void)state;
    assert_string_equal(format_duration(text, 0), "0s");
    assert_string_equal(format_duration(text, 59.4), "59s");
    assert_string_equal(format_duration(text, 59.6), "1m 00s");
    assert_string_equal(format_duration(text, 725), "12m 05s");
    assert_string_equal(format_duration(text, 3 * 3600 + 7 * 60 + 59), "3h 07m");
    assert_string_equal(format_duration(text, 2 * 86400 + 4 * 3600), "2d 04h");
    assert_string_equal(format_duration(text, -1), "n/a");
    assert_string_equal(format_duration(text, NAN), "n/a");
}

static void bytes_are_in_powers_of_1024(void **state) {
    (void)state;
    assert_string_equal(format_bytes(text, 1023), "1023 B");
    assert_string_equal(format_bytes(text, 1024), "1.0 KiB");
    assert_string_equal(format_bytes(text, 25276502016), "23.5 GiB");
    assert_string_equal(format_bytes(text, UINT64_MAX), "16384.0 PiB");
}

/* TZ=UTC date -d @1795493707 '+%F %T' */
static void a_time_is_local(void **state) {
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    assert_string_equal(format_time(text, 1795493707999), "2026-11-24 04:15:07");
    setenv("TZ", "XXX-2", 1);
    tzset();
    assert_string_equal(format_time(text, 1795493707999), "2026-11-24 06:15:07");
}

static void a_bar_is_never_longer_than_it_should(void **state) {
    (void)state;
    assert_string_equal(format_bar(text, 0.5, 10), "[#####-----]");
    assert_string_equal(format_bar(text, 0.999, 10), "[#########-]");
    assert_string_equal(format_bar(text, 7, 4), "[####]");
    assert_string_equal(format_bar(text, -1, 4), "[----]");
    assert_string_equal(format_bar(text, NAN, 4), "[----]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ratio_has_four_decimals_as_in_the_notebook),
        cmocka_unit_test(a_loss_that_has_run_away_is_no_wider),
        cmocka_unit_test(an_undefined_ratio_is_not_available),
        cmocka_unit_test(a_duration_shows_its_two_largest_units),
        cmocka_unit_test(bytes_are_in_powers_of_1024),
        cmocka_unit_test(a_time_is_local),
        cmocka_unit_test(a_bar_is_never_longer_than_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
