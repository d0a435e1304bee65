/* What holds of a backend's models whatever it is that they compute: the same bits, states that
 * come and go, frozen layers. Compiled for each backend: TESTED names it. */
#include "tests/worker/nn/model_fixture.h"

/* ---- the same bits ---- */

static void two_models_take_the_same_steps(void **state) {
    (void)state;
    struct fixture *a = fixture_new("resnet18", HEAD_DROPOUT, 6, 40, 0);
    struct fixture *b = fixture_new("resnet18", HEAD_DROPOUT, 6, 40, 0);
    for (uint64_t step = 1; step <= 3; step++) {
        train(a, step);
        train(b, step);
    }
    assert_same_bits(a, b);
    fixture_free(a);
    fixture_free(b);
}

/* What a plan is compiled for comes and goes with it, and never the weights. */
static void other_sizes_and_evaluations_between_steps_change_nothing(void **state) {
    (void)state;
    struct fixture *a = fixture_new("resnet18", HEAD_RELU, 6, 40, 0);
    struct fixture *b = fixture_new("resnet18", HEAD_RELU, 6, 40, 0);
    struct batch whole = b->batch;
    for (uint64_t step = 1; step <= 2; step++) {
        train(a, step);
        b->batch = whole;
        train(b, step);
        for (size_t count = 1; count <= 5; count++) { /* more plans than are kept */
            b->batch.count = count;
            evaluate(b);
        }
        b->batch.height = b->batch.width = 20;
        evaluate(b);
    }
    b->batch = whole;
    evaluate(a);
    evaluate(b);
    assert_same_bits(a, b);
    fixture_free(a);
    fixture_free(b);
}

static void a_picture_is_scored_alike_in_any_batch(void **state) {
    (void)state;
    struct fixture *f = fixture_new("resnet18", HEAD_DROPOUT, 6, 40, 0);
    float whole[12];
    evaluate(f);
    memcpy(whole, f->logits, sizeof whole);
    f->batch.count = 2;
    f->batch.images += (size_t)4 * 3 * 40 * 40;
    evaluate(f);
    assert_close("logits", f->logits, whole + 8, 4, 1e-5);
    fixture_free(f);
}

static void a_model_made_anew_from_its_state_goes_on_alike(void **state) {
    (void)state;
    struct error error;
    struct fixture *a = fixture_new("resnet18", HEAD_DROPOUT, 5, 33, 0);
    struct fixture *b = fixture_new("resnet18", HEAD_DROPOUT, 5, 33, 0);
    train(a, 1);
    for (size_t i = 0; i < a->network.parameter_count; i++)
        for (int kind = 0; kind < 4; kind++) {
            if (kind == MODEL_GRADIENT ||
                (kind != MODEL_VALUE && !a->network.parameters[i].trainable))
                continue;
            float *values = state_of(a, (enum model_state)kind, i);
            assert_true(TESTED.state_set(b->model, (enum model_state)kind, i, values, &error));
            free(values);
        }
    train(a, 2);
    train(b, 2);
    assert_same_bits(a, b);
    fixture_free(a);
    fixture_free(b);
}

static void state_comes_back_as_it_was_set(void **state) {
    (void)state;
    struct error error;
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 2, 32, 0);
    evaluate(f); /* the weights now stand in the layout of a plan */
    size_t index = (size_t)network_find(&f->network, "layer2.0.conv1.weight");
    size_t bytes = f->network.parameters[index].count * sizeof(float);
    float *values = zeroed(bytes);
    drawn("anything", f->network.parameters[index].count, values);
    const enum model_state kinds[] = {MODEL_VALUE, MODEL_MOMENT_M, MODEL_MOMENT_V};
    for (size_t i = 0; i < 3; i++) {
        assert_true(TESTED.state_set(f->model, kinds[i], index, values, &error));
        float *back = state_of(f, kinds[i], index);
        assert_memory_equal(values, back, bytes);
        free(back);
    }
    free(values);
    fixture_free(f);
}

static void a_new_model_is_all_zeros(void **state) {
    (void)state;
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 2, 32, 0);
    for (int kind = MODEL_GRADIENT; kind <= MODEL_MOMENT_V; kind++) {
        float *values = state_of(f, (enum model_state)kind, 0);
        for (size_t i = 0; i < f->network.parameters[0].count; i++)
            assert_true(values[i] == 0);
        free(values);
    }
    fixture_free(f);
}

/* ---- frozen layers, and the loss of training ---- */

/* Takes a step with these layers frozen, or with none when freeze is NULL. */
static struct fixture *trained_frozen(char *freeze, const struct loss *loss) {
    struct fixture *f = fixture_new("resnet18", HEAD_LINEAR, 4, 40, 0);
    struct error error = {0};
    const struct model_options options = {.deterministic = true, .seed = 1, .loss = loss};
    TESTED.model_free(f->model);
    if (!network_freeze(&f->network, &freeze, freeze != NULL, &error) ||
        !TESTED.model_new(&f->network, &options, &f->model, &error))
        fail_msg("%s", error.message);
    tested_fill(&f->network, f->model, 0);
    train(f, 1);
    return f;
}

/* A frozen linear layer or convolution computes as ever, and lets gradients through. */
static void check_frozen(char *layer) {
    struct fixture *whole = trained_frozen(NULL, NULL), *f = trained_frozen(layer, NULL);
    for (size_t i = 0; i < f->network.parameter_count; i++) {
        const struct parameter *p = &f->network.parameters[i];
        float *value = state_of(f, MODEL_VALUE, i), *before = zeroed(p->count * sizeof(float));
        float *expected = state_of(whole, MODEL_VALUE, i);
        weight(&f->network, i, 0, before);
        assert_memory_equal(value, p->frozen ? before : expected, p->count * sizeof(float));
        free(value);
        free(before);
        free(expected);
    }
    fixture_free(whole);
    fixture_free(f);
}

static void a_frozen_layer_stays_and_changes_nothing_else(void **state) {
    (void)state;
    check_frozen("fc");
    check_frozen("layer3.0.conv2");
    check_frozen("conv1");
}

static void a_frozen_model_has_no_gradients_below_and_keeps_statistics(void **state) {
    (void)state;
    struct fixture *f = trained_frozen("bn1", NULL);
    size_t mean = (size_t)network_find(&f->network, "bn1.running_mean");
    size_t scale = (size_t)network_find(&f->network, "bn1.weight");
    size_t bytes = f->network.parameters[mean].count * sizeof(float);
    float *got = state_of(f, MODEL_VALUE, mean), *expected = zeroed(bytes);
    struct error error = {0};
    weight(&f->network, mean, 0, expected);
    assert_memory_equal(got, expected, bytes);
    assert_false(TESTED.state_get(f->model, MODEL_GRADIENT, scale, expected, &error));
    assert_non_null(strstr(error.message, "bn1.weight is not trained"));
    free(got);
    free(expected);
    fixture_free(f);
}

static void evaluation_has_the_plain_loss_whatever_training_has(void **state) {
    (void)state;
    const struct loss loss = {0.2, {1, 5}};
    struct fixture *plain = trained_frozen(NULL, NULL), *f = trained_frozen(NULL, &loss);
    assert_memory_not_equal(plain->losses, f->losses, 4 * sizeof(float));
    tested_fill(&plain->network, plain->model, 0);
    tested_fill(&f->network, f->model, 0);
    evaluate(plain);
    evaluate(f);
    assert_memory_equal(plain->losses, f->losses, 4 * sizeof(float));
    fixture_free(plain);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_models_take_the_same_steps),
        cmocka_unit_test(other_sizes_and_evaluations_between_steps_change_nothing),
        cmocka_unit_test(a_picture_is_scored_alike_in_any_batch),
        cmocka_unit_test(a_model_made_anew_from_its_state_goes_on_alike),
        cmocka_unit_test(state_comes_back_as_it_was_set),
        cmocka_unit_test(a_new_model_is_all_zeros),
        cmocka_unit_test(a_frozen_layer_stays_and_changes_nothing_else),
        cmocka_unit_test(a_frozen_model_has_no_gradients_below_and_keeps_statistics),
        cmocka_unit_test(evaluation_has_the_plain_loss_whatever_training_has),
    };
    return TESTED_RUN(tests);
}
