/* How long to poll until a moment of the steady clock. */
#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_moment_that_is_over_is_not_waited_for(void **state) {
    (void)state;
    assert_int_equal(clock_poll_ms(0), 0);
    assert_int_equal(clock_poll_ms(clock_steady_ms()), 0);
}

static void a_moment_far_away_is_polled_for_a_minute(void **state) {
    (void)state;
    assert_int_equal(clock_poll_ms(clock_steady_ms() + INT64_C(86400) * 1000), CLOCK_POLL_MS_MAX);
    assert_int_equal(clock_poll_ms(INT64_MAX), CLOCK_POLL_MS_MAX);
}

static void no_poll_is_longer_than_what_is_left(void **state) {
    (void)state;
    enum { LEFT_MS = 30 * 1000 };
    int64_t until_ms = clock_steady_ms() + LEFT_MS;
    assert_in_range(clock_poll_ms(until_ms), 0, LEFT_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_that_is_over_is_not_waited_for),
        cmocka_unit_test(a_moment_far_away_is_polled_for_a_minute),
        cmocka_unit_test(no_poll_is_longer_than_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
