/* The CUDA backend on a GPU, beside the CPU backend. Skipped where there is no GPU; what needs none
 * is tested by worker/nn/cuda. */
#include "tests/worker/nn/cuda/real_device.h"
#include "tests/worker/nn/cuda/small_model.h"

#include "tests/sample_picture.h"

static const struct optimizer ADAM = {.lr = 2e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
static const struct optimizer SGD = {.name = OPTIMIZER_SGD, .lr = 1e-3};

/* That it could not record a step, for one. */
static void nothing_to_tell(void *context, const char *line) {
    (void)context;
    fail_msg("%s", line);
}

static struct model_options options_of(enum precision precision) {
    return (struct model_options){
        .precision = precision, .deterministic = true, .seed = 9, .tell = nothing_to_tell};
}

/* How far rounding the convolutions' weights alone to so many bits moves the gradients: the measure
 * for a precision that rounds to as many everywhere (test_gpu_model.c). */
static void check_precision(enum precision precision, int bits, double logits) {
    const struct model_options wide_options = options_of(PRECISION_FP32),
                               narrow_options = options_of(precision);
    struct small_model *wide = small_new(&backend_cpu, &wide_options, HEAD_RELU, NULL);
    struct small_model *rounded = small_new(&backend_cpu, &wide_options, HEAD_RELU, NULL);
    struct small_model *narrow = small_new(real_device(), &narrow_options, HEAD_RELU, NULL);
    small_round_kernels(rounded, bits);
    small_train(wide, &SGD, 1);
    small_train(rounded, &SGD, 1);
    small_train(narrow, &SGD, 1);
    assert_close("logits", narrow->logits, wide->logits, 2 * SMALL_COUNT, logits);
    double one = small_distance(rounded, wide, MODEL_GRADIENT);
    double all = small_distance(narrow, wide, MODEL_GRADIENT);
    if (!(all < 3 * one))
        fail_msg("gradients are off by %.3g, rounding the weights alone by %.3g", all, one);
    small_free(wide);
    small_free(rounded);
    small_free(narrow);
}

static void fp32_is_as_close_to_the_cpu_as_float(void **state) {
    (void)state;
    const struct model_options options = options_of(PRECISION_FP32);
    struct small_model *gpu = small_new(real_device(), &options, HEAD_DROPOUT, NULL);
    struct small_model *cpu = small_new(&backend_cpu, &options, HEAD_DROPOUT, NULL);
    for (uint64_t step = 1; step <= 2; step++) {
        small_train(gpu, &SGD, step);
        small_train(cpu, &SGD, step);
        assert_close("logits", gpu->logits, cpu->logits, 2 * SMALL_COUNT, 2e-4);
    }
    assert_true(small_distance(gpu, cpu, MODEL_VALUE) < 1e-4);
    small_free(gpu);
    small_free(cpu);
}

static void tf32_is_as_far_as_its_rounding(void **state) {
    (void)state;
    check_precision(PRECISION_TF32, 11, 5e-3);
}

static void bf16_is_as_far_as_its_rounding(void **state) {
    (void)state;
    check_precision(PRECISION_BF16, 8, 3e-2);
}

static void assert_same(const struct small_model *a, const struct small_model *b) {
    assert_memory_equal(a->logits, b->logits, sizeof a->logits);
    for (size_t i = 0; i < a->network.parameter_count; i++) {
        float *one = small_state(a, MODEL_VALUE, i), *two = small_state(b, MODEL_VALUE, i);
        assert_memory_equal(one, two, a->network.parameters[i].count * sizeof(float));
        free(one);
        free(two);
    }
}

static void steps_taken_again_give_the_same_bits(void **state) {
    (void)state;
    for (int precision = PRECISION_FP32; precision <= PRECISION_BF16; precision++) {
        const struct model_options options = options_of((enum precision)precision);
        struct small_model *one = small_new(real_device(), &options, HEAD_DROPOUT, NULL);
        struct small_model *two = small_new(real_device(), &options, HEAD_DROPOUT, NULL);
        for (uint64_t step = 1; step <= 5; step++) {
            small_train(one, &ADAM, step);
            small_train(two, &ADAM, step);
        }
        assert_same(one, two);
        /* and a model made of what the first one left goes on alike */
        struct small_model *three = small_new(real_device(), &options, HEAD_DROPOUT, NULL);
        small_copy(one, three);
        small_train(one, &ADAM, 6);
        small_train(three, &ADAM, 6);
        assert_same(one, three);
        small_free(one);
        small_free(two);
        small_free(three);
    }
}

/* Graphs launched one behind the other, and what they tell read at once. */
static void held_steps_give_the_bits_of_steps_one_by_one(void **state) {
    (void)state;
    enum { STEPS = BACKEND_AHEAD };
    static float losses[STEPS][SMALL_COUNT], logits[STEPS][2 * SMALL_COUNT];
    const struct model_options options = options_of(PRECISION_BF16);
    struct small_model *one = small_new(real_device(), &options, HEAD_DROPOUT, NULL);
    struct small_model *held = small_new(real_device(), &options, HEAD_DROPOUT, NULL);
    struct error error = {0};
    for (uint64_t step = 0; step < STEPS; step++) {
        const struct update update = {ADAM, step + 1};
        small_train(one, &ADAM, step + 1);
        memcpy(losses[step], one->losses, sizeof losses[step]);
        memcpy(logits[step], one->logits, sizeof logits[step]);
        held->batch.held = (step + 1) % 7 != 0; /* the last ones are asked for as they are taken */
        if (!held->backend->queue(held->model, &held->batch, &update, &error))
            fail_msg("%s", error.message);
    }
    for (uint64_t step = 0; step < STEPS; step++) {
        if (!held->backend->take(held->model, held->losses, held->logits, &error))
            fail_msg("%s", error.message);
        assert_memory_equal(held->losses, losses[step], sizeof losses[step]);
        assert_memory_equal(held->logits, logits[step], sizeof logits[step]);
    }
    assert_same(one, held);
    small_free(one);
    small_free(held);
}

static void a_checkpoint_goes_on_on_either(void **state) {
    (void)state;
    const struct model_options options = options_of(PRECISION_FP32);
    struct small_model *cpu = small_new(&backend_cpu, &options, HEAD_RELU, NULL);
    struct small_model *gpu = small_new(real_device(), &options, HEAD_RELU, NULL);
    struct small_model *back = small_new(&backend_cpu, &options, HEAD_RELU, NULL);
    small_train(cpu, &ADAM, 1);
    small_copy(cpu, gpu);
    small_copy(gpu, back);
    assert_true(small_distance(back, cpu, MODEL_VALUE) == 0);
    assert_true(small_distance(back, cpu, MODEL_MOMENT_V) == 0);
    small_train(cpu, &ADAM, 2);
    small_train(gpu, &ADAM, 2);
    assert_close("logits", gpu->logits, cpu->logits, 2 * SMALL_COUNT, 2e-4);
    small_free(cpu);
    small_free(gpu);
    small_free(back);
}

static void other_algorithms_may_be_taken_when_bits_do_not_matter(void **state) {
    (void)state;
    struct model_options options = options_of(PRECISION_BF16);
    options.deterministic = false;
    struct small_model *gpu = small_new(real_device(), &options, HEAD_RELU, NULL);
    for (uint64_t step = 1; step <= 3; step++)
        small_train(gpu, &ADAM, step);
    for (size_t i = 0; i < 2 * SMALL_COUNT; i++)
        assert_true(isfinite(gpu->logits[i]));
    small_free(gpu);
}

/* What the GPU makes of pictures and recipes, seen through the network: a pixel that is off by one
 * would move the logits, which here are the same to the last bit. */
static void pictures_give_the_bits_of_floats_made_on_the_cpu(void **state) {
    (void)state;
    static struct transform ops[] = {
        {.kind = TRANSFORM_RANDOM_CROP, .height = SMALL_SIDE, .width = SMALL_SIDE},
        {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
        {.kind = TRANSFORM_COLOR_JITTER,
         .brightness = {0.8, 1.2},
         .contrast = {0.8, 1.2},
         .saturation = {0.9, 1.1},
         .hue = {-0.1, 0.1}},
        {.kind = TRANSFORM_RANDOM_AFFINE,
         .degrees = {-10, 10},
         .scale = {1, 2},
         .shear_x = {-15, 15}},
        {.kind = TRANSFORM_NORMALIZE,
         .mean = {0.485F, 0.456F, 0.406F},
         .std = {0.229F, 0.224F, 0.225F}}};
    const struct pipeline pipeline = {ops, 5};
    const struct model_options options = options_of(PRECISION_FP32);
    size_t floats = (size_t)3 * SMALL_SIDE * SMALL_SIDE;
    for (uint64_t epoch = 1; epoch <= 20; epoch++) {
        struct small_model *one = small_new(real_device(), &options, HEAD_RELU, NULL);
        struct small_model *two = small_new(real_device(), &options, HEAD_RELU, NULL);
        struct picture pictures[SMALL_COUNT] = {0};
        struct image sources[SMALL_COUNT], image;
        for (size_t i = 0; i < SMALL_COUNT; i++) {
            struct random_stream stream;
            sources[i] = sample_picture(47 + (int)i, 51);
            pictures[i].pixels = sources[i].pixels;
            pictures[i].lasting = epoch % 2 == 0;
            recipe_begin(&pictures[i].recipe, sources[i].width, sources[i].height);
            random_open(&stream, 1, RANDOM_AUGMENT, (uint32_t)epoch, i);
            assert_true(pipeline_draw(&pipeline, 0, &stream, &pictures[i].recipe, NULL));
            assert_true(image_copy(&sources[i], &image, NULL));
            assert_true(recipe_apply(&pictures[i].recipe, &image, NULL));
            pipeline_normalize(&pipeline, &image, two->images + i * floats);
            image_free(&image);
        }
        one->batch.images = NULL;
        one->batch.pictures = pictures;
        one->batch.normalize = &ops[4];
        one->batch.number = epoch;
        small_evaluate(one);
        small_evaluate(two);
        assert_memory_equal(one->logits, two->logits, sizeof one->logits);
        small_free(one);
        small_free(two);
        for (size_t i = 0; i < SMALL_COUNT; i++)
            image_free(&sources[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp32_is_as_close_to_the_cpu_as_float),
        cmocka_unit_test(tf32_is_as_far_as_its_rounding),
        cmocka_unit_test(bf16_is_as_far_as_its_rounding),
        cmocka_unit_test(steps_taken_again_give_the_same_bits),
        cmocka_unit_test(held_steps_give_the_bits_of_steps_one_by_one),
        cmocka_unit_test(a_checkpoint_goes_on_on_either),
        cmocka_unit_test(other_algorithms_may_be_taken_when_bits_do_not_matter),
        cmocka_unit_test(pictures_give_the_bits_of_floats_made_on_the_cpu),
    };
    return TESTED_ABSENT ? REAL_SKIP : cmocka_run_group_tests(tests, NULL, NULL);
}
