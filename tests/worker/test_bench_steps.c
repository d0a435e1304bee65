#include "worker/bench_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { STEPS = 100, FULL = 1000 };

/* Seconds, exact in binary: what the device takes for a batch, and what its results then take to
 * come when they are waited for. */
static const double BATCH_SECONDS = 1.0 / 64, WAY_SECONDS = 1.0 / 128;

/* A device that works on what is queued, one after the other, by a clock that only waiting moves.
 */
struct model {
    int queued, taken, arrived, updates, waits;
    uint64_t numbers[FULL], steps[FULL];
    double done[FULL];
    bool last[FULL]; /* of those that come at once */
};

static double now;

static double fake_seconds(void) {
    return now;
}

static bool fake_queue(struct model *model, const struct batch *batch, const struct update *update,
                       struct error *error) {
    if (model->queued == FULL)
        return error_set(error, ERROR_FAILED, "enough");
    bool idle = model->queued == 0 || model->done[model->queued - 1] < now;
    double begins = idle ? now : model->done[model->queued - 1];
    model->done[model->queued] = begins + BATCH_SECONDS;
    model->numbers[model->queued] = batch->number;
    model->steps[model->queued] = update != NULL ? (uint64_t)update->step : 0;
    model->updates += update != NULL;
    model->last[model->queued++] = !batch->held;
    return true;
}

static bool fake_take(struct model *model, float *losses, float *logits, struct error *error) {
    (void)losses, (void)logits, (void)error;
    if (model->taken == model->arrived) {
        while (model->arrived < model->queued && !model->last[model->arrived++])
            ;
        double done = model->done[model->arrived - 1];
        now = (done > now ? done : now) + WAY_SECONDS;
        model->waits++;
    }
    model->taken++;
    return true;
}

static bool fake_train(struct model *model, const struct batch *batch, const struct update *update,
                       float *losses, float *logits, struct error *error) {
    (void)batch, (void)update, (void)losses, (void)logits, (void)error;
    now += ++model->queued * BATCH_SECONDS;
    return true;
}

static const struct backend later = {.queue = fake_queue, .take = fake_take};
static const struct backend at_once = {.train_step = fake_train};

/* Of STEPS steps. */
static bool time_steps(const struct backend *backend, struct model *model, struct update *update,
                       double *seconds, struct error *error) {
    const int32_t label = 0;
    struct batch batch = {.count = 1, .labels = &label};
    struct flight flight;
    now = 0;
    assert_true(flight_open(backend, model, 1, &flight, NULL));
    flight.seconds = fake_seconds;
    bool ok = bench_steps(&flight, &batch, update, STEPS, seconds, error);
    flight_close(&flight);
    return ok;
}

/* One by one they would take 3/128 s each. */
static void a_step_takes_what_the_device_takes_and_not_the_way_of_its_results(void **state) {
    (void)state;
    struct model model = {0};
    struct update update = {0};
    double seconds[STEPS];
    assert_true(time_steps(&later, &model, &update, seconds, NULL));
    assert_true(seconds[0] == BATCH_SECONDS + WAY_SECONDS); /* nothing was done before it */
    for (size_t i = 1; i < STEPS; i++)
        assert_true(seconds[i] == BATCH_SECONDS);
    assert_true(now == STEPS * BATCH_SECONDS + WAY_SECONDS);
    assert_true(model.waits < STEPS / 4);
    assert_int_equal(model.taken, STEPS);
}

static void each_step_is_another_batch_and_another_update(void **state) {
    (void)state;
    struct model model = {0};
    struct update update = {.step = 7};
    double seconds[STEPS];
    assert_true(time_steps(&later, &model, &update, seconds, NULL));
    assert_int_equal(model.updates, STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        assert_int_equal(model.numbers[i], i + 1);
        assert_int_equal(model.steps[i], i + 8);
    }
    model = (struct model){0};
    assert_true(time_steps(&later, &model, NULL, seconds, NULL));
    assert_int_equal(model.updates, 0);
}

static void steps_that_are_done_at_once_are_timed_one_by_one(void **state) {
    (void)state;
    struct model model = {0};
    struct update update = {0};
    double seconds[STEPS];
    assert_true(time_steps(&at_once, &model, &update, seconds, NULL));
    for (size_t i = 0; i < STEPS; i++)
        assert_true(seconds[i] == (double)(i + 1) * BATCH_SECONDS);
}

static void a_step_that_fails_ends_it(void **state) {
    (void)state;
    struct model model = {.queued = FULL - 1, .taken = FULL - 1, .arrived = FULL - 1};
    struct error error = {0};
    double seconds[STEPS];
    assert_false(time_steps(&later, &model, NULL, seconds, &error));
    assert_string_equal(error.message, "enough");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_takes_what_the_device_takes_and_not_the_way_of_its_results),
        cmocka_unit_test(each_step_is_another_batch_and_another_update),
        cmocka_unit_test(steps_that_are_done_at_once_are_timed_one_by_one),
        cmocka_unit_test(a_step_that_fails_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
