#include "worker/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FULL = 1000 };

/* A backend that answers with the number of the batch, at once or when it is asked. */
struct model {
    int queued, taken, updates;
    /* Results: on their way, there, and how often they were waited for; of each batch whether it is
     * the last of those that come at once. */
    int asked, arrived, waits;
    bool last[FULL];
};

/* The clock, and how long it takes from one batch to the next. */
static double now, batch_seconds;

static double fake_seconds(void) {
    return now;
}

static void answer(int number, size_t count, float *losses, float *logits) {
    for (size_t i = 0; i < count; i++) {
        losses[i] = (float)number;
        logits[2 * i] = logits[2 * i + 1] = (float)-number;
    }
}

static bool fake_train(struct model *model, const struct batch *batch, const struct update *update,
                       float *losses, float *logits, struct error *error) {
    (void)update, (void)error;
    model->updates++;
    answer(model->queued++, batch->count, losses, logits);
    return true;
}

static bool fake_evaluate(struct model *model, const struct batch *batch, float *losses,
                          float *logits, struct error *error) {
    (void)error;
    answer(model->queued++, batch->count, losses, logits);
    return true;
}

static bool fake_queue(struct model *model, const struct batch *batch, const struct update *update,
                       struct error *error) {
    if (model->queued == FULL)
        return error_set(error, ERROR_FAILED, "enough");
    model->updates += update != NULL;
    model->last[model->queued++] = !batch->held;
    if (!batch->held)
        model->asked = model->queued;
    assert_true(model->queued - model->taken <= BACKEND_AHEAD);
    return true;
}

static bool fake_take(struct model *model, float *losses, float *logits, struct error *error) {
    (void)error;
    if (model->taken == model->asked) {
        model->last[model->queued - 1] = true;
        model->asked = model->queued;
    }
    if (model->taken == model->arrived) {
        model->waits++;
        do
            now += batch_seconds;
        while (!model->last[model->arrived++]);
    }
    answer(model->taken++, 1, losses, logits);
    return true;
}

static const struct backend at_once = {.train_step = fake_train, .evaluate = fake_evaluate};
static const struct backend later = {.queue = fake_queue, .take = fake_take};

enum { BATCHES = 7, MANY = 163 };

/* Sends so many batches as a pass does, and checks that they come back in order. Returns the most
 * that were under way when one was asked for. */
static size_t pass(const struct backend *backend, int batches, const struct update *update,
                   struct model *model) {
    struct flight flight;
    size_t most = 0;
    int landed_count = 0;
    assert_true(flight_open(backend, model, 1, &flight, NULL));
    flight.seconds = fake_seconds;
    for (int i = 0; i <= batches; i++) {
        const int32_t label = i;
        const struct batch batch = {.count = 1, .labels = &label};
        const struct landed *landed;
        if (i < batches)
            assert_true(flight_send(&flight, &batch, update, NULL));
        while (i < batches ? flight_due(&flight) : flight_count(&flight) > 0) {
            most = flight_count(&flight) > most ? flight_count(&flight) : most;
            assert_true(flight_land(&flight, &landed, NULL));
            assert_int_equal(landed->count, 1);
            assert_int_equal(landed->labels[0], landed_count);
            assert_true(landed->losses[0] == (float)landed_count);
            assert_true(landed->logits[1] == (float)-landed_count);
            landed_count++;
        }
    }
    assert_int_equal(landed_count, batches);
    flight_close(&flight);
    return most;
}

static void a_backend_that_answers_at_once_is_asked_one_by_one(void **state) {
    (void)state;
    const struct update update = {.step = 1};
    struct model model = {0};
    assert_int_equal(pass(&at_once, BATCHES, &update, &model), 1);
    assert_int_equal(model.updates, BATCHES);
    assert_int_equal(pass(&at_once, BATCHES, NULL, &(struct model){0}), 1);
}

static void a_backend_that_queues_is_kept_ahead(void **state) {
    (void)state;
    const struct update update = {.step = 1};
    struct model model = {0};
    batch_seconds = 0.001;
    assert_int_equal(pass(&later, MANY, &update, &model), BACKEND_AHEAD);
    assert_int_equal(model.updates, MANY);
    model = (struct model){0};
    assert_int_equal(pass(&later, MANY, NULL, &model), BACKEND_AHEAD);
    assert_int_equal(model.updates, 0);
}

/* At first one by one, then for twice as many at once, until they are sixteen. */
static void fast_batches_are_waited_for_sixteen_at_a_time(void **state) {
    (void)state;
    const struct update update = {.step = 1};
    struct model model = {0};
    batch_seconds = 0.001;
    pass(&later, MANY, &update, &model);
    assert_in_range(model.waits, MANY / FLIGHT_STRIDE, MANY / FLIGHT_STRIDE + 8);
}

static void slow_batches_are_waited_for_one_by_one(void **state) {
    (void)state;
    const struct update update = {.step = 1};
    struct model model = {0};
    batch_seconds = 0.3;
    assert_int_equal(pass(&later, MANY, &update, &model), 2);
    assert_int_equal(model.waits, MANY);
}

/* Half a second holds twice the stride. */
static void the_stride_follows_what_a_batch_takes(void **state) {
    (void)state;
    assert_int_equal(flight_stride(16, 0.05), 5);
    assert_int_equal(flight_stride(16, 0.015), 16);
    assert_int_equal(flight_stride(16, 3), 1);
    assert_int_equal(flight_stride(1, 0), 2); /* no faster than that */
    assert_int_equal(flight_stride(4, 0.001), 8);
}

static void what_could_not_be_sent_does_not_come_back(void **state) {
    (void)state;
    struct model model = {.queued = FULL, .taken = FULL};
    const int32_t label = 0;
    const struct batch batch = {.count = 1, .labels = &label};
    struct error error = {0};
    struct flight flight;
    assert_true(flight_open(&later, &model, 1, &flight, NULL));
    assert_false(flight_send(&flight, &batch, NULL, &error));
    assert_string_equal(error.message, "enough");
    assert_int_equal(flight_count(&flight), 0);
    flight_close(&flight);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backend_that_answers_at_once_is_asked_one_by_one),
        cmocka_unit_test(a_backend_that_queues_is_kept_ahead),
        cmocka_unit_test(fast_batches_are_waited_for_sixteen_at_a_time),
        cmocka_unit_test(slow_batches_are_waited_for_one_by_one),
        cmocka_unit_test(the_stride_follows_what_a_batch_takes),
        cmocka_unit_test(what_could_not_be_sent_does_not_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
