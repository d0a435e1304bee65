#include "tests/worker/nn/reference.h"

#include "worker/nn/cpu/pool.h"

struct fixture {
    const char *name;
    struct map from, to;
    const float *dy;
};

/* sum(dy * max_pool(x)), in double, from the definition. */
static double max_reference(const void *context, const double *x) {
    const struct fixture *f = context;
    double sum = 0;
    size_t planes = f->from.count * f->from.channels, pixels = f->to.height * f->to.width;
    for (size_t plane = 0; plane < planes; plane++)
        for (size_t i = 0; i < pixels; i++) {
            double best = -INFINITY;
            for (int t = 0; t < 9; t++) {
                long row = (long)(i / f->to.width) * 2 - 1 + t / 3;
                long column = (long)(i % f->to.width) * 2 - 1 + t % 3;
                if (row >= 0 && column >= 0 && row < (long)f->from.height &&
                    column < (long)f->from.width)
                    best = fmax(
                        best,
                        x[(plane * f->from.height + (size_t)row) * f->from.width + (size_t)column]);
            }
            sum += best * (double)f->dy[plane * pixels + i];
        }
    return sum;
}

static double average_reference(const void *context, const double *x) {
    const struct fixture *f = context;
    double sum = 0;
    size_t pixels = f->from.height * f->from.width;
    for (size_t plane = 0; plane < f->from.count * f->from.channels; plane++)
        for (size_t i = 0; i < pixels; i++)
            sum += x[plane * pixels + i] / (double)pixels * (double)f->dy[plane];
    return sum;
}

static void check_max(const char *name, size_t height, size_t width, size_t block, bool second,
                      bool differentiable) {
    struct safetensors *data = data_open("layers.safetensors");
    struct fixture f = {.name = name,
                        .from = {2, 16, height, width, block},
                        .to = {2, 16, (height + 1) / 2, (width + 1) / 2, block}};
    float *plain_x = data_floats(data, name, "x", NULL);
    float *plain_dy = data_floats(data, name, "dy", NULL);
    float *x = packed(&f.from, plain_x), *dy = packed(&f.to, plain_dy);
    float *half = packed(&f.to, plain_dy);
    float *y = zeroed(map_floats(&f.to) * sizeof(float));
    float *dx = zeroed(map_floats(&f.from) * sizeof(float));
    uint8_t *taps = zeroed(map_floats(&f.to));
    for (size_t i = 0; second && i < map_floats(&f.to); i++) {
        half[i] = 0.25F * dy[i];
        dy[i] = 0.75F * dy[i];
    }
    max_pool_forward(&f.from, &f.to, x, y, taps);
    max_pool_backward(&f.from, &f.to, dy, second ? half : NULL, taps, dx);
    float *got_y = unpacked(&f.to, y), *got_dx = unpacked(&f.from, dx);
    assert_stored(data, name, "y", got_y);
    assert_stored(data, name, "dx", got_dx);
    f.dy = plain_dy;
    if (differentiable)
        assert_gradient("x", (struct scalar){max_reference, &f}, plain_x, map_floats(&f.from),
                        got_dx, 1e-5);
    float *all[] = {plain_x, plain_dy, x, dy, half, y, dx, got_y, got_dx};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(taps);
    safetensors_close(data);
}

static void the_maximum_and_its_gradient_are_pytorchs(void **state) {
    (void)state;
    for (size_t block = 1; block <= 16; block = block == 1 ? 8 : 2 * block) {
        check_max("max_pool", 7, 6, block, false, true);
        check_max("max_pool", 7, 6, block, true, true);
    }
}

static void of_equal_values_the_first_takes_the_gradient(void **state) {
    (void)state;
    for (size_t block = 1; block <= 16; block = block == 1 ? 8 : 2 * block)
        check_max("max_pool_ties", 5, 8, block, false, false);
}

static void the_average_and_its_gradient_are_pytorchs(void **state) {
    (void)state;
    for (size_t block = 1; block <= 16; block = block == 1 ? 8 : 2 * block) {
        struct safetensors *data = data_open("layers.safetensors");
        struct fixture f = {.name = "average_pool", .from = {2, 16, 3, 5, block}};
        float *plain_x = data_floats(data, f.name, "x", NULL);
        float *dy = data_floats(data, f.name, "dy", NULL), y[32];
        float *x = packed(&f.from, plain_x), *dx = zeroed(map_floats(&f.from) * sizeof(float));
        average_pool_forward(&f.from, x, y);
        average_pool_backward(&f.from, dy, dx);
        float *got_dx = unpacked(&f.from, dx);
        assert_stored(data, f.name, "y", y);
        assert_stored(data, f.name, "dx", got_dx);
        f.dy = dy;
        assert_gradient("x", (struct scalar){average_reference, &f}, plain_x, map_floats(&f.from),
                        got_dx, 1e-5);
        float *all[] = {plain_x, dy, x, dx, got_dx};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            free(all[i]);
        safetensors_close(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_maximum_and_its_gradient_are_pytorchs),
        cmocka_unit_test(of_equal_values_the_first_takes_the_gradient),
        cmocka_unit_test(the_average_and_its_gradient_are_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
