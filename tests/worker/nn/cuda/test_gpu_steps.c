/* Steps recorded once and replayed, and batches queued before those ahead of them are done: the
 * same bits as one step after the other, launch by launch. The host stands in for a GPU. */
#include "tests/worker/nn/cuda/host_device.h"
#include "tests/worker/nn/cuda/small_model.h"

static const struct optimizer ADAM = {.lr = 2e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
static const struct optimizer SGD = {.name = OPTIMIZER_SGD, .lr = 1e-3, .momentum = 0.9};
static const struct model_options FP32 = {.deterministic = true, .seed = 9};
static const struct model_options BF16 = {
    .precision = PRECISION_BF16, .deterministic = true, .seed = 9};

static const int32_t other_labels[SMALL_COUNT] = {1, 1, 0, 1};
static const uint64_t other_samples[SMALL_COUNT] = {1, 80, 2, 41};

/* A model whose device records, or does not. */
static struct small_model *model_new(const struct model_options *options, bool records) {
    host_device_refuses = false;
    struct small_model *small = small_new(&backend_host, options, HEAD_DROPOUT, NULL);
    host_device_refuses = !records;
    return small;
}

static void model_free(struct small_model *small) {
    small_free(small);
    host_device_refuses = false;
}

/* What differs from step to step: labels, samples, epoch, learning rate. */
static void prepare(struct small_model *small, int step, struct update *update) {
    small->batch.labels = step % 2 == 0 ? small_labels : other_labels;
    small->batch.samples = step % 3 == 0 ? small_samples : other_samples;
    small->batch.epoch = (uint32_t)step / 2;
    update->optimizer.lr = 1e-3 / (step + 1);
    update->step = (uint64_t)step + 1;
}

static void train(struct small_model *small, int step, const struct optimizer *optimizer) {
    struct update update = {*optimizer, 0};
    prepare(small, step, &update);
    small_train(small, &update.optimizer, update.step);
}

static void assert_same(const struct small_model *a, const struct small_model *b) {
    static const enum model_state states[] = {MODEL_VALUE, MODEL_GRADIENT, MODEL_MOMENT_M,
                                              MODEL_MOMENT_V};
    for (size_t s = 0; s < sizeof states / sizeof states[0]; s++)
        assert_true(small_distance(a, b, states[s]) == 0);
    assert_memory_equal(a->losses, b->losses, sizeof a->losses);
    assert_memory_equal(a->logits, b->logits, sizeof a->logits);
}

static void count_line(void *context, const char *line) {
    assert_string_equal(line, "steps are queued launch by launch: the device cannot record this");
    ++*(int *)context;
}

static void a_device_that_cannot_record_is_told_of_once(void **state) {
    (void)state;
    int told = 0;
    struct model_options options = FP32;
    options.tell = count_line;
    options.tell_context = &told;
    struct small_model *plain = model_new(&options, false);
    for (int step = 0; step < 4; step++)
        train(plain, step, &SGD);
    assert_int_equal(told, 1);
    model_free(plain);
    struct small_model *recorded = model_new(&options, true);
    for (int step = 0; step < 4; step++)
        train(recorded, step, &SGD);
    assert_int_equal(told, 1);
    model_free(recorded);
}

/* What a device recorded of a step whose last launch failed would leave the weights as they are. */
static void half_a_step_is_not_replayed(void **state) {
    (void)state;
    struct error error = {0};
    const struct update update = {SGD, 2};
    struct small_model *small = model_new(&FP32, true);
    train(small, 0, &SGD);
    host_device_fails = KERNEL_weights_update;
    assert_false(small->backend->train_step(small->model, &small->batch, &update, small->losses,
                                            small->logits, &error));
    host_device_fails = KERNEL_COUNT;
    size_t updates = host_device_counts.launches[KERNEL_weights_update];
    train(small, 1, &SGD);
    assert_int_equal(host_device_counts.launches[KERNEL_weights_update], updates + 1);
    model_free(small);
}

static void check_replays(const struct model_options *options, const struct optimizer *optimizer) {
    enum { STEPS = 3 };
    struct small_model *plain = model_new(options, false);
    for (int step = 0; step < STEPS; step++)
        train(plain, step, optimizer);
    assert_int_equal(host_device_counts.replays, 0);
    assert_int_equal(host_device_counts.recordings, 1); /* refused once, and not asked again */
    struct small_model *recorded = model_new(options, true);
    for (int step = 0; step < STEPS; step++)
        train(recorded, step, optimizer);
    assert_int_equal(host_device_counts.recordings, 1); /* of the second step */
    assert_int_equal(host_device_counts.replays, STEPS - 1);
    assert_same(recorded, plain);
    model_free(recorded);
    model_free(plain);
}

static void a_recorded_step_gives_the_bits_of_its_launches(void **state) {
    (void)state;
    check_replays(&FP32, &SGD);
    check_replays(&BF16, &ADAM);
}

/* Each shape has a recording of its own; a larger batch, whose activations take another place,
 * makes those of smaller ones anew, and so does another optimizer. */
static void recordings_follow_what_they_point_to(void **state) {
    (void)state;
    static const size_t counts[] = {2, 2, 4, 2, 2, 4, 2};
    enum { STEPS = sizeof counts / sizeof counts[0], CHANGE = 6 };
    struct small_model *models[2];
    for (int m = 0; m < 2; m++) {
        models[m] = model_new(&FP32, m == 1);
        for (int step = 0; step < STEPS; step++) {
            models[m]->batch.count = counts[step];
            train(models[m], step, step < CHANGE ? &ADAM : &SGD);
        }
    }
    /* of 2, again once 4 has moved it, of 4, and of 2 with the other optimizer */
    assert_int_equal(host_device_counts.recordings, 4);
    assert_int_equal(host_device_counts.replays, STEPS - 2);
    assert_same(models[1], models[0]);
    model_free(models[1]);
    model_free(models[0]);
}

/* ---- batches queued ahead ---- */

static void queue(struct small_model *small, int step, const struct optimizer *optimizer) {
    struct error error = {0};
    struct update update = {*optimizer, 0};
    prepare(small, step, &update);
    if (!small->backend->queue(small->model, &small->batch, &update, &error))
        fail_msg("%s", error.message);
}

static void take(struct small_model *small) {
    struct error error = {0};
    if (!small->backend->take(small->model, small->losses, small->logits, &error))
        fail_msg("%s", error.message);
}

/* A model after so many steps, each waited for; what they told. */
static struct small_model *trained_one_by_one(int steps, float losses[][SMALL_COUNT],
                                              float logits[][2 * SMALL_COUNT]) {
    struct small_model *one = model_new(&FP32, true);
    for (int step = 0; step < steps; step++) {
        train(one, step, &ADAM);
        memcpy(losses[step], one->losses, sizeof losses[step]);
        memcpy(logits[step], one->logits, sizeof logits[step]);
    }
    return one;
}

static void queued_steps_give_the_results_of_steps_one_by_one(void **state) {
    (void)state;
    enum { STEPS = 4 };
    float losses[STEPS][SMALL_COUNT], logits[STEPS][2 * SMALL_COUNT];
    struct small_model *one = trained_one_by_one(STEPS, losses, logits);
    struct small_model *ahead = model_new(&FP32, true);
    for (int step = 0, taken = 0; taken < STEPS; taken++) {
        while (step < STEPS && step - taken < BACKEND_AHEAD)
            queue(ahead, step++, &ADAM);
        take(ahead);
        assert_memory_equal(ahead->losses, losses[taken], sizeof losses[taken]);
        assert_memory_equal(ahead->logits, logits[taken], sizeof logits[taken]);
    }
    assert_same(ahead, one);
    model_free(ahead);
    model_free(one);
}

/* An epoch's steps: none is waited for but for the memory that images come through, and what they
 * tell comes back in one copy, in order. */
static void held_steps_are_waited_for_once(void **state) {
    (void)state;
    enum { STEPS = 5, FOR_IMAGES = STEPS - MARKS_PICTURES };
    float losses[STEPS][SMALL_COUNT], logits[STEPS][2 * SMALL_COUNT];
    struct small_model *one = trained_one_by_one(STEPS, losses, logits);
    struct small_model *held = model_new(&FP32, true);
    train(held, 0, &ADAM); /* memory is allocated */
    size_t waits = host_device_counts.waits, downloads = host_device_counts.downloads;
    for (int step = 1; step < STEPS; step++) {
        held->batch.held = step + 1 < STEPS;
        queue(held, step, &ADAM);
    }
    assert_int_equal(host_device_counts.waits, waits + FOR_IMAGES);
    assert_int_equal(host_device_counts.downloads, downloads + 1);
    for (int step = 1; step < STEPS; step++) {
        take(held);
        assert_memory_equal(held->losses, losses[step], sizeof losses[step]);
        assert_memory_equal(held->logits, logits[step], sizeof logits[step]);
    }
    assert_int_equal(host_device_counts.waits, waits + FOR_IMAGES + 1);
    assert_int_equal(host_device_counts.downloads, downloads + 1);
    assert_same(held, one);
    model_free(held);
    model_free(one);
}

/* Whoever queues a batch is done with its images, though the device may come to them later. */
static void images_may_be_overwritten_once_they_are_queued(void **state) {
    (void)state;
    enum { STEPS = 2 * MARKS_PICTURES };
    size_t floats = (size_t)SMALL_COUNT * 3 * SMALL_SIDE * SMALL_SIDE;
    struct small_model *one = model_new(&FP32, true), *ahead = model_new(&FP32, true);
    for (int step = 0; step < STEPS; step++) {
        one->images[step] = ahead->images[step] = 1;
        train(one, step, &ADAM);
        queue(ahead, step, &ADAM);
    }
    memset(ahead->images, 0xff, floats * sizeof *ahead->images);
    for (int step = 0; step < STEPS; step++)
        take(ahead);
    assert_same(ahead, one);
    model_free(ahead);
    model_free(one);
}

static void evaluation_is_queued_too_and_changes_nothing(void **state) {
    (void)state;
    struct error error = {0};
    float losses[SMALL_COUNT];
    struct small_model *small = model_new(&FP32, true);
    train(small, 0, &ADAM);
    small_evaluate(small);
    memcpy(losses, small->losses, sizeof losses);
    for (int i = 0; i < 3; i++)
        assert_true(small->backend->queue(small->model, &small->batch, NULL, &error));
    for (int i = 0; i < 3; i++) {
        take(small);
        assert_memory_equal(small->losses, losses, sizeof losses);
    }
    model_free(small);
}

/* What is under way when a run is stopped. */
static void a_model_with_steps_under_way_gives_all_its_memory_back(void **state) {
    (void)state;
    struct small_model *small = model_new(&BF16, true);
    train(small, 0, &ADAM);
    queue(small, 1, &ADAM);
    queue(small, 2, &ADAM);
    model_free(small);
    assert_int_equal(host_device_counts.allocations, 0);
}

/* A larger batch, though its activations find room, moves the block that is exchanged: the results
 * of the one before it are still its own, and what was recorded is recorded anew. */
static void the_exchanged_block_may_move(void **state) {
    (void)state;
    enum { LARGE = 2 * SMALL_COUNT };
    static const int32_t labels[LARGE] = {0, 1, 1, 0, 1, 1, 0, 0};
    static const uint64_t samples[LARGE] = {0};
    struct error error = {0};
    float large_losses[LARGE], large_logits[2 * LARGE], losses[2][SMALL_COUNT];
    float *images = zeroed((size_t)LARGE * 3 * SMALL_SIDE * SMALL_SIDE * sizeof(float));
    struct small_model *models[2];
    for (int m = 0; m < 2; m++) {
        struct small_model *small = models[m] = model_new(&FP32, m == 1);
        struct batch large = small->batch;
        large.count = LARGE;
        large.labels = labels;
        large.samples = samples;
        large.images = images;
        for (int step = 0; step < 3; step++)
            train(small, step, &SGD);
        size_t allocations = host_device_counts.allocations;
        queue(small, 3, &SGD);
        assert_true(small->backend->queue(small->model, &large, NULL, &error));
        assert_int_equal(host_device_counts.allocations, allocations);
        take(small);
        memcpy(losses[m], small->losses, sizeof losses[m]);
        assert_true(small->backend->take(small->model, large_losses, large_logits, &error));
        train(small, 4, &SGD);
    }
    assert_memory_equal(losses[1], losses[0], sizeof losses[0]);
    assert_same(models[1], models[0]);
    model_free(models[1]);
    model_free(models[0]);
    free(images);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_that_cannot_record_is_told_of_once),
        cmocka_unit_test(half_a_step_is_not_replayed),
        cmocka_unit_test(a_recorded_step_gives_the_bits_of_its_launches),
        cmocka_unit_test(recordings_follow_what_they_point_to),
        cmocka_unit_test(queued_steps_give_the_results_of_steps_one_by_one),
        cmocka_unit_test(held_steps_are_waited_for_once),
        cmocka_unit_test(images_may_be_overwritten_once_they_are_queued),
        cmocka_unit_test(evaluation_is_queued_too_and_changes_nothing),
        cmocka_unit_test(a_model_with_steps_under_way_gives_all_its_memory_back),
        cmocka_unit_test(the_exchanged_block_may_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
