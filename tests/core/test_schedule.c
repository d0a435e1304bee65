#include "core/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/data/schedule/rates.inc"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct experiment experiment(double lr, uint32_t epochs, struct scheduler_options options) {
    struct experiment experiment = {.name = NULL};
    experiment.train.optimizer.lr = lr;
    experiment.train.epochs = epochs;
    experiment.train.scheduler = options;
    return experiment;
}

static struct experiment on_plateau(double lr, double factor, uint32_t patience, double min_lr) {
    return experiment(lr, 200,
                      (struct scheduler_options){.name = SCHEDULER_REDUCE_ON_PLATEAU,
                                                 .factor = factor,
                                                 .patience = patience,
                                                 .min_lr = min_lr});
}

/* --- reduce_on_plateau: PyTorch's bits --- */

static void expect_after(struct experiment e, const double *losses, const double *rates,
                         size_t count) {
    struct schedule_state state;
    schedule_begin(&e, &state);
    for (size_t i = 0; i < count; i++) {
        schedule_step(&e, (uint32_t)i + 1, losses[i], &state);
        assert_memory_equal(&state.lr, &rates[i], sizeof rates[i]);
    }
}

#define EXPECT_AFTER(name, ...)                                                                    \
    expect_after(on_plateau(__VA_ARGS__), name##_losses, name##_rates, COUNT(name##_rates))

static void the_notebooks_plateaus_give_its_rates(void **state) {
    (void)state;
    EXPECT_AFTER(notebook, 2e-4, 0.5, 10, 1e-6);
}

static void a_noisy_falling_loss_gives_pytorchs_rates(void **state) {
    (void)state;
    EXPECT_AFTER(noisy, 2e-4, 0.5, 2, 1e-6);
}

static void a_flat_loss_halves_the_rate_until_the_least(void **state) {
    (void)state;
    EXPECT_AFTER(flat, 2e-4, 0.5, 3, 1e-6);
}

static void falls_within_the_threshold_count_as_bad_epochs(void **state) {
    (void)state;
    EXPECT_AFTER(threshold, 1e-3, 0.1, 0, 0.0);
}

static void nan_and_infinity_count_as_bad_epochs(void **state) {
    (void)state;
    EXPECT_AFTER(broken, 1e-3, 0.25, 1, 1e-5);
}

static void steps_smaller_than_1e_minus_8_are_not_made(void **state) {
    (void)state;
    EXPECT_AFTER(tiny, 1.5e-8, 0.5, 0, 0.0);
    static const double losses[] = {1, 1, 1, 1, 1},
                        rates[] = {1e-7, 1e-7 / 2, 1e-7 / 4, 1e-7 / 8, 1e-7 / 8};
    expect_after(on_plateau(1e-7, 0.5, 0, 0.0), losses, rates, 5);
}

static void a_copied_state_goes_on_where_the_first_stood(void **state) {
    (void)state;
    struct experiment e = on_plateau(2e-4, 0.5, 2, 1e-6);
    struct schedule_state first, second;
    schedule_begin(&e, &first);
    for (uint32_t i = 0; i < 30; i++)
        schedule_step(&e, i + 1, noisy_losses[i], &first);
    second = first;
    for (uint32_t i = 30; i < COUNT(noisy_rates); i++) {
        schedule_step(&e, i + 1, noisy_losses[i], &second);
        assert_memory_equal(&second.lr, &noisy_rates[i], sizeof(double));
    }
}

/* --- those that look at no loss --- */

/* tolerance: relative. PyTorch reckons a cosine from the rate before, and so gathers rounding. */
static void expect_of_epochs(struct experiment e, const double *rates, size_t count,
                             double tolerance) {
    struct schedule_state state;
    schedule_begin(&e, &state);
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(state.lr - rates[i]) <= tolerance * rates[i]))
            fail_msg("the rate of epoch %zu is %.17g and should be %.17g", i + 1, state.lr,
                     rates[i]);
        assert_true(isinf(state.best));
        schedule_step(&e, (uint32_t)i + 1, NAN, &state);
    }
}

static void expect_cosine(double lr, uint32_t epochs, uint32_t warmup, double min_lr,
                          const double *rates) {
    const struct scheduler_options options = {
        .name = SCHEDULER_COSINE, .warmup_epochs = warmup, .min_lr = min_lr};
    expect_of_epochs(experiment(lr, epochs, options), rates, epochs, 1e-12);
}

static void a_cosine_gives_pytorchs_rates(void **state) {
    (void)state;
    expect_cosine(0.1, 30, 0, 0.0, cosine_rates);
}

static void a_cosine_after_a_warm_up_gives_pytorchs_rates(void **state) {
    (void)state;
    expect_cosine(2e-4, 25, 4, 1e-6, warm_cosine_rates);
    expect_cosine(0.1, 6, 5, 0.0, warmest_rates);
}

static void steps_give_pytorchs_rates(void **state) {
    (void)state;
    struct scheduler_options options = {.name = SCHEDULER_STEP, .step_size = 7, .gamma = 0.3};
    expect_of_epochs(experiment(0.1, 40, options), step_rates, COUNT(step_rates), 0);
    options = (struct scheduler_options){.name = SCHEDULER_STEP, .step_size = 1, .gamma = 0.9};
    expect_of_epochs(experiment(1e-3, 10, options), every_rates, COUNT(every_rates), 0);
}

static void a_constant_rate_stays(void **state) {
    (void)state;
    static const double rates[] = {0.3, 0.3, 0.3, 0.3};
    expect_of_epochs(experiment(0.3, 4, (struct scheduler_options){.name = SCHEDULER_CONSTANT}),
                     rates, 4, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_notebooks_plateaus_give_its_rates),
        cmocka_unit_test(a_noisy_falling_loss_gives_pytorchs_rates),
        cmocka_unit_test(a_flat_loss_halves_the_rate_until_the_least),
        cmocka_unit_test(falls_within_the_threshold_count_as_bad_epochs),
        cmocka_unit_test(nan_and_infinity_count_as_bad_epochs),
        cmocka_unit_test(steps_smaller_than_1e_minus_8_are_not_made),
        cmocka_unit_test(a_copied_state_goes_on_where_the_first_stood),
        cmocka_unit_test(a_cosine_gives_pytorchs_rates),
        cmocka_unit_test(a_cosine_after_a_warm_up_gives_pytorchs_rates),
        cmocka_unit_test(steps_give_pytorchs_rates),
        cmocka_unit_test(a_constant_rate_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
