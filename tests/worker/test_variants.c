/* Whole runs with each optimizer, scheduler, head and loss, and with frozen stages. */
#include "tests/worker/small_run.h"
#include "worker/nn/network.h"

static struct experiment *changed(const struct bench *bench, struct small *small) {
    *small = bench->small;
    return &small->experiment;
}

/* Stops in every epoch and ends with the bits of a run that was never stopped. */
static void expect_resumes(const struct bench *bench, const struct small *small) {
    struct listener straight = {0}, listener = {0};
    struct error error = {0};
    char *whole = folder(bench, "straight"), *dir = folder(bench, "stopped");
    enum trainer_outcome outcome = TRAINER_STOPPED;
    int stops = 0;
    run_to_the_end(small, whole, NULL, 2, &straight);
    listener.stop_after = straight.asked_first + straight.asked_first / 4; /* in a step */
    for (; stops < 20 && outcome == TRAINER_STOPPED; stops++)
        outcome = small_run(small, dir, NULL, 2, &listener, &error);
    if (outcome != TRAINER_DONE)
        fail_msg("%s", error.message);
    assert_true(stops > 3);
    expect_same_checkpoint(dir, whole, "checkpoint_last.safetensors");
    expect_same_checkpoint(dir, whole, "checkpoint_best_loss.safetensors");
    assert_string_equal(listener.log.data, straight.log.data);
    listener_free(&straight);
    listener_free(&listener);
    folder_end(whole);
    folder_end(dir);
}

/* How many tensors of the checkpoint begin so. */
static size_t tensors_of(const struct safetensors *file, const char *start) {
    size_t count = 0;
    for (size_t i = 0; i < safetensors_size(file); i++)
        count += strncmp(safetensors_at(file, i)->name, start, strlen(start)) == 0;
    return count;
}

/* The rates that train.log tells, one a line. */
static char *rates_of(const char *log) {
    struct text rates = {0};
    for (const char *at = log; (at = strstr(at, " lr ")) != NULL; at++)
        text_add(&rates, at + 4, strcspn(at + 4, "\n") + 1);
    return text_take(&rates);
}

static void expect_rates(const char *log, const char *expected) {
    char *rates = rates_of(log);
    assert_string_equal(rates, expected);
    free(rates);
}

static void adamw_under_a_warm_cosine_resumes_with_the_same_bits(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    e->train.optimizer.name = OPTIMIZER_ADAMW;
    e->train.optimizer.weight_decay = 0.1;
    e->train.scheduler = (struct scheduler_options){.name = SCHEDULER_COSINE, .warmup_epochs = 1};
    expect_resumes(*state, &small);
}

static void sgd_with_momentum_under_steps_resumes_with_the_same_bits(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    e->train.optimizer = (struct optimizer){
        .name = OPTIMIZER_SGD, .lr = 0.01, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};
    e->train.scheduler =
        (struct scheduler_options){.name = SCHEDULER_STEP, .step_size = 1, .gamma = 0.5};
    expect_resumes(*state, &small);
}

static void a_weighted_and_smoothed_loss_resumes_with_the_same_bits(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    e->model.head = HEAD_RELU;
    e->train.loss = (struct loss){.label_smoothing = 0.1, .class_weights = {1, 3}};
    e->train.scheduler = (struct scheduler_options){.name = SCHEDULER_CONSTANT};
    expect_resumes(*state, &small);
}

static void frozen_stages_resume_with_the_same_bits(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    char *freeze[] = {"conv1", "bn1", "layer1", "layer3.0"};
    e->model.head = HEAD_LINEAR;
    e->model.freeze = freeze;
    e->model.freeze_count = 4;
    expect_resumes(*state, &small);
}

/* What a run leaves behind. */
struct left {
    struct listener listener;
    char *dir;
    struct safetensors *last;
};

static struct left left_by(const struct bench *bench, const struct small *small) {
    struct left left = {.dir = folder(bench, "left")};
    run_to_the_end(small, left.dir, NULL, 2, &left.listener);
    left.last = open_in(left.dir, "checkpoint_last.safetensors");
    return left;
}

static void left_free(struct left *left) {
    safetensors_close(left->last);
    listener_free(&left->listener);
    folder_end(left->dir);
}

static void sgds_buffer_is_its_only_moment_and_without_momentum_there_is_none(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    e->train.optimizer = (struct optimizer){.name = OPTIMIZER_SGD, .lr = 0.01, .momentum = 0.9};
    struct left left = left_by(*state, &small);
    assert_non_null(safetensors_find(left.last, "optimizer.m.conv1.weight"));
    assert_int_equal(tensors_of(left.last, "optimizer.m."), 64); /* resnet18 and the head */
    assert_int_equal(tensors_of(left.last, "optimizer.v."), 0);
    left_free(&left);
    e->train.optimizer.momentum = 0;
    left = left_by(*state, &small);
    assert_int_equal(tensors_of(left.last, "optimizer."), 0);
    left_free(&left);
}

static void the_rate_of_each_epoch_is_the_schedulers(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    e->train.optimizer.lr = 3e-3;
    e->train.scheduler = (struct scheduler_options){.name = SCHEDULER_COSINE, .warmup_epochs = 1};
    struct left left = left_by(*state, &small);
    expect_rates(left.listener.log.data, "0.0015\n0.003\n0.0015\n");
    assert_string_equal(safetensors_metadata(left.last, "scheduler"), "{\"lr\":0}");
    left_free(&left);
    e->train.scheduler =
        (struct scheduler_options){.name = SCHEDULER_STEP, .step_size = 2, .gamma = 0.5};
    left = left_by(*state, &small);
    expect_rates(left.listener.log.data, "0.003\n0.003\n0.0015\n");
    left_free(&left);
}

/* From the second epoch on it is too little for any weight to move. */
static void weights_are_trained_at_the_rate_of_their_epoch(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    e->train.optimizer = (struct optimizer){.name = OPTIMIZER_SGD, .lr = 0.01};
    e->train.scheduler =
        (struct scheduler_options){.name = SCHEDULER_STEP, .step_size = 1, .gamma = 1e-30};
    struct left left = left_by(*state, &small);
    struct safetensors *second = open_in(left.dir, "checkpoint_epoch_002.safetensors");
    const struct tensor *a = safetensors_find(second, "conv1.weight"),
                        *b = safetensors_find(left.last, "conv1.weight");
    assert_int_equal(a->bytes, b->bytes);
    assert_memory_equal(a->data, b->data, a->bytes);
    safetensors_close(second);
    left_free(&left);
}

/* 2 and 2 are powers of 2, which change no digit; but weights that are not divided by their sum
 * would double every gradient and the loss. */
static void equal_class_weights_change_no_bit(void **state) {
    const struct bench *bench = *state;
    struct small small;
    struct experiment *e = changed(bench, &small);
    e->train.loss.class_weights[0] = e->train.loss.class_weights[1] = 2;
    struct left left = left_by(bench, &small);
    expect_same_run(bench, left.dir, &left.listener);
    expect_same_lines(bench, &left.listener, "");
    left_free(&left);
}

/* --- frozen stages --- */

static void expect_initial(const struct network *network, const struct safetensors *file,
                           const char *prefix) {
    size_t compared = 0;
    for (size_t i = 0; i < network->parameter_count; i++) {
        const struct parameter *parameter = &network->parameters[i];
        if (!network_is_part(parameter->name, prefix))
            continue;
        float *values = calloc(parameter->count, sizeof *values);
        network_initialise(network, i, 7, values);
        assert_memory_equal(safetensors_find(file, parameter->name)->data, values,
                            parameter->count * sizeof *values);
        free(values);
        compared++;
    }
    assert_int_not_equal(compared, 0);
}

static int64_t tracked(const struct safetensors *file, const char *name) {
    int64_t value;
    memcpy(&value, safetensors_find(file, name)->data, sizeof value);
    return value;
}

static void frozen_stages_keep_every_byte_and_have_no_moments(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    char *freeze[] = {"conv1", "bn1", "layer1", "layer3.0", "fc"};
    struct network network;
    e->model.freeze = freeze;
    e->model.freeze_count = 5;
    struct left left = left_by(*state, &small);
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, NULL));
    for (size_t i = 0; i < 5; i++)
        expect_initial(&network, left.last, freeze[i]);
    assert_int_equal(tracked(left.last, "layer3.0.bn1.num_batches_tracked"), 0);
    assert_int_equal(tracked(left.last, "layer3.1.bn1.num_batches_tracked"), 9);
    assert_null(safetensors_find(left.last, "optimizer.m.layer3.0.conv1.weight"));
    assert_null(safetensors_find(left.last, "optimizer.v.fc.bias"));
    assert_non_null(safetensors_find(left.last, "optimizer.m.layer2.0.conv1.weight"));
    assert_non_null(safetensors_find(left.last, "optimizer.m.head.weight"));
    network_free(&network);
    left_free(&left);
}

static void a_layer_that_is_not_there_cannot_be_frozen(void **state) {
    struct small small;
    struct experiment *e = changed(*state, &small);
    char *freeze[] = {"layer1", "layer2.2"};
    struct listener listener = {0};
    struct error error = {0};
    char *dir = folder(*state, "none");
    e->model.freeze = freeze;
    e->model.freeze_count = 2;
    assert_int_equal(small_run(&small, dir, NULL, 2, &listener, &error), TRAINER_FAILED);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "no layer \"layer2.2\""));
    listener_free(&listener);
    folder_end(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_under_a_warm_cosine_resumes_with_the_same_bits),
        cmocka_unit_test(sgd_with_momentum_under_steps_resumes_with_the_same_bits),
        cmocka_unit_test(a_weighted_and_smoothed_loss_resumes_with_the_same_bits),
        cmocka_unit_test(frozen_stages_resume_with_the_same_bits),
        cmocka_unit_test(sgds_buffer_is_its_only_moment_and_without_momentum_there_is_none),
        cmocka_unit_test(the_rate_of_each_epoch_is_the_schedulers),
        cmocka_unit_test(weights_are_trained_at_the_rate_of_their_epoch),
        cmocka_unit_test(equal_class_weights_change_no_bit),
        cmocka_unit_test(frozen_stages_keep_every_byte_and_have_no_moments),
        cmocka_unit_test(a_layer_that_is_not_there_cannot_be_frozen),
    };
    return cmocka_run_group_tests(tests, bench_make, bench_free);
}
