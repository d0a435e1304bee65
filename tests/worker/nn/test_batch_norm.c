#include "tests/worker/nn/reference.h"

#include "worker/nn/cpu/batch_norm.h"
#include "worker/nn/cpu/norm_kernel.h"

enum { COUNT = 3, CHANNELS = 16, HEIGHT = 5, WIDTH = 3, PIXELS = HEIGHT * WIDTH };
enum { FLOATS = COUNT * CHANNELS * PIXELS };

/* A stored batch normalisation; what moves in a difference is named by `moving`. */
struct fixture {
    const char *name;
    bool relu, add;
    float *x, *residual, *w, *b, *dy;
    enum { X, RESIDUAL, WEIGHT, BIAS } moving;
};

static double part(const struct fixture *f, const double *moving, int which, const float *still,
                   int index) {
    return (int)f->moving == which ? moving[index] : (double)still[index];
}

/* sum(dy * [relu](batch_norm(x) [+ residual])), in double, from the definition. */
static double reference(const void *context, const double *moving) {
    const struct fixture *f = context;
    double result = 0;
    for (int c = 0; c < CHANNELS; c++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < COUNT * PIXELS; i++)
            mean += part(f, moving, X, f->x, (i / PIXELS * CHANNELS + c) * PIXELS + i % PIXELS);
        mean /= COUNT * PIXELS;
        for (int i = 0; i < COUNT * PIXELS; i++) {
            int at = (i / PIXELS * CHANNELS + c) * PIXELS + i % PIXELS;
            double off = part(f, moving, X, f->x, at) - mean;
            variance += off * off / (COUNT * PIXELS);
        }
        for (int i = 0; i < COUNT * PIXELS; i++) {
            int at = (i / PIXELS * CHANNELS + c) * PIXELS + i % PIXELS;
            double y = (part(f, moving, X, f->x, at) - mean) / sqrt(variance + 1e-5) *
                           part(f, moving, WEIGHT, f->w, c) +
                       part(f, moving, BIAS, f->b, c);
            if (f->add)
                y += part(f, moving, RESIDUAL, f->residual, at);
            if (f->relu && y < 0)
                y = 0;
            result += y * (double)f->dy[at];
        }
    }
    return result;
}

static struct batch_norm norm_new(size_t block, bool relu) {
    struct batch_norm norm = {.map = {COUNT, CHANNELS, HEIGHT, WIDTH, block}, .relu = relu};
    float *saved = zeroed(4 * CHANNELS * sizeof(float));
    norm.mean = saved;
    norm.inverse = saved + CHANNELS;
    norm.scale = saved + 2 * CHANNELS;
    norm.shift = saved + 3 * CHANNELS;
    norm.partial = zeroed(batch_norm_partial(&norm.map));
    return norm;
}

static void norm_free(struct batch_norm *norm) {
    free(norm->mean);
    free(norm->partial);
}

static void fixture_open(struct fixture *f, const struct safetensors *data) {
    f->x = data_floats(data, f->name, "x", NULL);
    f->residual = data_floats(data, f->name, "residual", NULL);
    f->w = data_floats(data, f->name, "w", NULL);
    f->b = data_floats(data, f->name, "b", NULL);
    f->dy = data_floats(data, f->name, "dy", NULL);
}

static void fixture_close(struct fixture *f) {
    free(f->x);
    free(f->residual);
    free(f->w);
    free(f->b);
    free(f->dy);
}

static void check_gradient(struct fixture *f, int moving, const char *what, const float *at,
                           size_t count, const float *gradient) {
    f->moving = moving;
    assert_gradient(what, (struct scalar){reference, f}, at, count, gradient, 1e-5);
}

/* second: the incoming gradient arrives in two halves, as from two readers. */
static void check_training(struct fixture f, size_t block, bool second) {
    struct safetensors *data = data_open("layers.safetensors");
    fixture_open(&f, data);
    struct batch_norm norm = norm_new(block, f.relu);
    float *x = packed(&norm.map, f.x), *residual = packed(&norm.map, f.residual);
    float *first = packed(&norm.map, f.dy), *half = packed(&norm.map, f.dy);
    float *mean = data_floats(data, f.name, "mean", NULL);
    float *variance = data_floats(data, f.name, "var", NULL);
    float *y = zeroed(FLOATS * sizeof(float)), *dx = zeroed(FLOATS * sizeof(float));
    float dw[CHANNELS], db[CHANNELS];
    for (size_t i = 0; second && i < FLOATS; i++) {
        half[i] = 0.25F * first[i];
        first[i] = 0.75F * first[i];
    }
    batch_norm_forward(&norm, x, f.add ? residual : NULL, f.w, f.b, mean, variance, y);
    const struct batch_norm_gradients gradients = {
        x, y, first, second ? half : NULL, f.add ? dx : first, dw, db};
    batch_norm_backward(&norm, f.add, f.w, &gradients);

    float *plain_y = unpacked(&norm.map, y), *plain_dx = unpacked(&norm.map, gradients.dx);
    float *plain_first = unpacked(&norm.map, first);
    assert_stored(data, f.name, "y", plain_y);
    assert_stored(data, f.name, "new_mean", mean);
    assert_stored(data, f.name, "new_var", variance);
    assert_stored(data, f.name, "dx", plain_dx);
    assert_stored(data, f.name, "dw", dw);
    assert_stored(data, f.name, "db", db);
    check_gradient(&f, X, "x", f.x, FLOATS, plain_dx);
    check_gradient(&f, WEIGHT, "weight", f.w, CHANNELS, dw);
    check_gradient(&f, BIAS, "bias", f.b, CHANNELS, db);
    if (f.add) {
        assert_stored(data, f.name, "dresidual", plain_first);
        check_gradient(&f, RESIDUAL, "residual", f.residual, FLOATS, plain_first);
    }
    float *all[] = {x, residual, first,   half,     mean,       variance,
                    y, dx,       plain_y, plain_dx, plain_first};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    norm_free(&norm);
    fixture_close(&f);
    safetensors_close(data);
}

static void check_blocks(struct fixture f) {
    for (size_t block = 1; block <= 16; block = block == 1 ? 8 : 2 * block) {
        check_training(f, block, false);
        check_training(f, block, true);
    }
}

static void batch_norm_alone_is_pytorchs(void **state) {
    (void)state;
    check_blocks((struct fixture){.name = "bn"});
}

static void batch_norm_with_relu_is_pytorchs(void **state) {
    (void)state;
    check_blocks((struct fixture){.name = "bn_relu", .relu = true});
}

static void batch_norm_with_addition_and_relu_is_pytorchs(void **state) {
    (void)state;
    check_blocks((struct fixture){.name = "bn_add_relu", .relu = true, .add = true});
}

static void check_evaluation(struct fixture f, size_t block) {
    struct safetensors *data = data_open("layers.safetensors");
    fixture_open(&f, data);
    struct batch_norm norm = norm_new(block, f.relu);
    float *x = packed(&norm.map, f.x), *residual = packed(&norm.map, f.residual);
    float *mean = data_floats(data, f.name, "mean", NULL);
    float *variance = data_floats(data, f.name, "var", NULL);
    batch_norm_evaluate(&norm, x, f.add ? residual : NULL, f.w, f.b, mean, variance, x);
    float *plain = unpacked(&norm.map, x);
    assert_stored(data, f.name, "y", plain);
    assert_stored(data, f.name, "mean", mean);
    assert_stored(data, f.name, "var", variance);
    float *all[] = {x, residual, mean, variance, plain};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    norm_free(&norm);
    fixture_close(&f);
    safetensors_close(data);
}

static void evaluation_uses_the_running_statistics_and_works_in_place(void **state) {
    (void)state;
    for (size_t block = 1; block <= 16; block = block == 1 ? 8 : 2 * block) {
        check_evaluation((struct fixture){.name = "bn_eval"}, block);
        check_evaluation((struct fixture){.name = "bn_eval_add_relu", .relu = true, .add = true},
                         block);
    }
}

/* Frozen: the statistics are constants, through which gradients pass scaled. */
static void check_frozen(struct fixture f, size_t block) {
    struct safetensors *data = data_open("layers.safetensors");
    fixture_open(&f, data);
    struct batch_norm norm = norm_new(block, f.relu);
    norm.frozen = true;
    float *x = packed(&norm.map, f.x), *residual = packed(&norm.map, f.residual);
    float *first = packed(&norm.map, f.dy), *mean = data_floats(data, f.name, "mean", NULL);
    float *variance = data_floats(data, f.name, "var", NULL);
    float *y = zeroed(FLOATS * sizeof(float)), *dx = zeroed(FLOATS * sizeof(float));
    batch_norm_evaluate(&norm, x, f.add ? residual : NULL, f.w, f.b, mean, variance, y);
    const struct batch_norm_gradients gradients = {.x = x, .y = y, .first = first, .dx = dx};
    batch_norm_backward(&norm, f.add, f.w, &gradients);
    float *plain_dx = unpacked(&norm.map, dx), *plain_first = unpacked(&norm.map, first);
    assert_stored(data, f.name, "dx", plain_dx);
    if (f.add)
        assert_stored(data, f.name, "dresidual", plain_first);
    float *all[] = {x, residual, first, mean, variance, y, dx, plain_dx, plain_first};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    norm_free(&norm);
    fixture_close(&f);
    safetensors_close(data);
}

static void a_frozen_batch_norm_passes_pytorchs_gradients(void **state) {
    (void)state;
    for (size_t block = 1; block <= 16; block = block == 1 ? 8 : 2 * block) {
        check_frozen((struct fixture){.name = "bn_eval"}, block);
        check_frozen((struct fixture){.name = "bn_eval_add_relu", .relu = true, .add = true},
                     block);
    }
}

/* float32 holds no more than 0.03 of 1e6 + noise: sums in float would lose the variance. */
static void a_large_mean_does_not_spoil_the_variance(void **state) {
    (void)state;
    struct batch_norm norm = norm_new(16, false);
    float x[FLOATS], y[FLOATS], w[CHANNELS], b[CHANNELS], mean[CHANNELS], variance[CHANNELS];
    double sum = 0, square = 0;
    for (int i = 0; i < FLOATS; i++)
        x[i] = 1e6F + (float)(i / CHANNELS % 7);
    for (int i = 0; i < COUNT * PIXELS; i++)
        sum += i % 7;
    for (int i = 0; i < COUNT * PIXELS; i++)
        square += (i % 7 - sum / (COUNT * PIXELS)) * (i % 7 - sum / (COUNT * PIXELS));
    for (int c = 0; c < CHANNELS; c++) {
        w[c] = 1;
        b[c] = 0;
        mean[c] = variance[c] = 0;
    }
    batch_norm_forward(&norm, x, NULL, w, b, mean, variance, y);
    for (int c = 0; c < CHANNELS; c++) {
        assert_float_equal(mean[c], 0.1F * 1e6F + 0.1F * (float)(sum / (COUNT * PIXELS)), 0.02F);
        assert_float_equal(variance[c], 0.1F * (float)(square / (COUNT * PIXELS - 1)), 1e-4F);
    }
    norm_free(&norm);
}

/* Of a map of two tiles and an odd number of pixels. */
enum { MANY = 32, TALL = 13, BROAD = 11, VALUES = COUNT * MANY * TALL * BROAD };

struct trained {
    float y[VALUES], dx[VALUES], residual[VALUES], dw[MANY], db[MANY], mean[MANY], variance[MANY];
};

static float *drawn_in_blocks(const struct map *map, const char *name) {
    static float plain[VALUES];
    drawn(name, VALUES, plain);
    return packed(map, plain);
}

static struct trained *train_in_blocks(size_t block) {
    struct trained *trained = zeroed(sizeof *trained);
    struct batch_norm norm = {.map = {COUNT, MANY, TALL, BROAD, block}, .relu = true};
    float *saved = zeroed(4 * MANY * sizeof(float)), w[MANY], b[MANY];
    norm.mean = saved;
    norm.inverse = saved + MANY;
    norm.scale = saved + 2 * MANY;
    norm.shift = saved + 3 * MANY;
    norm.partial = zeroed(batch_norm_partial(&norm.map));
    drawn("w", MANY, w);
    drawn("b", MANY, b);
    float *x = drawn_in_blocks(&norm.map, "x"), *residual = drawn_in_blocks(&norm.map, "residual");
    float *first = drawn_in_blocks(&norm.map, "first");
    float *second = drawn_in_blocks(&norm.map, "second");
    float *y = zeroed(VALUES * sizeof(float)), *dx = zeroed(VALUES * sizeof(float));
    batch_norm_forward(&norm, x, residual, w, b, trained->mean, trained->variance, y);
    const struct batch_norm_gradients gradients = {x,  y,           first,      second,
                                                   dx, trained->dw, trained->db};
    batch_norm_backward(&norm, true, w, &gradients);
    float *plain[] = {unpacked(&norm.map, y), unpacked(&norm.map, dx), unpacked(&norm.map, first)};
    memcpy(trained->y, plain[0], sizeof trained->y);
    memcpy(trained->dx, plain[1], sizeof trained->dx);
    memcpy(trained->residual, plain[2], sizeof trained->residual);
    float *all[] = {x, residual, first, second, y, dx, plain[0], plain[1], plain[2]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    norm_free(&norm);
    return trained;
}

/* What is summed in double, too, of which floats do not show the last digits. */
static void sums_are_the_same_in_blocks_of_8_and_of_16(void **state) {
    (void)state;
    enum { SMALL = 8, LARGE = 16, EACH = TALL * BROAD };
    static float x[EACH * LARGE], g[EACH * LARGE], small_x[EACH * SMALL], small_g[EACH * SMALL];
    const struct norm_lanes lanes = {.scale = {0}};
    double moments[2][2 * NORM_SUMS], products[2][2 * NORM_SUMS];
    drawn("x", EACH * LARGE, x);
    drawn("g", EACH * LARGE, g);
    for (size_t i = 0; i < EACH * LARGE; i++) /* so far apart that sums round */
        x[i] = ldexpf(x[i], (int)(i / LARGE * 7 % 41));
    for (size_t i = 0; i < EACH * SMALL; i++) {
        small_x[i] = x[i / SMALL * LARGE + i % SMALL];
        small_g[i] = g[i / SMALL * LARGE + i % SMALL];
    }
    norm_chunk_moments(small_x, EACH * SMALL, SMALL, moments[0]);
    norm_chunk_moments(x, EACH * LARGE, LARGE, moments[1]);
    norm_chunk_reduce(MASK_NONE, false, small_x, NULL, small_g, NULL, &lanes, EACH * SMALL, SMALL,
                      products[0]);
    norm_chunk_reduce(MASK_NONE, false, x, NULL, g, NULL, &lanes, EACH * LARGE, LARGE, products[1]);
    for (size_t i = 0; i < 2 * norm_sums(SMALL); i++) {
        size_t there = i / SMALL * LARGE + i % SMALL;
        assert_memory_equal(&moments[0][i], &moments[1][there], sizeof(double));
        assert_memory_equal(&products[0][i], &products[1][there], sizeof(double));
    }
}

/* Which is what a machine with AVX2 alone has and one with AVX-512. */
static void bits_are_the_same_in_blocks_of_8_and_of_16(void **state) {
    (void)state;
    struct trained *small = train_in_blocks(8), *large = train_in_blocks(16);
    assert_memory_equal(small, large, sizeof *small);
    free(small);
    free(large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm_alone_is_pytorchs),
        cmocka_unit_test(batch_norm_with_relu_is_pytorchs),
        cmocka_unit_test(batch_norm_with_addition_and_relu_is_pytorchs),
        cmocka_unit_test(evaluation_uses_the_running_statistics_and_works_in_place),
        cmocka_unit_test(a_frozen_batch_norm_passes_pytorchs_gradients),
        cmocka_unit_test(sums_are_the_same_in_blocks_of_8_and_of_16),
        cmocka_unit_test(bits_are_the_same_in_blocks_of_8_and_of_16),
        cmocka_unit_test(a_large_mean_does_not_spoil_the_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
