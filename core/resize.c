#include "core/resize.h"

#include "core/simd.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_BITS = 32 - 8 - 2 }; /* Pillow's PRECISION_BITS: 8 bits of pixel, 2 to spare */

typedef int32_t lanes __attribute__((vector_size(16))); /* one pixel: R, G, B, unused */
typedef uint8_t bytes __attribute__((vector_size(16)));

/* How one axis is resampled: output i is the sum over t < taps of weights[i * taps + t] times input
 * first[i] + t, all of them inside the picture. Outputs that need fewer inputs have zero weights
 * behind theirs, or before them at the picture's end. */
struct axis {
    size_t taps;
    int *first;
    int32_t *weights;
};

static void axis_free(struct axis *axis) {
    free(axis->first);
    free(axis->weights);
}

static double triangle(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* The inputs that output `i` of `to` needs, as Pillow's precompute_coeffs finds them. */
static int inputs_of(int i, int from, int to, int *first) {
    double scale = (double)from / to, reach = scale < 1.0 ? 1.0 : scale;
    double center = (i + 0.5) * scale;
    int begin = (int)(center - reach + 0.5), end = (int)(center + reach + 0.5);
    *first = begin < 0 ? 0 : begin;
    return (end > from ? from : end) - *first;
}

/* The weights of output `i`, as precompute_coeffs and normalize_coeffs_8bpc compute them. */
static void axis_fill(struct axis *axis, double *exact, int from, int to, int i) {
    double scale = (double)from / to, reciprocal = 1.0 / (scale < 1.0 ? 1.0 : scale);
    double center = (i + 0.5) * scale, sum = 0.0;
    int first, used = inputs_of(i, from, to, &first);
    for (int t = 0; t < used; t++) {
        exact[t] = triangle((t + first - center + 0.5) * reciprocal);
        sum += exact[t];
    }
    int beyond = first + (int)axis->taps - from, back = beyond > 0 ? beyond : 0;
    axis->first[i] = first - back;
    int32_t *weights = axis->weights + (size_t)i * axis->taps + back;
    for (int t = 0; t < used; t++) {
        double weight = sum != 0.0 ? exact[t] / sum : exact[t];
        weights[t] = (int32_t)(0.5 + weight * (1 << WEIGHT_BITS));
    }
}

static bool axis_make(struct axis *axis, int from, int to, struct error *error) {
    assert(from > 0 && to > 0);
    int first, most = 1;
    for (int i = 0; i < to; i++) {
        int used = inputs_of(i, from, to, &first);
        most = used > most ? used : most;
    }
    axis->taps = (size_t)most;
    axis->first = malloc((size_t)to * sizeof *axis->first);
    axis->weights = calloc((size_t)to * axis->taps, sizeof *axis->weights);
    double *exact = malloc(axis->taps * sizeof *exact);
    bool done = axis->first != NULL && axis->weights != NULL && exact != NULL;
    for (int i = 0; done && i < to; i++)
        axis_fill(axis, exact, from, to, i);
    free(exact);
    return done || error_machine(error, "no memory to resize a picture");
}

/* Each pixel of a row in four int32. It is read as four bytes: `row` has one to spare. */
SIMD_INLINE void widen(const uint8_t *row, size_t count, lanes *wide) {
    for (size_t x = 0; x < count; x++) {
        uint32_t pixel;
        memcpy(&pixel, row + 3 * x, sizeof pixel);
        bytes narrow = (bytes)(lanes){(int32_t)pixel, 0, 0, 0};
        wide[x] = (lanes)__builtin_shufflevector(narrow, narrow, 0, 4, 4, 4, 1, 4, 4, 4, 2, 4, 4, 4,
                                                 4, 4, 4, 4);
    }
}

/* One row along x; four bytes are written a pixel: `out` has one to spare. With `taps` a constant
 * the compiler unrolls the inner loop, which is most of the work. */
SIMD_INLINE void resample_taps(const struct axis *axis, const lanes *wide, size_t to, uint8_t *out,
                               size_t taps) {
    const int32_t *weights = axis->weights;
    for (size_t x = 0; x < to; x++, weights += taps) {
        const lanes *pixel = wide + axis->first[x];
        int32_t half = 1 << (WEIGHT_BITS - 1);
        lanes sum = {half, half, half, half};
        for (size_t t = 0; t < taps; t++)
            sum += pixel[t] * weights[t];
        sum >>= WEIGHT_BITS;
        lanes over = sum > 255; /* all ones where it is */
        sum = (sum & ~over) | (over & 255);
        lanes narrow = (lanes)__builtin_shufflevector((bytes)sum, (bytes)sum, 0, 4, 8, 12, 0, 4, 8,
                                                      12, 0, 4, 8, 12, 0, 4, 8, 12);
        memcpy(out + 3 * x, &narrow, 4);
    }
}

SIMD_CLONES
static void resample_row(const struct axis *axis, const uint8_t *row, size_t from, lanes *wide,
                         size_t to, uint8_t *out) {
    widen(row, from, wide);
    if (axis->taps == 2)
        resample_taps(axis, wide, to, out, 2);
    else if (axis->taps == 3)
        resample_taps(axis, wide, to, out, 3);
    else if (axis->taps == 4)
        resample_taps(axis, wide, to, out, 4);
    else
        resample_taps(axis, wide, to, out, axis->taps);
}

SIMD_CLONES
static void add_row(int32_t *restrict sum, const uint8_t *restrict row, int32_t weight,
                    size_t count) {
    for (size_t i = 0; i < count; i++)
        sum[i] += row[i] * weight;
}

SIMD_CLONES
static void finish_row(int32_t *restrict sum, uint8_t *restrict out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int32_t value = sum[i] >> WEIGHT_BITS;
        out[i] = (uint8_t)(value > 255 ? 255 : value);
        sum[i] = 1 << (WEIGHT_BITS - 1);
    }
}

/* Scratch memory of one resize. Rows already resampled along x wait in a ring until the rows that
 * need them are done, so that the picture in between never exists and the work stays in the cache.
 */
struct scratch {
    uint8_t *last; /* the last row, with a byte to spare */
    lanes *wide;
    uint8_t *ring;
    int32_t *sum;
    size_t ring_stride;
};

static bool scratch_make(struct scratch *scratch, const struct image *from, int width,
                         size_t ring_rows, struct error *error) {
    size_t row_bytes = 3 * (size_t)from->width, count = 3 * (size_t)width;
    scratch->ring_stride = count + 1;
    scratch->last = malloc(row_bytes + 1);
    scratch->wide = aligned_alloc(sizeof(lanes), (size_t)from->width * sizeof(lanes));
    scratch->ring = malloc(ring_rows * scratch->ring_stride);
    scratch->sum = malloc(count * sizeof *scratch->sum);
    if (scratch->last == NULL || scratch->wide == NULL || scratch->ring == NULL ||
        scratch->sum == NULL)
        return error_machine(error, "no memory to resize a picture");
    memcpy(scratch->last, from->pixels + row_bytes * (size_t)(from->height - 1), row_bytes);
    scratch->last[row_bytes] = 0;
    for (size_t i = 0; i < count; i++)
        scratch->sum[i] = 1 << (WEIGHT_BITS - 1);
    return true;
}

static void scratch_free(struct scratch *scratch) {
    free(scratch->last);
    free(scratch->wide);
    free(scratch->ring);
    free(scratch->sum);
}

static void resample(const struct image *from, const struct axis *across, const struct axis *down,
                     struct scratch *scratch, struct image *to) {
    size_t count = 3 * (size_t)to->width, next = 0; /* next: the first row not yet in the ring */
    for (size_t y = 0; y < (size_t)to->height; y++) {
        size_t first = (size_t)down->first[y];
        for (; next < first + down->taps; next++) {
            const uint8_t *row = next + 1 < (size_t)from->height
                                     ? from->pixels + 3 * next * (size_t)from->width
                                     : scratch->last;
            resample_row(across, row, (size_t)from->width, scratch->wide, (size_t)to->width,
                         scratch->ring + next % down->taps * scratch->ring_stride);
        }
        for (size_t t = 0; t < down->taps; t++) {
            int32_t weight = down->weights[y * down->taps + t];
            if (weight != 0)
                add_row(scratch->sum,
                        scratch->ring + (first + t) % down->taps * scratch->ring_stride, weight,
                        count);
        }
        finish_row(scratch->sum, to->pixels + y * count, count);
    }
}

bool resize_bilinear(const struct image *from, int width, int height, struct image *to,
                     struct error *error) {
    *to = (struct image){0};
    if (width == from->width && height == from->height)
        return image_copy(from, to, error);
    struct axis across = {0}, down = {0};
    struct scratch scratch = {0};
    bool done = image_new(to, width, height, error) &&
                axis_make(&across, from->width, width, error) &&
                axis_make(&down, from->height, height, error) &&
                scratch_make(&scratch, from, width, down.taps, error);
    if (done)
        resample(from, &across, &down, &scratch, to);
    else
        image_free(to);
    scratch_free(&scratch);
    axis_free(&down);
    axis_free(&across);
    return done;
}

void resize_shorter(int width, int height, int shorter, int *new_width, int *new_height) {
    int64_t longer = width > height ? width : height, least = width > height ? height : width;
    int64_t scaled = shorter * longer / least;
    int other = scaled > INT_MAX ? INT_MAX : (int)scaled; /* too large is refused later */
    *new_width = width <= height ? shorter : other;
    *new_height = width <= height ? other : shorter;
}
