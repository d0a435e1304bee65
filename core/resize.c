#include "core/resize.h"

#include "core/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_BITS = 32 - 8 - 2 }; /* Pillow's PRECISION_BITS: 8 bits of pixel, 2 to spare */

typedef int32_t lanes __attribute__((vector_size(16))); /* one pixel: R, G, B, unused */
typedef uint8_t byte_lanes __attribute__((vector_size(4)));

/* How one axis is resampled: output i is the sum over t of weights[i * taps + t] times input
 * first[i] + t. Outputs that need fewer than `taps` inputs have zero weights behind theirs. */
struct axis {
    size_t taps;
    int *first, *used;
    int32_t *weights;
};

static void axis_free(struct axis *axis) {
    free(axis->first);
    free(axis->used);
    free(axis->weights);
}

static double triangle(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* The weights of output `i`, as Pillow's precompute_coeffs and normalize_coeffs_8bpc compute them.
 */
static void axis_fill(struct axis *axis, double *exact, int from, int to, int i) {
    double scale = (double)from / to, filter_scale = scale < 1.0 ? 1.0 : scale;
    double center = (i + 0.5) * scale, reciprocal = 1.0 / filter_scale;
    int first = (int)(center - filter_scale + 0.5), end = (int)(center + filter_scale + 0.5);
    first = first < 0 ? 0 : first;
    end = end > from ? from : end;
    int used = end - first;
    double sum = 0.0;
    for (int t = 0; t < used; t++) {
        exact[t] = triangle((t + first - center + 0.5) * reciprocal);
        sum += exact[t];
    }
    axis->first[i] = first;
    axis->used[i] = used;
    int32_t *weights = axis->weights + (size_t)i * axis->taps;
    for (int t = 0; t < used; t++) {
        double weight = sum != 0.0 ? exact[t] / sum : exact[t];
        weights[t] = (int32_t)(0.5 + weight * (1 << WEIGHT_BITS));
    }
}

static bool axis_make(struct axis *axis, int from, int to, struct error *error) {
    double scale = (double)from / to;
    axis->taps = (size_t)ceil(scale < 1.0 ? 1.0 : scale) * 2 + 1;
    axis->first = malloc((size_t)to * sizeof *axis->first);
    axis->used = malloc((size_t)to * sizeof *axis->used);
    axis->weights = calloc((size_t)to * axis->taps, sizeof *axis->weights);
    double *exact = malloc(axis->taps * sizeof *exact);
    bool done = axis->first != NULL && axis->used != NULL && axis->weights != NULL && exact != NULL;
    for (int i = 0; done && i < to; i++)
        axis_fill(axis, exact, from, to, i);
    free(exact);
    return done || error_set(error, ERROR_FAILED, "no memory to resize a picture");
}

/* One row along x. `wide` has the row's pixels in four int32 each and `taps` pixels to spare; `out`
 * has one byte to spare. */
SIMD_CLONES
static void resample_row(const struct axis *axis, const uint8_t *row, int from, lanes *wide, int to,
                         uint8_t *out) {
    for (int x = 0; x < from; x++)
        wide[x] = (lanes){row[3 * x], row[3 * x + 1], row[3 * x + 2], 0};
    const int32_t *weights = axis->weights;
    size_t taps = axis->taps;
    for (int x = 0; x < to; x++, weights += taps) {
        const lanes *pixel = wide + axis->first[x];
        int32_t half = 1 << (WEIGHT_BITS - 1);
        lanes sum = {half, half, half, half};
        for (int t = 0; t < axis->used[x]; t++)
            sum += pixel[t] * weights[t];
        sum >>= WEIGHT_BITS;
        lanes over = sum > 255; /* all ones where it is */
        sum = (sum & ~over) | (over & 255);
        byte_lanes bytes = __builtin_convertvector(sum, byte_lanes);
        memcpy(out + 3 * x, &bytes, 4);
    }
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

/* Scratch memory of one resize: rows already resampled along x wait in a ring until the rows that
 * need them are done, so that the picture in between never exists and the work stays in the cache.
 */
struct scratch {
    lanes *wide;
    uint8_t *ring;
    int32_t *sum;
    size_t ring_rows, ring_stride;
};

static bool scratch_make(struct scratch *scratch, const struct axis *across,
                         const struct axis *down, int from_width, int to_width,
                         struct error *error) {
    scratch->ring_rows = down->taps;
    scratch->ring_stride = 3 * (size_t)to_width + 1;
    size_t wide_bytes = ((size_t)from_width + across->taps) * sizeof *scratch->wide;
    scratch->wide = aligned_alloc(sizeof *scratch->wide, wide_bytes);
    scratch->ring = malloc(scratch->ring_rows * scratch->ring_stride);
    scratch->sum = malloc(3 * (size_t)to_width * sizeof *scratch->sum);
    if (scratch->wide == NULL || scratch->ring == NULL || scratch->sum == NULL)
        return error_set(error, ERROR_FAILED, "no memory to resize a picture");
    for (size_t i = 0; i < 3 * (size_t)to_width; i++)
        scratch->sum[i] = 1 << (WEIGHT_BITS - 1);
    return true;
}

static void scratch_free(struct scratch *scratch) {
    free(scratch->wide);
    free(scratch->ring);
    free(scratch->sum);
}

static void resample(const struct image *from, const struct axis *across, const struct axis *down,
                     struct scratch *scratch, struct image *to) {
    size_t count = 3 * (size_t)to->width;
    int next = down->first[0]; /* the first row not yet in the ring */
    for (int y = 0; y < to->height; y++) {
        int first = down->first[y], end = first + down->used[y];
        for (; next < end; next++)
            resample_row(across, from->pixels + 3 * (size_t)next * (size_t)from->width, from->width,
                         scratch->wide, to->width,
                         scratch->ring + (size_t)next % scratch->ring_rows * scratch->ring_stride);
        for (int t = 0; t < down->used[y]; t++)
            add_row(scratch->sum,
                    scratch->ring + (size_t)(first + t) % scratch->ring_rows * scratch->ring_stride,
                    down->weights[(size_t)y * down->taps + (size_t)t], count);
        finish_row(scratch->sum, to->pixels + (size_t)y * count, count);
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
                scratch_make(&scratch, &across, &down, from->width, width, error);
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
    int other = scaled > IMAGE_SIDE_MAX ? IMAGE_SIDE_MAX + 1 : (int)scaled;
    *new_width = width <= height ? shorter : other;
    *new_height = width <= height ? other : shorter;
}
