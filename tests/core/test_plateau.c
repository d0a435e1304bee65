#include "core/plateau.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Made by tests/core/make_plateau.py (torch 1.13): *_rates[i] is the rate after the i-th loss. */
/* noisy: lr, factor, patience, min_lr = (0.0002, 0.5, 2, 1e-06) */
static const double noisy_losses[] = {
    0.711898, 0.644959, 0.563658, 0.511298, 0.455857, 0.377959, 0.331315, 0.333677, 0.270483,
    0.238973, 0.250336, 0.200501, 0.198014, 0.161656, 0.153595, 0.114879, 0.126478, 0.127005,
    0.099939, 0.102173, 0.09103,  0.053909, 0.082661, 0.069046, 0.049914, 0.032306, 0.070418,
    0.04759,  0.057079, 0.062595, 0.052169, 0.060583, 0.032569, 0.05136,  0.032216, 0.055591,
    0.05172,  0.011735, 0.012855, 0.016194, 0.052991, 0.02597,  0.035006, 0.018293, 0.028223,
    0.021818, 0.019773, 0.03122,  0.030948, 0.046741, 0.03545,  0.04764,  0.043872, 0.050478,
    0.034383, 0.008878, 0.04367,  0.048795, 0.045732, 0.028894};
static const double noisy_rates[] = {
    0.0002,     0.0002,     0.0002,    0.0002,    0.0002,     0.0002,     0.0002,     0.0002,
    0.0002,     0.0002,     0.0002,    0.0002,    0.0002,     0.0002,     0.0002,     0.0002,
    0.0002,     0.0002,     0.0002,    0.0002,    0.0002,     0.0002,     0.0002,     0.0002,
    0.0002,     0.0002,     0.0002,    0.0002,    0.0001,     0.0001,     0.0001,     5e-05,
    5e-05,      5e-05,      5e-05,     5e-05,     5e-05,      5e-05,      5e-05,      5e-05,
    2.5e-05,    2.5e-05,    2.5e-05,   1.25e-05,  1.25e-05,   1.25e-05,   6.25e-06,   6.25e-06,
    6.25e-06,   3.125e-06,  3.125e-06, 3.125e-06, 1.5625e-06, 1.5625e-06, 1.5625e-06, 1.5625e-06,
    1.5625e-06, 1.5625e-06, 1e-06,     1e-06};
/* flat: lr, factor, patience, min_lr = (0.0002, 0.5, 3, 1e-06) */
static const double flat_losses[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,
                                     0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,
                                     0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,
                                     0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
static const double flat_rates[] = {
    0.0002,    0.0002,    0.0002,    0.0002,    0.0001,     0.0001,     0.0001,     0.0001,
    5e-05,     5e-05,     5e-05,     5e-05,     2.5e-05,    2.5e-05,    2.5e-05,    2.5e-05,
    1.25e-05,  1.25e-05,  1.25e-05,  1.25e-05,  6.25e-06,   6.25e-06,   6.25e-06,   6.25e-06,
    3.125e-06, 3.125e-06, 3.125e-06, 3.125e-06, 1.5625e-06, 1.5625e-06, 1.5625e-06, 1.5625e-06,
    1e-06,     1e-06,     1e-06,     1e-06,     1e-06,      1e-06,      1e-06,      1e-06};
/* threshold: lr, factor, patience, min_lr = (0.001, 0.1, 0, 0.0) */
static const double threshold_losses[] = {1.0,    0.99995, 0.9999, 0.99985,
                                          0.9998, 0.9997,  0.9996, 0.9995};
static const double threshold_rates[] = {0.001,
                                         0.0001,
                                         1e-05,
                                         1e-05,
                                         1.0000000000000002e-06,
                                         1.0000000000000002e-06,
                                         1.0000000000000002e-06,
                                         1.0000000000000002e-06};
/* broken: lr, factor, patience, min_lr = (0.001, 0.25, 1, 1e-05) */
static const double broken_losses[] = {NAN, INFINITY, 0.4, NAN, 0.3, NAN, NAN, 0.29999};
static const double broken_rates[] = {0.001,   0.00025, 0.00025,  0.00025,
                                      0.00025, 0.00025, 6.25e-05, 6.25e-05};
/* tiny: lr, factor, patience, min_lr = (1.5e-08, 0.5, 0, 0.0) */
static const double tiny_losses[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
static const double tiny_rates[] = {1.5e-08, 1.5e-08, 1.5e-08, 1.5e-08,
                                    1.5e-08, 1.5e-08, 1.5e-08, 1.5e-08};

static void expect_rates(struct plateau plateau, const double *losses, const double *rates,
                         size_t count) {
    for (size_t i = 0; i < count; i++) {
        plateau_step(&plateau, losses[i]);
        assert_memory_equal(&plateau.lr, &rates[i], sizeof rates[i]);
    }
}

static struct plateau begin(double lr, double factor, uint32_t patience, double min_lr) {
    struct plateau plateau;
    plateau_init(&plateau, lr, factor, patience, min_lr);
    return plateau;
}

#define EXPECT(name, ...)                                                                          \
    expect_rates(begin(__VA_ARGS__), name##_losses, name##_rates,                                  \
                 sizeof name##_rates / sizeof name##_rates[0])

static void a_noisy_falling_loss_gives_pytorchs_rates(void **state) {
    (void)state;
    EXPECT(noisy, 2e-4, 0.5, 2, 1e-6);
}

static void a_flat_loss_halves_the_rate_until_the_least(void **state) {
    (void)state;
    EXPECT(flat, 2e-4, 0.5, 3, 1e-6);
}

static void falls_within_the_threshold_count_as_bad_epochs(void **state) {
    (void)state;
    EXPECT(threshold, 1e-3, 0.1, 0, 0.0);
}

static void nan_and_infinity_count_as_bad_epochs(void **state) {
    (void)state;
    EXPECT(broken, 1e-3, 0.25, 1, 1e-5);
}

static void steps_smaller_than_1e_minus_8_are_not_made(void **state) {
    (void)state;
    EXPECT(tiny, 1.5e-8, 0.5, 0, 0.0);
}

static void a_copied_state_goes_on_where_the_first_stood(void **state) {
    (void)state;
    struct plateau plateau = begin(2e-4, 0.5, 2, 1e-6);
    for (size_t i = 0; i < 30; i++)
        plateau_step(&plateau, noisy_losses[i]);
    expect_rates(plateau, noisy_losses + 30, noisy_rates + 30,
                 sizeof noisy_rates / sizeof noisy_rates[0] - 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_noisy_falling_loss_gives_pytorchs_rates),
        cmocka_unit_test(a_flat_loss_halves_the_rate_until_the_least),
        cmocka_unit_test(falls_within_the_threshold_count_as_bad_epochs),
        cmocka_unit_test(nan_and_infinity_count_as_bad_epochs),
        cmocka_unit_test(steps_smaller_than_1e_minus_8_are_not_made),
        cmocka_unit_test(a_copied_state_goes_on_where_the_first_stood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
