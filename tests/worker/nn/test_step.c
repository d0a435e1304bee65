/* Whole training steps of a backend against PyTorch's, and what must hold around them. Compiled for
 * each backend: TESTED names it. */
#include "tests/worker/nn/reference.h"

#include "worker/nn/backend.h"

#ifdef TESTED_HEADER
#include TESTED_HEADER
#else
#define TESTED backend_cpu
#endif

enum { SAMPLES = 16 }; /* tests/make_step_data.py */

static const struct update FIRST = {
    {.name = OPTIMIZER_ADAM, .lr = 2e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, 1};

struct fixture {
    struct network network;
    struct model *model;
    float *images, *losses, *logits;
    int32_t *labels;
    uint64_t *samples;
    struct batch batch;
};

/* tests/make_step_data.py: fill(). */
static void weight(const struct network *network, size_t index, float shift, float *values) {
    const struct parameter *p = &network->parameters[index];
    float scale = 1, offset = 0;
    if (p->rank == 4)
        scale = (float)sqrt(6.0 / (double)(p->shape[0] * p->shape[2] * p->shape[3]));
    else if (p->rank == 2)
        scale = (float)(1 / sqrt((double)p->shape[1]));
    else if (p->kind == PARAMETER_BIAS)
        scale = (float)(1 / sqrt((double)network->parameters[index - 1].shape[1]));
    else if (p->kind == PARAMETER_SCALE || p->kind == PARAMETER_VARIANCE)
        offset = 1, scale = 0.25F;
    else if (p->kind == PARAMETER_SHIFT)
        offset = shift, scale = 0.125F;
    drawn(p->name, p->count, values);
    for (size_t i = 0; i < p->count; i++)
        values[i] = offset + values[i] * scale;
}

static void model_fill(struct fixture *f, float shift) {
    struct error error;
    for (size_t i = 0; i < f->network.parameter_count; i++) {
        float *values = zeroed(f->network.parameters[i].count * sizeof(float));
        weight(&f->network, i, shift, values);
        assert_true(TESTED.state_set(f->model, MODEL_VALUE, i, values, &error));
        free(values);
    }
}

/* On the heap: a model holds on to its network. */
static struct fixture *fixture_new(const char *arch, enum head head, size_t count, int side,
                                   float shift) {
    struct fixture *f = zeroed(sizeof *f);
    struct error error = {0};
    const struct model_options options = {.deterministic = true, .seed = 1};
    size_t floats = count * 3 * (size_t)(side * side);
    if (!network_build(arch, head, 0.5, &f->network, &error) ||
        !TESTED.model_new(&f->network, &options, &f->model, &error))
        fail_msg("%s", error.message);
    model_fill(f, shift);
    f->images = zeroed(floats * sizeof(float));
    f->labels = zeroed(count * sizeof(int32_t));
    f->samples = zeroed(count * sizeof(uint64_t));
    f->losses = zeroed(count * sizeof(float));
    f->logits = zeroed(count * NETWORK_CLASSES * sizeof(float));
    drawn("images", floats, f->images);
    for (size_t i = 0; i < count; i++) {
        f->labels[i] = (int32_t)(i % 2);
        f->samples[i] = 10 + i;
    }
    f->batch = (struct batch){count, side, side, f->images, f->labels, f->samples, 1};
    return f;
}

static void fixture_free(struct fixture *f) {
    TESTED.model_free(f->model);
    network_free(&f->network);
    free(f->images);
    free(f->labels);
    free(f->samples);
    free(f->losses);
    free(f->logits);
    free(f);
}

static void train(struct fixture *f, uint64_t step) {
    struct error error = {0};
    struct update update = FIRST;
    update.step = step;
    if (!TESTED.train_step(f->model, &f->batch, &update, f->losses, f->logits, &error))
        fail_msg("%s", error.message);
}

static void evaluate(struct fixture *f) {
    struct error error = {0};
    if (!TESTED.evaluate(f->model, &f->batch, f->losses, f->logits, &error))
        fail_msg("%s", error.message);
}

static float *state_of(const struct fixture *f, enum model_state state, size_t index) {
    struct error error;
    float *values = zeroed(f->network.parameters[index].count * sizeof(float));
    assert_true(TESTED.state_get(f->model, state, index, values, &error));
    return values;
}

static void assert_same_bits(const struct fixture *a, const struct fixture *b) {
    for (size_t i = 0; i < a->network.parameter_count; i++)
        for (int state = 0; state < 4; state++) {
            if (state != MODEL_VALUE && !a->network.parameters[i].trainable)
                continue;
            float *one = state_of(a, (enum model_state)state, i);
            float *two = state_of(b, (enum model_state)state, i);
            assert_memory_equal(one, two, a->network.parameters[i].count * sizeof(float));
            free(one);
            free(two);
        }
    assert_memory_equal(a->losses, b->losses, a->batch.count * sizeof(float));
}

/* ---- against PyTorch ---- */

static double stored_double(const struct safetensors *data, const char *name) {
    double value;
    const struct tensor *tensor = data_find(data, "", name);
    assert_int_equal(tensor->type, TENSOR_F64);
    memcpy(&value, tensor->data, sizeof value);
    return value;
}

static void sample_indexes(const char *name, size_t count, size_t indexes[SAMPLES]) {
    char text[128];
    float u[SAMPLES];
    snprintf(text, sizeof text, "sample %s", name);
    drawn(text, SAMPLES, u);
    for (size_t i = 0; i < SAMPLES; i++)
        indexes[i] = (size_t)floor(((double)u[i] + 1) / 2 * (double)count);
}

/* How far the gradient is from PyTorch's in float64: the norm, and sampled entries against what an
 * entry is on average (norm / sqrt(count)). */
static double gradient_error(const struct safetensors *data, const struct fixture *f,
                             size_t index) {
    const struct parameter *p = &f->network.parameters[index];
    char name[128];
    snprintf(name, sizeof name, "norm.%s", p->name);
    double norm = stored_double(data, name), square = 0;
    float *gradient = state_of(f, MODEL_GRADIENT, index);
    for (size_t i = 0; i < p->count; i++)
        square += (double)gradient[i] * (double)gradient[i];
    size_t indexes[SAMPLES];
    sample_indexes(p->name, p->count, indexes);
    float *expected = data_floats(data, "grad", p->name, NULL);
    double off = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        off += pow((double)gradient[indexes[i]] - (double)expected[i], 2);
    free(gradient);
    free(expected);
    return fmax(fabs(sqrt(square) - norm), sqrt(off / SAMPLES * (double)p->count)) / norm;
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* PyTorch's own float32 is off by 4.7e-6 at worst and 3.2e-6 in the median for resnet18, 4.5e-5 and
 * 8.3e-6 for resnet50 (torch_error in the data). In resnet50 a ReLU here or there opens on one
 * machine and not on another: that moves a few gradients by some thousandths. What is wrong is off
 * by 1. */
static void assert_gradients(const struct safetensors *data, const struct fixture *f, double worst,
                             double median) {
    double errors[512];
    size_t count = 0;
    for (size_t i = 0; i < f->network.parameter_count; i++)
        if (f->network.parameters[i].trainable)
            errors[count++] = gradient_error(data, f, i);
    qsort(errors, count, sizeof *errors, ascending);
    if (errors[count - 1] > worst || errors[count / 2] > median)
        fail_msg("gradients are off by %.2g at worst, %.2g in the median", errors[count - 1],
                 errors[count / 2]);
}

/* Running statistics, and sampled weights after the update. Adam's first step is lr * sign(g) for
 * all but the smallest gradients, so that weights are right to a small part of lr. */
static void assert_parameters(const struct safetensors *data, const struct fixture *f) {
    size_t compared = 0;
    for (size_t i = 0; i < f->network.parameter_count; i++) {
        const struct parameter *p = &f->network.parameters[i];
        char name[128];
        snprintf(name, sizeof name, "param.%s", p->name);
        if (safetensors_find(data, name) == NULL)
            continue;
        compared++;
        size_t count, indexes[SAMPLES];
        float *expected = data_floats(data, "param", p->name, &count);
        float *got = state_of(f, MODEL_VALUE, i);
        sample_indexes(p->name, p->count, indexes);
        for (size_t j = 0; p->trainable && j < count; j++)
            assert_float_equal(got[indexes[j]], expected[j], 2e-6F);
        if (!p->trainable)
            assert_close(p->name, got, expected, count, 1e-5);
        free(expected);
        free(got);
    }
    assert_true(compared >= 10);
}

static void check_step(const char *arch, const char *file, float shift, double worst) {
    struct safetensors *data = data_open(file);
    struct fixture *f = fixture_new(arch, HEAD_RELU, 4, 64, shift);
    train(f, 1);
    double loss = 0;
    for (size_t i = 0; i < f->batch.count; i++)
        loss += (double)f->losses[i] / (double)f->batch.count;
    assert_true(fabs(loss - stored_double(data, "loss")) < 5e-5);
    float *logits = data_floats(data, "", "logits", NULL);
    assert_close("logits", f->logits, logits, 8, 5e-5);
    assert_gradients(data, f, worst, 5e-5);
    assert_parameters(data, f);
    evaluate(f);
    float *evaluated = data_floats(data, "", "evaluated", NULL);
    assert_close("logits in evaluation", f->logits, evaluated, 8, 5e-4);
    free(logits);
    free(evaluated);
    fixture_free(f);
    safetensors_close(data);
}

static void a_step_of_resnet18_is_pytorchs(void **state) {
    (void)state;
    check_step("resnet18", "resnet18.safetensors", 0, 1e-4);
}

static void a_step_of_resnet50_is_pytorchs(void **state) {
    (void)state;
    check_step("resnet50", "resnet50.safetensors", 0.5F, 2e-2);
}

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

/* ---- what is refused ---- */

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
        cmocka_unit_test(a_step_of_resnet18_is_pytorchs),
        cmocka_unit_test(a_step_of_resnet50_is_pytorchs),
        cmocka_unit_test(two_models_take_the_same_steps),
        cmocka_unit_test(other_sizes_and_evaluations_between_steps_change_nothing),
        cmocka_unit_test(a_picture_is_scored_alike_in_any_batch),
        cmocka_unit_test(a_model_made_anew_from_its_state_goes_on_alike),
        cmocka_unit_test(state_comes_back_as_it_was_set),
        cmocka_unit_test(a_new_model_is_all_zeros),
        cmocka_unit_test(a_label_that_is_no_class_is_refused),
        cmocka_unit_test(training_on_one_value_a_channel_is_refused),
        cmocka_unit_test(a_batch_without_pictures_or_pixels_is_refused),
        cmocka_unit_test(gradients_cannot_be_set),
        cmocka_unit_test(less_than_fp32_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
