/* Windows as rows, beside a plain loop over the window; and the largest of each, beside PyTorch's.
 */
#include "tests/worker/nn/reference.h"

#include "worker/nn/cuda/pool_kernels.h"
#include "worker/nn/cuda/window_kernels.h"

static struct window_rows map_of(enum element element, unsigned count, unsigned height,
                                 unsigned width, unsigned channels, unsigned kernel,
                                 unsigned stride, unsigned padding) {
    return (struct window_rows){.element = element,
                                .count = count,
                                .height = height,
                                .width = width,
                                .channels = channels,
                                .to_height = (height + 2 * padding - kernel) / stride + 1,
                                .to_width = (width + 2 * padding - kernel) / stride + 1,
                                .kernel = kernel,
                                .stride = stride,
                                .padding = padding};
}

/* Value `value` of the row at (row, column) of a picture. */
static float expected(const struct window_rows *a, const float *values, size_t picture, size_t row,
                      size_t column, size_t value) {
    size_t channel = value % a->channels, tap = value / a->channels;
    size_t y = row * a->stride + tap / a->kernel, x = column * a->stride + tap % a->kernel;
    if (tap >= (size_t)a->kernel * a->kernel || y < a->padding || y - a->padding >= a->height ||
        x < a->padding || x - a->padding >= a->width)
        return 0;
    y -= a->padding;
    x -= a->padding;
    return element_rounded(
        a->element, values[((picture * a->height + y) * a->width + x) * a->channels + channel]);
}

static void check(struct window_rows a) {
    size_t values = (size_t)a.count * a.height * a.width * a.channels;
    size_t row_values = window_row(a.element, a.kernel * a.kernel, a.channels), at = 0;
    size_t rows = (size_t)a.count * a.to_height * a.to_width;
    float *drawn_values = zeroed(values * sizeof(float));
    char *from = zeroed(values * element_bytes(a.element) + PACK_BYTES);
    char *to = zeroed(rows * row_values * element_bytes(a.element));
    drawn("values", values, drawn_values);
    for (size_t i = 0; i < values; i++)
        element_store(from, a.element, i, drawn_values[i]);
    memset(from + values * element_bytes(a.element), 0xff, PACK_BYTES); /* what stands behind */
    memset(to, 0xff, rows * row_values * element_bytes(a.element));
    a.from = from;
    a.to = to;
    assert_int_equal(row_values % pack_width(a.element), 0);
    for (size_t thread = window_threads(&a); thread-- > 0;)
        window_rows(&a, thread);
    for (size_t picture = 0; picture < a.count; picture++)
        for (size_t row = 0; row < a.to_height; row++)
            for (size_t column = 0; column < a.to_width; column++)
                for (size_t value = 0; value < row_values; value++, at++) {
                    float found = element_load(to, a.element, at);
                    float wanted = expected(&a, drawn_values, picture, row, column, value);
                    if (found != wanted)
                        fail_msg("picture %zu, row %zu, column %zu, value %zu: %g, not %g", picture,
                                 row, column, value, (double)found, (double)wanted);
                }
    free(drawn_values);
    free(from);
    free(to);
}

/* Both elements; pictures in groups that are not full. */
static void check_all(unsigned height, unsigned width, unsigned channels, unsigned kernel,
                      unsigned stride, unsigned padding) {
    for (unsigned count = 1; count <= WINDOW_PICTURES + 1; count += WINDOW_PICTURES) {
        check(map_of(ELEMENT_F32, count, height, width, channels, kernel, stride, padding));
        check(map_of(ELEMENT_BF16, count, height, width, channels, kernel, stride, padding));
    }
}

static void the_stems_windows_become_rows(void **state) {
    (void)state;
    check_all(32, 32, 3, 7, 2, 3);
    check_all(33, 41, 3, 7, 2, 3); /* no picture begins with a pack */
}

static void other_windows_become_rows(void **state) {
    (void)state;
    check_all(13, 9, 3, 3, 1, 1);
    check_all(17, 23, 5, 5, 3, 2);
    check_all(11, 7, 3, 4, 4, 0);
}

/* A pack then takes from more than two lines. */
static void small_windows_become_rows(void **state) {
    (void)state;
    check_all(9, 11, 1, 2, 1, 1);
    check_all(9, 11, 3, 1, 2, 0);
    check_all(6, 5, 1, 3, 1, 2);
}

static void a_window_larger_than_the_picture_becomes_rows(void **state) {
    (void)state;
    check_all(1, 1, 3, 7, 2, 3);
    check_all(2, 3, 3, 7, 2, 3);
}

static void a_row_ends_with_a_whole_pack(void **state) {
    (void)state;
    assert_int_equal(window_row(ELEMENT_BF16, 49, 3), 152);
    assert_int_equal(window_row(ELEMENT_F32, 49, 3), 148);
    assert_int_equal(window_row(ELEMENT_BF16, 9, 64), 576); /* nothing to pad */
}

/* Pixels with all their channels side by side are one block of them. */
static void check_pool(const char *name, size_t height, size_t width) {
    enum { COUNT = 2, CHANNELS = 16, PACK = 4 };
    struct safetensors *data = data_open("layers.safetensors");
    const struct map from = {COUNT, CHANNELS, height, width, CHANNELS};
    const struct map to = {COUNT, CHANNELS, (height + 1) / 2, (width + 1) / 2, CHANNELS};
    const struct pool_map map = {
        (unsigned)height,   (unsigned)width, (unsigned)to.height,
        (unsigned)to.width, CHANNELS,        ELEMENT_F32,
    };
    float *plain_x = data_floats(data, name, "x", NULL);
    float *plain_dy = data_floats(data, name, "dy", NULL);
    float *x = packed(&from, plain_x), *dy = packed(&to, plain_dy);
    float *y = zeroed(map_floats(&to) * sizeof *y), *dx = zeroed(map_floats(&from) * sizeof *dx);
    uint8_t *taps = zeroed(map_floats(&to));
    const struct pool_max forward = {map, x, y, taps};
    const struct pool_max_back backward = {map, dy, NULL, taps, dx};
    for (size_t thread = 0; thread < map_floats(&to) / PACK; thread++)
        pool_max(&forward, thread);
    for (size_t thread = 0; thread < map_floats(&from) / PACK; thread++)
        pool_max_back(&backward, thread);
    float *got_y = unpacked(&to, y), *got_dx = unpacked(&from, dx);
    assert_stored(data, name, "y", got_y);
    assert_stored(data, name, "dx", got_dx);
    float *all[] = {plain_x, plain_dy, x, dy, y, dx, got_y, got_dx};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(taps);
    safetensors_close(data);
}

static void of_equal_values_the_first_takes_the_gradient(void **state) {
    (void)state;
    check_pool("max_pool", 7, 6);
    check_pool("max_pool_ties", 5, 8);
}

static void what_is_no_number_wins(void **state) {
    (void)state;
    const float x[] = {1, 2, 3, 4, 5, NAN, 6, -1};
    const struct pool_max forward = {{2, 1, 1, 1, 4, ELEMENT_F32}, x, (float[4]){0}, NULL};
    pool_max(&forward, 0);
    const float *y = forward.y;
    assert_true(y[0] == 5 && isnan(y[1]) && y[2] == 6 && y[3] == 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stems_windows_become_rows),
        cmocka_unit_test(other_windows_become_rows),
        cmocka_unit_test(small_windows_become_rows),
        cmocka_unit_test(a_window_larger_than_the_picture_becomes_rows),
        cmocka_unit_test(a_row_ends_with_a_whole_pack),
        cmocka_unit_test(of_equal_values_the_first_takes_the_gradient),
        cmocka_unit_test(what_is_no_number_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
