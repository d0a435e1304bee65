/* The GPU's engine on the host in place of a GPU, beside the CPU backend. What both must pass is in
 * test_step.c and test_refusals.c; here stands what is the engine's own. */
#include "tests/worker/nn/cuda/host_device.h"
#include "tests/worker/nn/cuda/small_model.h"

static const struct optimizer ADAM = {.lr = 2e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
static const struct optimizer ADAMW = {.name = OPTIMIZER_ADAMW,
                                       .lr = 2e-4,
                                       .beta1 = 0.9,
                                       .beta2 = 0.999,
                                       .eps = 1e-8,
                                       .weight_decay = 0.05};
static const struct optimizer SGD = {
    .name = OPTIMIZER_SGD, .lr = 1e-3, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};
static const struct optimizer PLAIN_SGD = {.name = OPTIMIZER_SGD, .lr = 1e-3};

static const struct model_options FP32 = {.deterministic = true, .seed = 9};
static const struct model_options TF32 = {
    .precision = PRECISION_TF32, .deterministic = true, .seed = 9};
static const struct model_options BF16 = {
    .precision = PRECISION_BF16, .deterministic = true, .seed = 9};

/* Of ResNet-18's 20 convolutions three are 1x1, which are products in fp32, and so is the first,
 * whose input has no gradient, on its windows' rows; so are the head's two layers in any case: so
 * many in a step. */
enum { HEAD_PRODUCTS = 2 * PASSES, STEP_PRODUCTS = 3 * PASSES + (PASSES - 1) + HEAD_PRODUCTS };

/* ---- the same as the CPU backend ---- */

/* After a first step, or an evaluation. */
static void assert_nothing_was_prepared_in_vain(void) {
    for (int pass = 0; pass < PASSES; pass++)
        assert_int_equal(host_device_counts.prepared[pass], host_device_counts.convolutions[pass]);
}

/* Two steps on both, the second from what the first has left. */
static void check_beside_cpu(const struct optimizer *optimizer, const struct loss *loss,
                             enum head head, const char *freeze) {
    struct model_options options = FP32;
    options.loss = loss;
    struct small_model *gpu = small_new(&backend_host, &options, head, freeze);
    struct small_model *cpu = small_new(&backend_cpu, &options, head, freeze);
    for (uint64_t step = 1; step <= 2; step++) {
        small_train(gpu, optimizer, step);
        if (step == 1)
            assert_nothing_was_prepared_in_vain();
        small_train(cpu, optimizer, step);
        assert_close("logits", gpu->logits, cpu->logits, 2 * SMALL_COUNT, 2e-4);
        assert_close("losses", gpu->losses, cpu->losses, SMALL_COUNT, 2e-4);
        if (step == 1)
            assert_true(small_distance(gpu, cpu, MODEL_GRADIENT) < 1e-4);
    }
    assert_true(small_distance(gpu, cpu, MODEL_VALUE) < 1e-4);
    small_evaluate(gpu);
    small_evaluate(cpu);
    assert_close("logits in evaluation", gpu->logits, cpu->logits, 2 * SMALL_COUNT, 1e-3);
    small_free(gpu);
    small_free(cpu);
}

static void every_optimizer_takes_the_cpus_steps(void **state) {
    (void)state;
    check_beside_cpu(&ADAM, NULL, HEAD_RELU, NULL);
    check_beside_cpu(&ADAMW, NULL, HEAD_RELU, NULL);
    check_beside_cpu(&SGD, NULL, HEAD_RELU, NULL);
    check_beside_cpu(&PLAIN_SGD, NULL, HEAD_LINEAR, NULL);
}

static void dropout_draws_what_the_cpu_draws(void **state) {
    (void)state;
    check_beside_cpu(&PLAIN_SGD, NULL, HEAD_DROPOUT, NULL);
}

static void weights_of_classes_and_smoothing_are_the_cpus(void **state) {
    (void)state;
    const struct loss loss = {.label_smoothing = 0.1, .class_weights = {0.5, 3}};
    check_beside_cpu(&PLAIN_SGD, &loss, HEAD_RELU, NULL);
}

static void frozen_layers_stay_and_cost_no_backward_pass(void **state) {
    (void)state;
    check_beside_cpu(&ADAM, NULL, HEAD_RELU, "layer2");
    struct small_model *small = small_new(&backend_host, &FP32, HEAD_RELU, "conv1");
    size_t index = (size_t)network_find(&small->network, "conv1.weight");
    float *before = small_state(small, MODEL_VALUE, index);
    small_train(small, &ADAM, 1);
    float *after = small_state(small, MODEL_VALUE, index);
    assert_memory_equal(before, after, small->network.parameters[index].count * sizeof(float));
    /* of the first only the forward pass, which is a product */
    assert_int_equal(host_device_counts.products, STEP_PRODUCTS - 1);
    assert_int_equal(host_device_counts.convolutions[PASS_WEIGHTS], 16);
    assert_int_equal(host_device_counts.convolutions[PASS_DATA], 16);
    free(before);
    free(after);
    small_free(small);
}

static void a_frozen_product_has_no_gradient_of_its_weights(void **state) {
    (void)state;
    struct small_model *small = small_new(&backend_host, &FP32, HEAD_RELU, "layer2.0.downsample");
    small_train(small, &ADAM, 1);
    assert_int_equal(host_device_counts.products, STEP_PRODUCTS - 1);
    small_free(small);
}

static void a_checkpoint_goes_on_on_either(void **state) {
    (void)state;
    struct small_model *cpu = small_new(&backend_cpu, &FP32, HEAD_RELU, NULL);
    struct small_model *gpu = small_new(&backend_host, &FP32, HEAD_RELU, NULL);
    struct small_model *back = small_new(&backend_cpu, &FP32, HEAD_RELU, NULL);
    small_train(cpu, &ADAM, 1);
    small_copy(cpu, gpu);
    small_copy(gpu, back); /* there and back: not a bit is lost */
    assert_true(small_distance(back, cpu, MODEL_VALUE) == 0);
    assert_true(small_distance(back, cpu, MODEL_MOMENT_M) == 0);
    assert_true(small_distance(back, cpu, MODEL_MOMENT_V) == 0);
    small_train(cpu, &ADAM, 2);
    small_train(gpu, &ADAM, 2);
    assert_close("logits", gpu->logits, cpu->logits, 2 * SMALL_COUNT, 2e-4);
    assert_true(small_distance(gpu, cpu, MODEL_VALUE) < 1e-4);
    small_free(cpu);
    small_free(gpu);
    small_free(back);
}

/* Moments are set after the values that convolutions read as bf16. */
static void a_bf16_checkpoint_goes_on_in_another_model(void **state) {
    (void)state;
    struct small_model *one = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    struct small_model *two = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    small_train(one, &ADAM, 1);
    small_copy(one, two);
    small_train(one, &ADAM, 2);
    small_train(two, &ADAM, 2);
    assert_memory_equal(one->logits, two->logits, sizeof one->logits);
    assert_true(small_distance(one, two, MODEL_VALUE) == 0);
    small_free(one);
    small_free(two);
}

/* Also where bf16 copies of the old ones have been made. */
static void weights_that_are_set_count_at_once(void **state) {
    (void)state;
    struct small_model *small = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    const size_t index = (size_t)network_find(&small->network, "layer1.0.conv1.weight");
    float before[2 * SMALL_COUNT], *none = zeroed(small->network.parameters[index].count * 4);
    small_evaluate(small);
    memcpy(before, small->logits, sizeof before);
    assert_true(backend_host.state_set(small->model, MODEL_VALUE, index, none, NULL));
    small_evaluate(small);
    assert_memory_not_equal(small->logits, before, sizeof before);
    free(none);
    small_free(small);
}

/* ---- precisions ---- */

/* bf16 keeps 8 bits. How far that moves gradients is measured by the same network in floats whose
 * weights alone are rounded to 8 bits: ReLUs that open and shut make a fifth of it already.
 * Rounding the activations and the gradients too makes three such errors, independent ones: sqrt(3)
 * times as far. */
static void bf16_is_as_far_from_fp32_as_its_rounding(void **state) {
    (void)state;
    struct small_model *wide = small_new(&backend_host, &FP32, HEAD_RELU, NULL);
    struct small_model *rounded = small_new(&backend_host, &FP32, HEAD_RELU, NULL);
    struct small_model *narrow = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    small_round_kernels(rounded, 8);
    small_train(wide, &PLAIN_SGD, 1);
    small_train(rounded, &PLAIN_SGD, 1);
    small_train(narrow, &PLAIN_SGD, 1);
    assert_close("logits", narrow->logits, wide->logits, 2 * SMALL_COUNT, 0.02);
    double one = small_distance(rounded, wide, MODEL_GRADIENT);
    double all = small_distance(narrow, wide, MODEL_GRADIENT);
    assert_true(one > 0.01 && all > one && all < 2.5 * one);
    small_free(wide);
    small_free(rounded);
    small_free(narrow);
}

/* The weights that are trained are floats: steps too small for bf16 are not lost. */
static void bf16_trains_float_weights(void **state) {
    (void)state;
    const struct optimizer tiny = {.name = OPTIMIZER_SGD, .lr = 1e-6};
    struct small_model *small = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    size_t index = (size_t)network_find(&small->network, "layer3.0.conv1.weight"), moved = 0;
    float *before = small_state(small, MODEL_VALUE, index);
    small_train(small, &tiny, 1);
    float *after = small_state(small, MODEL_VALUE, index);
    for (size_t i = 0; i < small->network.parameters[index].count; i++) {
        assert_true(bf16_round(before[i]) == bf16_round(after[i]) ||
                    fabsf(before[i] - after[i]) < 1e-4F);
        moved += before[i] != after[i];
    }
    assert_true(moved > small->network.parameters[index].count / 2);
    free(before);
    free(after);
    small_free(small);
}

/* Gradients of convolutions come as bf16, those behind them as floats. */
static void bf16_takes_each_weight_down_its_own_gradient(void **state) {
    (void)state;
    struct small_model *small = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    struct small_model *still = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    small_train(small, &PLAIN_SGD, 1);
    for (size_t i = 0; i < small->network.parameter_count; i++) {
        if (!small->network.parameters[i].trainable)
            continue;
        float *before = small_state(still, MODEL_VALUE, i);
        float *gradient = small_state(small, MODEL_GRADIENT, i);
        float *after = small_state(small, MODEL_VALUE, i);
        for (size_t j = 0; j < small->network.parameters[i].count; j++)
            assert_true(after[j] == before[j] - 1e-3F * gradient[j]);
        free(before);
        free(gradient);
        free(after);
    }
    small_free(small);
    small_free(still);
}

static void tensor_cores_are_asked_for_only_where_they_may_be(void **state) {
    (void)state;
    const struct model_options *const options[] = {&FP32, &TF32, &BF16};
    for (int i = 0; i < 3; i++) {
        struct small_model *small = small_new(&backend_host, options[i], HEAD_RELU, NULL);
        small_train(small, &ADAM, 1);
        assert_int_equal(host_device_counts.tensor_cores > 0, i > 0);
        assert_int_equal(host_device_counts.without_tensor_cores > 0, i == 0);
        small_free(small);
    }
}

static void bf16_is_rounded_to_the_nearest(void **state) {
    (void)state;
    const struct {
        float from;
        uint16_t to;
    } cases[] = {{1, 0x3f80},
                 {1.00390625F, 0x3f80},
                 {1.01171875F, 0x3f82},
                 {-2.5F, 0xc020},
                 {0, 0},
                 {3.3895314e38F, 0x7f7f},
                 {3.4e38F, 0x7f80},
                 {INFINITY, 0x7f80},
                 {-INFINITY, 0xff80},
                 {1e-40F, 0x0001},
                 {1.0039064F, 0x3f81}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(bf16_round(cases[i].from), cases[i].to);
    assert_true(isnan(bf16_widen(bf16_round(NAN))));
    for (uint32_t bits = 0; bits < 0x7f80; bits++) /* what bf16 holds comes back as it was */
        assert_int_equal(bf16_round(bf16_widen((uint16_t)bits)), bits);
}

/* A GPU that is full may have no memory for a kernel's code; the next try must not take what the
 * kernel did not make. */
static void copies_that_could_not_be_made_are_made_by_the_next_step(void **state) {
    (void)state;
    struct error error = {0};
    struct small_model *one = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    struct small_model *two = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    host_device_fails = KERNEL_element_convert;
    assert_false(one->backend->evaluate(one->model, &one->batch, one->losses, one->logits, &error));
    host_device_fails = KERNEL_COUNT;
    small_evaluate(one);
    small_evaluate(two);
    assert_memory_equal(one->logits, two->logits, sizeof one->logits);
    small_free(one);
    small_free(two);
}

/* ---- memory and launches ---- */

static void a_model_gives_all_its_memory_back(void **state) {
    (void)state;
    struct small_model *small = small_new(&backend_host, &BF16, HEAD_DROPOUT, NULL);
    small_train(small, &ADAM, 1);
    small_evaluate(small);
    small->batch.count = 3;
    small_train(small, &SGD, 1);
    assert_true(host_device_counts.bytes > 0);
    small_free(small);
    assert_int_equal(host_device_counts.allocations, 0);
    assert_int_equal(host_device_counts.bytes, 0);
}

/* Of one float for each weight that is trained. */
static size_t trained_bytes(const struct network *network) {
    size_t count = 0;
    for (size_t i = 0; i < network->parameter_count; i++)
        count += network->parameters[i].trainable ? network->parameters[i].count : 0;
    return count * sizeof(float);
}

static void evaluation_takes_no_memory_for_gradients(void **state) {
    (void)state;
    struct small_model *small = small_new(&backend_host, &FP32, HEAD_RELU, NULL);
    small_evaluate(small);
    assert_nothing_was_prepared_in_vain();
    size_t evaluating = host_device_counts.bytes;
    small_train(small, &ADAM, 1);
    assert_true(host_device_counts.bytes > evaluating + 3 * trained_bytes(&small->network));
    small_free(small);
}

/* What a model takes for a batch that it evaluates. */
static size_t batch_bytes(const struct model_options *options) {
    struct small_model *small = small_new(&backend_host, options, HEAD_RELU, NULL);
    const size_t before = host_device_counts.bytes;
    small_evaluate(small);
    const size_t bytes = host_device_counts.bytes - before;
    small_free(small);
    return bytes;
}

static void bf16_takes_half_the_memory(void **state) {
    (void)state;
    assert_true(batch_bytes(&BF16) < 0.6 * (double)batch_bytes(&FP32)); /* a few are floats */
}

static void a_model_tells_the_most_memory_that_it_had(void **state) {
    (void)state;
    struct small_model *small = small_new(&backend_host, &FP32, HEAD_RELU, NULL);
    small_train(small, &ADAM, 1);
    size_t four = host_device_counts.bytes;
    assert_in_range(backend_host.memory_most(small->model), four, SIZE_MAX);
    small->batch.count = 1;
    small_evaluate(small);
    assert_in_range(backend_host.memory_most(small->model), four, SIZE_MAX);
    assert_true(backend_host.memory_most(small->model) < 2 * four);
    small_free(small);
}

static void a_batch_that_does_not_fit_is_an_error_and_no_end(void **state) {
    (void)state;
    struct error error = {0};
    const struct update update = {PLAIN_SGD, 1};
    struct small_model *small = small_new(&backend_host, &FP32, HEAD_RELU, NULL);
    small->batch.count = 1;
    small_evaluate(small);
    small->batch.count = SMALL_COUNT;
    host_device_room = host_device_counts.bytes + trained_bytes(&small->network) + (64 << 10);
    assert_false(small->backend->train_step(small->model, &small->batch, &update, small->losses,
                                            small->logits, &error));
    host_device_room = SIZE_MAX;
    assert_non_null(strstr(error.message, "try a smaller train.batch_size"));
    small->batch.count = 1; /* as it fitted before */
    small_evaluate(small);
    small->batch.count = SMALL_COUNT;
    small_train(small, &PLAIN_SGD, 1);
    small_free(small);
}

static void weights_that_do_not_fit_are_an_error_and_leave_nothing(void **state) {
    (void)state;
    struct error error = {0};
    struct network network;
    struct model *model;
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, &error));
    host_device_room = 64 << 10;
    assert_false(backend_host.model_new(&network, &FP32, &model, &error));
    host_device_room = SIZE_MAX;
    assert_non_null(strstr(error.message, "the weights: "));
    assert_null(model);
    assert_int_equal(host_device_counts.allocations, 0);
    network_free(&network);
}

static void a_step_updates_all_weights_in_one_launch(void **state) {
    (void)state;
    struct small_model *small = small_new(&backend_host, &FP32, HEAD_RELU, NULL);
    small_train(small, &ADAM, 1);
    assert_int_equal(host_device_counts.launches[KERNEL_weights_update], 1);
    assert_int_equal(host_device_counts.launches[KERNEL_element_convert], 0);
    small_free(small);
    small = small_new(&backend_host, &BF16, HEAD_RELU, NULL);
    small_train(small, &ADAM, 1);
    small_train(small, &ADAM, 2);
    assert_int_equal(host_device_counts.launches[KERNEL_weights_update], 2);
    /* the first copy; after it the update makes them */
    assert_int_equal(host_device_counts.launches[KERNEL_element_convert], 1);
    small_free(small);
}

static void convolutions_of_one_pixel_are_products_in_fp32_alone(void **state) {
    (void)state;
    const struct model_options *const options[] = {&FP32, &TF32, &BF16};
    for (int i = 0; i < 3; i++) {
        struct small_model *small = small_new(&backend_host, options[i], HEAD_RELU, NULL);
        size_t convolutions = i == 0 ? 16 : 20;
        small_train(small, &ADAM, 1);
        assert_int_equal(host_device_counts.convolutions[PASS_FORWARD], convolutions);
        assert_int_equal(host_device_counts.convolutions[PASS_WEIGHTS], convolutions);
        assert_int_equal(host_device_counts.convolutions[PASS_DATA], i == 0 ? 16 : 19);
        assert_int_equal(host_device_counts.products, i == 0 ? STEP_PRODUCTS : HEAD_PRODUCTS);
        /* two passes read the strided rows, and one writes them */
        assert_int_equal(host_device_counts.launches[KERNEL_rows_take], i == 0 ? 6 : 0);
        assert_int_equal(host_device_counts.launches[KERNEL_rows_spread], i == 0 ? 3 : 0);
        small_free(small);
    }
}

/* Once forward and once for the weights' gradient, rather than kept in between. */
static void the_inputs_windows_are_laid_down_when_they_are_needed(void **state) {
    (void)state;
    const struct model_options *const options[] = {&FP32, &TF32, &BF16};
    for (int i = 0; i < 3; i++) {
        struct small_model *small = small_new(&backend_host, options[i], HEAD_RELU, NULL);
        small_train(small, &ADAM, 1);
        assert_int_equal(host_device_counts.launches[KERNEL_window_rows], 2);
        small_evaluate(small);
        assert_int_equal(host_device_counts.launches[KERNEL_window_rows], 3);
        small_free(small);
    }
}

/* The sums of many slices are folded in groups, and those of channels that fill no whole tile are
 * taken alike: what comes out is what one loop over the rows finds. */
static void check_moments(size_t rows, size_t channels, enum element element) {
    struct device *device = host_device_new();
    struct error error;
    float *x = zeroed(rows * channels * sizeof(float)),
          *floats = zeroed(10 * channels * sizeof(float));
    drawn("x", rows * channels, x);
    for (size_t i = 0; i < rows * channels; i++)
        x[i] += 1000; /* far from zero, where squares lose their digits */
    if (element == ELEMENT_BF16)
        for (size_t i = 0; i < rows * channels; i++)
            ((uint16_t *)x)[i] = bf16_round(x[i]);
    struct norm_moments moments = {.at = reduction_of(rows, channels, element),
                                   .x = x,
                                   .weight = floats,
                                   .bias = floats + channels,
                                   .running_mean = floats + 2 * channels,
                                   .running_variance = floats + 3 * channels,
                                   .of = {floats + 4 * channels, floats + 5 * channels,
                                          floats + 6 * channels, floats + 7 * channels,
                                          floats + 8 * channels, floats + 9 * channels}};
    moments.at.partial = zeroed(reduction_bytes(&moments.at));
    memset(moments.at.partial, 0xff, reduction_bytes(&moments.at)); /* as scratch memory is */
    moments.at.tickets = zeroed(REDUCE_TICKETS * sizeof(unsigned));
    assert_true(moments.at.tiles * (moments.at.groups + 1) <= REDUCE_TICKETS);
    assert_true(
        device_launch(device, norm_moments, &moments, reduction_threads(&moments.at), &error));
    for (size_t i = 0; i < REDUCE_TICKETS; i++) /* for the next one */
        assert_int_equal(moments.at.tickets[i], 0);
    for (size_t channel = 0; channel < channels; channel++) {
        double sum = 0, square = 0;
        for (size_t row = 0; row < rows; row++) {
            double value =
                (double)pack_load(x, element, (row * channels + channel) / pack_width(element))
                    .v[channel % pack_width(element)];
            sum += value;
            square += (value - 1000) * (value - 1000);
        }
        double mean = sum / (double)rows, shifted = mean - 1000;
        double inverse = 1 / sqrt(square / (double)rows - shifted * shifted + NORM_EPSILON);
        assert_true(fabs((double)moments.of.mean[channel] - mean) < 1e-4);
        assert_true(fabs((double)moments.of.inverse[channel] / inverse - 1) < 1e-5);
    }
    free(moments.at.partial);
    free(moments.at.tickets);
    free(floats);
    free(x);
    device->free(device);
}

static void a_large_map_is_normalised_like_a_small_one(void **state) {
    (void)state;
    check_moments(70011, 8, ELEMENT_F32);
    check_moments(70011, 8, ELEMENT_BF16);
    check_moments(8211, 136, ELEMENT_F32); /* several tiles, each with groups of its own */
    check_moments(5003, 72, ELEMENT_F32);
    check_moments(5003, 200, ELEMENT_BF16);
    check_moments(3, 64, ELEMENT_BF16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_takes_the_cpus_steps),
        cmocka_unit_test(dropout_draws_what_the_cpu_draws),
        cmocka_unit_test(weights_of_classes_and_smoothing_are_the_cpus),
        cmocka_unit_test(frozen_layers_stay_and_cost_no_backward_pass),
        cmocka_unit_test(a_frozen_product_has_no_gradient_of_its_weights),
        cmocka_unit_test(a_checkpoint_goes_on_on_either),
        cmocka_unit_test(a_bf16_checkpoint_goes_on_in_another_model),
        cmocka_unit_test(weights_that_are_set_count_at_once),
        cmocka_unit_test(bf16_is_as_far_from_fp32_as_its_rounding),
        cmocka_unit_test(bf16_trains_float_weights),
        cmocka_unit_test(bf16_takes_each_weight_down_its_own_gradient),
        cmocka_unit_test(tensor_cores_are_asked_for_only_where_they_may_be),
        cmocka_unit_test(bf16_is_rounded_to_the_nearest),
        cmocka_unit_test(copies_that_could_not_be_made_are_made_by_the_next_step),
        cmocka_unit_test(a_model_gives_all_its_memory_back),
        cmocka_unit_test(evaluation_takes_no_memory_for_gradients),
        cmocka_unit_test(bf16_takes_half_the_memory),
        cmocka_unit_test(a_model_tells_the_most_memory_that_it_had),
        cmocka_unit_test(a_batch_that_does_not_fit_is_an_error_and_no_end),
        cmocka_unit_test(weights_that_do_not_fit_are_an_error_and_leave_nothing),
        cmocka_unit_test(a_step_updates_all_weights_in_one_launch),
        cmocka_unit_test(convolutions_of_one_pixel_are_products_in_fp32_alone),
        cmocka_unit_test(the_inputs_windows_are_laid_down_when_they_are_needed),
        cmocka_unit_test(a_large_map_is_normalised_like_a_small_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
