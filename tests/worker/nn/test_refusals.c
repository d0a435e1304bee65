/* What a backend refuses, and that it stops when it is told to. Compiled for each backend: TESTED
 * names it. */
#include "tests/worker/nn/model_fixture.h"

static void assert_refused(struct fixture *f, const char *why) {
    struct error error = {0};
    assert_false(TESTED.train_step(f->model, &f->batch, &FIRST, f->losses, f->logits, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, error.message);
}

static void a_label_that_is_no_class_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 2, 32, 0);
    f->labels[1] = 2;
    assert_refused(f, "label 2 of picture 1");
    f->labels[1] = -1;
    assert_refused(f, "label -1 of picture 1");
    fixture_free(f);
}

static void training_on_one_value_a_channel_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 1, 32, 0);
    assert_refused(f, "more than 1 value per channel");
    evaluate(f); /* needs no statistics */
    fixture_free(f);
}

static void a_batch_without_pictures_or_pixels_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 1, 32, 0);
    f->batch.count = 0;
    assert_refused(f, "empty");
    f->batch.count = 1;
    f->batch.width = 0;
    assert_refused(f, "too small");
    f->batch.width = 32768;
    f->batch.height = 32769;
    assert_refused(f, "too large");
    fixture_free(f);
}

static void gradients_cannot_be_set(void **state) {
    (void)state;
    struct error error = {0};
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 1, 32, 0);
    float value = 0;
    long mean = network_find(&f->network, "bn1.running_mean");
    assert_false(TESTED.state_set(f->model, MODEL_GRADIENT, 0, &value, &error));
    assert_false(TESTED.state_get(f->model, MODEL_GRADIENT, (size_t)mean, &value, &error));
    assert_non_null(strstr(error.message, "bn1.running_mean"));
    fixture_free(f);
}

static bool stop_at_the_third(void *context) {
    int *asked = context;
    return ++*asked == 3;
}

static void a_step_that_is_told_to_stop_ends_between_two_layers(void **state) {
    (void)state;
    if (strcmp(TESTED.name, "cpu") != 0)
        skip(); /* the others' steps are short */
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 2, 32, 0);
    struct error error = {0};
    int asked = 0;
    const struct model_options options = {
        .deterministic = true, .stop = stop_at_the_third, .stop_context = &asked};
    TESTED.model_free(f->model);
    assert_true(TESTED.model_new(&f->network, &options, &f->model, &error));
    tested_fill(&f->network, f->model, 0);
    assert_false(TESTED.train_step(f->model, &f->batch, &FIRST, f->losses, f->logits, &error));
    assert_int_equal(asked, 3);
    asked = 0;
    assert_false(TESTED.evaluate(f->model, &f->batch, f->losses, f->logits, &error));
    assert_int_equal(asked, 3);
    fixture_free(f);
}

static void less_than_fp32_is_refused(void **state) {
    (void)state;
    struct network network;
    struct model *model;
    struct error error = {0};
    if (strcmp(TESTED.name, "cpu") != 0)
        skip(); /* the others compute in less as well */
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, &error));
    const struct model_options options = {.precision = PRECISION_BF16};
    assert_false(TESTED.model_new(&network, &options, &model, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    network_free(&network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_that_is_no_class_is_refused),
        cmocka_unit_test(training_on_one_value_a_channel_is_refused),
        cmocka_unit_test(a_batch_without_pictures_or_pixels_is_refused),
        cmocka_unit_test(gradients_cannot_be_set),
        cmocka_unit_test(a_step_that_is_told_to_stop_ends_between_two_layers),
        cmocka_unit_test(less_than_fp32_is_refused),
    };
    return TESTED_RUN(tests);
}
