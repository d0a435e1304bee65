/* Whole training steps of a backend against PyTorch's. Compiled for each backend: TESTED names it.
 */
#include "tests/worker/nn/sketches.h"

static double stored_double(const struct safetensors *data, const char *name) {
    double value;
    const struct tensor *tensor = data_find(data, "", name);
    assert_int_equal(tensor->type, TENSOR_F64);
    memcpy(&value, tensor->data, sizeof value);
    return value;
}

/* What tests/make_step_data.py stored of networks as wide as those of this program. */
static struct safetensors *steps_open(const char *file) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", network_stem_channels == 64 ? "" : "narrow_", file);
    return data_open(name);
}

/* The step that tests/make_step_data.py took. */
static void check_step(const char *file, const char *arch, size_t pictures, int side, float shift,
                       const struct optimizer *optimizer) {
    struct safetensors *data = steps_open(file);
    struct fixture *f = fixture_new(arch, HEAD_RELU, pictures, side, shift);
    struct error error = {0};
    const struct update update = {*optimizer, 1};
    if (!TESTED.train_step(f->model, &f->batch, &update, f->losses, f->logits, &error))
        fail_msg("%s", error.message);
    assert_true(fabs(mean_loss(f) - stored_double(data, "loss")) < 5e-5);
    float *logits = data_floats(data, "", "logits", NULL);
    assert_close("logits", f->logits, logits, 2 * pictures, 5e-5);
    assert_gradients_and_updates(data, f, shift);
    assert_statistics(data, f);
    evaluate(f);
    float *evaluated = data_floats(data, "", "evaluated", NULL);
    assert_close("logits in evaluation", f->logits, evaluated, 2 * pictures, 5e-3);
    free(logits);
    free(evaluated);
    fixture_free(f);
    safetensors_close(data);
}

static void a_step_of_resnet18_is_pytorchs(void **state) {
    (void)state;
    check_step("resnet18_64.safetensors", "resnet18", 4, 64, 0, &FIRST.optimizer);
}

static void a_step_of_resnet18_with_adamw_is_pytorchs(void **state) {
    (void)state;
    struct optimizer adamw = FIRST.optimizer;
    adamw.name = OPTIMIZER_ADAMW;
    adamw.weight_decay = 0.05;
    check_step("resnet18_96_adamw.safetensors", "resnet18", 6, 96, 0, &adamw);
}

static void a_step_of_resnet18_with_sgd_is_pytorchs(void **state) {
    (void)state;
    const struct optimizer sgd = {
        .name = OPTIMIZER_SGD, .lr = 1e-2, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};
    check_step("resnet18_64_sgd.safetensors", "resnet18", 3, 64, 0, &sgd);
}

/* Activations well above 0, so that no ReLU's side is left to rounding. */
static void a_step_of_resnet50_is_pytorchs(void **state) {
    (void)state;
    check_step("resnet50_64.safetensors", "resnet50", 4, 64, 2, &FIRST.optimizer);
}

/* Activations about 0, where a ReLU opens by chance of rounding: PyTorch is off by 5 % at worst. */
static void a_step_of_resnet50_with_kinks_is_as_near_as_pytorchs(void **state) {
    (void)state;
    check_step("resnet50_96.safetensors", "resnet50", 6, 96, 0, &FIRST.optimizer);
}

static void check_ten_steps(const char *name, const struct optimizer *optimizer) {
    struct safetensors *data = steps_open("ten_steps.safetensors");
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 6, 64, 0);
    double losses[10];
    memcpy(losses, data_find(data, "", name)->data, sizeof losses);
    for (uint64_t step = 1; step <= 10; step++) {
        struct error error = {0};
        const struct update update = {*optimizer, step};
        char images[16];
        snprintf(images, sizeof images, "images %d", (int)((step - 1) % 3));
        drawn(images, (size_t)6 * 3 * 64 * 64, f->images);
        if (!TESTED.train_step(f->model, &f->batch, &update, f->losses, f->logits, &error))
            fail_msg("%s", error.message);
        double loss = mean_loss(f), expected = losses[step - 1];
        if (!(fabs(loss - expected) <= 0.01 * expected))
            fail_msg("%s: the loss of step %d is %.6f and should be %.6f", name, (int)step, loss,
                     expected);
    }
    fixture_free(f);
    safetensors_close(data);
}

static void ten_steps_of_adam_follow_pytorchs_loss(void **state) {
    (void)state;
    check_ten_steps("adam", &FIRST.optimizer);
}

static void ten_steps_of_sgd_follow_pytorchs_loss(void **state) {
    (void)state;
    const struct optimizer sgd = {.name = OPTIMIZER_SGD, .lr = 1e-3, .momentum = 0.9};
    check_ten_steps("sgd", &sgd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_of_resnet18_is_pytorchs),
        cmocka_unit_test(a_step_of_resnet18_with_adamw_is_pytorchs),
        cmocka_unit_test(a_step_of_resnet18_with_sgd_is_pytorchs),
        cmocka_unit_test(a_step_of_resnet50_is_pytorchs),
        cmocka_unit_test(a_step_of_resnet50_with_kinks_is_as_near_as_pytorchs),
        cmocka_unit_test(ten_steps_of_adam_follow_pytorchs_loss),
        cmocka_unit_test(ten_steps_of_sgd_follow_pytorchs_loss),
    };
    return TESTED_RUN(tests);
}
