#include "tests/worker/nn/reference.h"

#include "worker/nn/cpu/convolution.h"
#include "worker/nn/cpu/product.h"
#include "worker/nn/cpu/winograd.h"

/* One stored convolution: x, w, y, dy, dx, dw. */
struct fixture {
    const char *name;
    size_t count;
    int in, out, height, width, kernel, stride;
    float *x, *w, *dy;
    const float *other; /* for differences: w while x moves, x while w moves */
    bool x_moves;
};

static int side(int from, const struct fixture *f) {
    return (from + 2 * (f->kernel / 2) - f->kernel) / f->stride + 1;
}

/* sum(dy * conv(x, w)), in double, from the definition. */
static double reference(const void *context, const double *moving) {
    const struct fixture *f = context;
    int oh = side(f->height, f), ow = side(f->width, f), k = f->kernel;
    double sum = 0;
    for (int n = 0; n < (int)f->count; n++)
        for (int o = 0; o < f->out; o++)
            for (int i = 0; i < oh * ow; i++) {
                double y = 0;
                for (int c = 0; c < f->in; c++)
                    for (int t = 0; t < k * k; t++) {
                        int row = i / ow * f->stride - k / 2 + t / k;
                        int column = i % ow * f->stride - k / 2 + t % k;
                        if (row < 0 || column < 0 || row >= f->height || column >= f->width)
                            continue;
                        int at_x = ((n * f->in + c) * f->height + row) * f->width + column;
                        int at_w = (o * f->in + c) * k * k + t;
                        y += f->x_moves ? moving[at_x] * (double)f->other[at_w]
                                        : (double)f->other[at_x] * moving[at_w];
                    }
                sum += y * (double)f->dy[(n * f->out + o) * oh * ow + i];
            }
    return sum;
}

static float *weights_converted(const struct onednn *onednn, const onednn_layout *from_desc,
                                const onednn_layout *to_desc, const float *from) {
    struct error error;
    float *to = zeroed(dnnl_memory_desc_get_size(to_desc));
    assert_true(onednn_reorder(onednn, from_desc, from, to_desc, to, &error));
    return to;
}

/* Of three channels: plain ones in, whose gradient nobody asks for. */
static bool is_stem(const struct fixture *f) {
    return f->in == 3;
}

static struct convolution_shape shape_of(const struct fixture *f, size_t block) {
    return (struct convolution_shape){
        .count = f->count,
        .in = {f->in, f->height, f->width},
        .out = {f->out, side(f->height, f), side(f->width, f)},
        .kernel = f->kernel,
        .stride = f->stride,
        .padding = f->kernel / 2,
        .block = block,
        .plain_input = is_stem(f),
        .training = true,
        .weights_gradient = true,
        .input_gradient = !is_stem(f),
    };
}

static struct convolution *convolution_of(const struct onednn *onednn, const struct fixture *f,
                                          size_t block) {
    struct error error = {0};
    const struct convolution_shape shape = shape_of(f, block);
    struct convolution *convolution;
    if (!convolution_new(onednn, &shape, &convolution, &error))
        fail_msg("%s", error.message);
    return convolution;
}

/* What minimal filtering takes over, which halves the time. */
static bool is_tiled(const struct fixture *f, size_t block) {
    int pair = 2 * (int)block;
    return f->kernel == 3 && f->stride == 1 && f->height > 1 && f->in % pair == 0 &&
           f->out % pair == 0 && product_is_fast(block);
}

static void check_block(const struct safetensors *data, const struct onednn *onednn,
                        struct fixture *f, size_t block) {
    struct error error = {0};
    bool stem = is_stem(f);
    struct convolution *convolution = convolution_of(onednn, f, block);
    struct map in = {f->count, (size_t)f->in, (size_t)f->height, (size_t)f->width,
                     stem ? 1 : block};
    struct map out = {f->count, (size_t)f->out, (size_t)side(f->height, f),
                      (size_t)side(f->width, f), block};
    onednn_layout *plain;
    assert_true(onednn_layout_plain(4, (dnnl_dim_t[]){f->out, f->in, f->kernel, f->kernel}, &plain,
                                    &error));
    const onednn_layout *held = convolution_weights(convolution);
    float *x = packed(&in, f->x), *dy = packed(&out, f->dy);
    float *w = weights_converted(onednn, plain, held, f->w);
    float *y = zeroed(map_floats(&out) * sizeof(float));
    float *dx = zeroed(map_floats(&in) * sizeof(float));
    float *dw = zeroed(dnnl_memory_desc_get_size(held));
    void *scratch = zeroed(convolution_scratch(convolution));
    if (is_tiled(f, block)) {
        const struct winograd tiles = {block,        f->count,  in.channels,
                                       out.channels, in.height, in.width};
        assert_int_equal(convolution_scratch(convolution), winograd_scratch(&tiles));
    }

    assert_true(convolution_forward(convolution, x, w, y, scratch, &error));
    assert_true(convolution_backward_weights(convolution, x, dy, dw, scratch, &error));
    float *plain_y = unpacked(&out, y), *plain_dw = weights_converted(onednn, held, plain, dw);
    assert_stored(data, f->name, "y", plain_y);
    assert_stored(data, f->name, "dw", plain_dw);
    f->x_moves = false;
    f->other = f->x;
    size_t weights = (size_t)(f->out * f->in * f->kernel * f->kernel);
    assert_gradient("w", (struct scalar){reference, f}, f->w, weights, plain_dw, 1e-5);
    if (!stem) {
        assert_true(convolution_backward_data(convolution, dy, w, dx, scratch, &error));
        float *plain_dx = unpacked(&in, dx);
        assert_stored(data, f->name, "dx", plain_dx);
        f->x_moves = true;
        f->other = f->w;
        assert_gradient("x", (struct scalar){reference, f}, f->x, map_floats(&in), plain_dx, 1e-5);
        free(plain_dx);
    }
    free(plain_y);
    free(plain_dw);
    free(x);
    free(dy);
    free(w);
    free(y);
    free(dx);
    free(dw);
    free(scratch);
    onednn_layout_free(plain);
    convolution_free(convolution);
}

/* The blocks that oneDNN chooses on different machines; the ones it does not choose here go through
 * reorders. */
static void check(const char *name, size_t count, int in, int out, int height, int width,
                  int kernel, int stride) {
    struct fixture f = {.name = name,
                        .count = count,
                        .in = in,
                        .out = out,
                        .height = height,
                        .width = width,
                        .kernel = kernel,
                        .stride = stride};
    struct safetensors *data = data_open("layers.safetensors");
    struct onednn onednn;
    struct error error;
    assert_true(onednn_open(&onednn, &error));
    f.x = data_floats(data, f.name, "x", NULL);
    f.w = data_floats(data, f.name, "w", NULL);
    f.dy = data_floats(data, f.name, "dy", NULL);
    for (size_t block = 1; block <= 16; block = block == 1 ? 8 : 2 * block)
        check_block(data, &onednn, &f, block);
    free(f.x);
    free(f.w);
    free(f.dy);
    onednn_close(&onednn);
    safetensors_close(data);
}

static void the_stem_reads_three_plain_channels(void **state) {
    (void)state;
    check("conv7x7", 2, 3, 16, 13, 14, 7, 2);
}

static void a_3x3_convolution_is_pytorchs(void **state) {
    (void)state;
    check("conv3x3", 2, 16, 32, 5, 6, 3, 1);
}

static void a_3x3_convolution_of_stride_2_is_pytorchs(void **state) {
    (void)state;
    check("conv3x3_stride2", 2, 16, 16, 6, 7, 3, 2);
}

static void a_3x3_convolution_works_on_the_smallest_maps(void **state) {
    (void)state;
    check("conv3x3_small", 3, 16, 32, 1, 2, 3, 1);
}

static void a_1x1_convolution_is_pytorchs(void **state) {
    (void)state;
    check("conv1x1", 2, 32, 16, 4, 5, 1, 1);
}

static void a_1x1_convolution_of_stride_2_is_pytorchs(void **state) {
    (void)state;
    check("conv1x1_stride2", 2, 16, 32, 5, 6, 1, 2);
}

/* As ONEDNN_DEFAULT_FPMATH_MODE=BF16 in the environment does, which counts where a processor has
 * it. */
static void no_factor_is_rounded_because_the_environment_allows_it(void **state) {
    (void)state;
    static const dnnl_dims_t dims[] = {{2, 16, 8, 8}, {16, 16, 3, 3}};
    struct onednn_convolution forward = {
        .pass = ONEDNN_FORWARD, .stride = {1, 1}, .padding = {1, 1}};
    onednn_layout *map, *weights;
    dnnl_primitive_desc_t desc;
    const_dnnl_primitive_attr_t attributes;
    dnnl_fpmath_mode_t mode;
    struct onednn onednn;
    struct error error;
    assert_int_equal(dnnl_set_default_fpmath_mode(dnnl_fpmath_mode_bf16), dnnl_success);
    assert_true(onednn_open(&onednn, &error));
    assert_true(onednn_layout_plain(4, dims[0], &map, &error));
    assert_true(onednn_layout_plain(4, dims[1], &weights, &error));
    forward.input = forward.output = map;
    forward.weights = weights;
    assert_int_equal(onednn_convolution_desc(&onednn, &forward, &desc), dnnl_success);
    assert_int_equal(dnnl_primitive_desc_get_attr(desc, &attributes), dnnl_success);
    assert_int_equal(dnnl_primitive_attr_get_fpmath_mode(attributes, &mode), dnnl_success);
    assert_int_equal(mode, dnnl_fpmath_mode_strict);
    assert_int_equal(dnnl_set_default_fpmath_mode(dnnl_fpmath_mode_strict), dnnl_success);
    dnnl_primitive_desc_destroy(desc);
    onednn_layout_free(map);
    onednn_layout_free(weights);
    onednn_close(&onednn);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stem_reads_three_plain_channels),
        cmocka_unit_test(a_3x3_convolution_is_pytorchs),
        cmocka_unit_test(a_3x3_convolution_of_stride_2_is_pytorchs),
        cmocka_unit_test(a_3x3_convolution_works_on_the_smallest_maps),
        cmocka_unit_test(a_1x1_convolution_is_pytorchs),
        cmocka_unit_test(a_1x1_convolution_of_stride_2_is_pytorchs),
        cmocka_unit_test(no_factor_is_rounded_because_the_environment_allows_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
