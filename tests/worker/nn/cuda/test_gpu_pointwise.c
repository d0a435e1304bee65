/* 1x1 convolutions as products, beside the sums that define a convolution. */
#include "tests/worker/nn/cuda/host_device.h"
#include "tests/worker/nn/reference.h"

#include "worker/nn/cuda/gpu_pointwise.h"

enum { COUNT = 3, IN = 12, OUT = 20 };

static struct convolution_task task_of(int height, int width, int stride) {
    return (struct convolution_task){
        .count = COUNT,
        .in = {IN, height, width},
        .out = {OUT, (height - 1) / stride + 1, (width - 1) / stride + 1},
        .kernel = 1,
        .stride = stride,
        .deterministic = true,
    };
}

static size_t pixels(const struct shape *shape) {
    return (size_t)COUNT * (size_t)shape->height * (size_t)shape->width;
}

/* Where in x the pixel of y stands. */
static size_t met(const struct convolution_task *task, size_t pixel) {
    size_t width = (size_t)task->out.width, height = (size_t)task->out.height;
    size_t column = pixel % width, row = pixel / width % height, picture = pixel / width / height;
    return (picture * (size_t)task->in.height + row * (size_t)task->stride) *
               (size_t)task->in.width +
           column * (size_t)task->stride;
}

/* The pass that writes `sums`, of which the other two are read: a term for each pixel of y and each
 * weight. */
static void sum(const struct convolution_task *task, enum pass pass, const float *x, const float *w,
                const float *y, double *sums) {
    for (size_t pixel = 0; pixel < pixels(&task->out); pixel++)
        for (size_t o = 0; o < OUT; o++)
            for (size_t i = 0; i < IN; i++) {
                size_t at_x = met(task, pixel) * IN + i, at_w = o * IN + i, at_y = pixel * OUT + o;
                switch (pass) {
                case PASS_FORWARD: sums[at_y] += (double)x[at_x] * (double)w[at_w]; break;
                case PASS_DATA: sums[at_x] += (double)y[at_y] * (double)w[at_w]; break;
                case PASS_WEIGHTS: sums[at_w] += (double)y[at_y] * (double)x[at_x]; break;
                }
            }
}

static void check(enum pass pass, int height, int width, int stride) {
    const struct convolution_task task = task_of(height, width, stride);
    const size_t counts[PASSES] = {pixels(&task.out) * OUT, pixels(&task.in) * IN,
                                   (size_t)OUT * IN}; /* by the pass that writes it */
    static const char *const names[PASSES] = {"y", "x", "w"};
    struct device *device = host_device_new();
    struct error error = {0};
    float *arrays[PASSES], *scratch = malloc(gpu_pointwise_scratch(&task) + 1);
    for (int i = 0; i < PASSES; i++) {
        arrays[i] = zeroed(counts[i] * sizeof(float));
        drawn(names[i], counts[i], arrays[i]);
    }
    double *sums = zeroed(counts[pass] * sizeof *sums);
    float *expected = zeroed(counts[pass] * sizeof *expected);
    sum(&task, pass, arrays[PASS_DATA], arrays[PASS_WEIGHTS], arrays[PASS_FORWARD], sums);
    for (size_t i = 0; i < counts[pass]; i++)
        expected[i] = (float)sums[i];
    memset(arrays[pass], 0xff, counts[pass] * sizeof(float)); /* all of it is written */
    memset(scratch, 0xff, gpu_pointwise_scratch(&task));
    assert_true(gpu_pointwise_takes(&task));
    if (!gpu_pointwise_run(device, &task, pass, arrays[PASS_DATA], arrays[PASS_WEIGHTS],
                           arrays[PASS_FORWARD], scratch, &error))
        fail_msg("%s", error.message);
    assert_close("a value", arrays[pass], expected, counts[pass], 1e-6);
    for (int i = 0; i < PASSES; i++)
        free(arrays[i]);
    free(scratch);
    free(sums);
    free(expected);
    device->free(device);
}

static void check_sizes(enum pass pass) {
    for (int stride = 1; stride <= 3; stride++) {
        check(pass, 7, 5, stride);
        check(pass, 5, 7, stride);
        check(pass, 6, 8, stride);
        check(pass, 1, 1, stride);
    }
}

static void every_pixel_is_multiplied_by_the_weights(void **state) {
    (void)state;
    check_sizes(PASS_FORWARD);
}

static void the_gradient_is_zero_where_no_window_was(void **state) {
    (void)state;
    check_sizes(PASS_DATA);
}

static void weights_gather_from_every_pixel_that_was_met(void **state) {
    (void)state;
    check_sizes(PASS_WEIGHTS);
}

static void nothing_is_copied_without_a_stride(void **state) {
    (void)state;
    const struct convolution_task whole = task_of(7, 5, 1), strided = task_of(7, 5, 2);
    assert_int_equal(gpu_pointwise_scratch(&whole), 0);
    assert_int_equal(gpu_pointwise_scratch(&strided), COUNT * 4 * 3 * IN * sizeof(float));
    for (int pass = 0; pass < PASSES; pass++) {
        check((enum pass)pass, 7, 5, 1);
        assert_int_equal(host_device_counts.products, 1);
        assert_int_equal(host_device_counts.tensor_cores, 0);
        assert_int_equal(host_device_counts.launches[KERNEL_rows_take], 0);
        assert_int_equal(host_device_counts.launches[KERNEL_rows_spread], 0);
    }
}

static void only_unpadded_1x1_of_true_floats_are_taken(void **state) {
    (void)state;
    struct convolution_task task = task_of(7, 5, 2);
    assert_true(gpu_pointwise_takes(&task));
    task.tensor_cores = true;
    assert_false(gpu_pointwise_takes(&task));
    task = task_of(7, 5, 2);
    task.element = ELEMENT_BF16;
    assert_false(gpu_pointwise_takes(&task));
    task = task_of(7, 5, 2);
    task.kernel = 3;
    assert_false(gpu_pointwise_takes(&task));
    task = task_of(7, 5, 2);
    task.padding = 1;
    assert_false(gpu_pointwise_takes(&task));
}

static void more_pixels_than_a_product_has_rows_are_not_taken(void **state) {
    (void)state;
    struct convolution_task task = task_of(1, 1, 1);
    task.count = INT32_MAX;
    assert_true(gpu_pointwise_takes(&task));
    task.count++;
    assert_false(gpu_pointwise_takes(&task));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_is_multiplied_by_the_weights),
        cmocka_unit_test(the_gradient_is_zero_where_no_window_was),
        cmocka_unit_test(weights_gather_from_every_pixel_that_was_met),
        cmocka_unit_test(nothing_is_copied_without_a_stride),
        cmocka_unit_test(only_unpadded_1x1_of_true_floats_are_taken),
        cmocka_unit_test(more_pixels_than_a_product_has_rows_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
