#include "worker/nn/cpu/pool.h"

#include <math.h>
#include <stdbool.h>

enum { KERNEL = 3, STRIDE = 2, PADDING = 1 };

/* ---- kernels: one plane (a picture's block of channels) each ---- */

/* The loops over lanes ask for vectors: GCC would unroll loops as short as that before it thinks
 * of them. Taps are as wide as floats while they are compared. */

SIMD_INLINE void max_tap(const float *input, int32_t here, size_t block, float *best,
                         int32_t *tap) {
#pragma omp simd
    for (size_t lane = 0; lane < block; lane++) {
        bool wins = !(input[lane] <= best[lane]); /* NaN wins, as in PyTorch */
        best[lane] = wins ? input[lane] : best[lane];
        tap[lane] = wins ? here : tap[lane];
    }
}

/* The taps of one side that lie in the input: from `first` to `end`. */
struct taps {
    size_t first, end;
};

SIMD_INLINE struct taps taps_inside(size_t output, size_t side) {
    size_t left = side + PADDING - output * STRIDE;
    return (struct taps){output == 0 ? PADDING : 0, left < KERNEL ? left : KERNEL};
}

SIMD_INLINE void max_window(const struct map *from, size_t block, const float *input, size_t row,
                            size_t column, struct taps down, struct taps across, float *best,
                            int32_t *tap) {
    for (size_t i = down.first; i < down.end; i++)
        for (size_t j = across.first; j < across.end; j++) {
            size_t y = row * STRIDE + i - PADDING, x = column * STRIDE + j - PADDING;
            max_tap(input + (y * from->width + x) * block, (int32_t)(i * KERNEL + j), block, best,
                    tap);
        }
}

SIMD_INLINE void max_plane(const struct map *from, const struct map *to, size_t block,
                           const float *input, float *output, uint8_t *taps) {
    for (size_t row = 0; row < to->height; row++)
        for (size_t column = 0; column < to->width; column++) {
            struct taps down = taps_inside(row, from->height);
            struct taps across = taps_inside(column, from->width);
            size_t at = (row * to->width + column) * block;
            float best[LANES];
            int32_t tap[LANES];
            for (size_t lane = 0; lane < block; lane++) {
                best[lane] = -INFINITY;
                tap[lane] = 0;
            }
            if (down.end - down.first == KERNEL && across.end - across.first == KERNEL)
                max_window(from, block, input, row, column, (struct taps){0, KERNEL},
                           (struct taps){0, KERNEL}, best, tap); /* unrolled */
            else
                max_window(from, block, input, row, column, down, across, best, tap);
#pragma omp simd
            for (size_t lane = 0; lane < block; lane++)
                output[at + lane] = best[lane];
            if (taps != NULL)
#pragma omp simd
                for (size_t lane = 0; lane < block; lane++)
                    taps[at + lane] = (uint8_t)tap[lane];
        }
}

SIMD_CLONES static void plane_max(const struct map *from, const struct map *to, const float *input,
                                  float *output, uint8_t *taps) {
    if (from->block == 16)
        max_plane(from, to, 16, input, output, taps);
    else if (from->block == 8)
        max_plane(from, to, 8, input, output, taps);
    else
        max_plane(from, to, 1, input, output, taps);
}

/* What an output hands back, and the tap of its window that gets it. */
struct share {
    float value[LANES];
    int32_t tap[LANES];
};

/* Of an output beyond the edge no tap gets anything. */
SIMD_INLINE void share_read(const struct map *to, size_t block, size_t row, size_t column,
                            const float *first, const float *second, const uint8_t *taps,
                            struct share *share) {
    bool there = row < to->height && column < to->width;
    size_t at = there ? (row * to->width + column) * block : 0;
#pragma omp simd
    for (size_t lane = 0; lane < block; lane++)
        share->value[lane] =
            second == NULL ? first[at + lane] : first[at + lane] + second[at + lane];
#pragma omp simd
    for (size_t lane = 0; lane < block; lane++)
        share->tap[lane] = there ? taps[at + lane] : KERNEL * KERNEL;
}

SIMD_INLINE void share_take(const struct share *share, int32_t tap, size_t block, float *sum) {
#pragma omp simd
    for (size_t lane = 0; lane < block; lane++)
        sum[lane] += share->tap[lane] == tap ? share->value[lane] : 0;
}

/* Gathers: each input sums the outputs whose window it won. The four inputs from (STRIDE row,
 * STRIDE column) on lie in the windows of the four outputs from (row, column) on alone. */
SIMD_INLINE void max_plane_backward(const struct map *from, const struct map *to, size_t block,
                                    const float *first, const float *second, const uint8_t *taps,
                                    float *gradient) {
    static const struct {
        unsigned char input, output, tap;
    } windows[] = {{0, 0, 4}, {1, 0, 5}, {1, 1, 3}, {2, 0, 7}, {2, 2, 1},
                   {3, 0, 8}, {3, 1, 6}, {3, 2, 2}, {3, 3, 0}};
    for (size_t row = 0; row < to->height; row++)
        for (size_t column = 0; column < to->width; column++) {
            struct share shares[STRIDE * STRIDE];
            float sums[STRIDE * STRIDE][LANES] = {{0}};
            for (size_t i = 0; i < STRIDE * STRIDE; i++)
                share_read(to, block, row + i / STRIDE, column + i % STRIDE, first, second, taps,
                           &shares[i]);
            for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
                share_take(&shares[windows[i].output], windows[i].tap, block,
                           sums[windows[i].input]);
            for (size_t i = 0; i < STRIDE * STRIDE; i++) {
                size_t y = row * STRIDE + i / STRIDE, x = column * STRIDE + i % STRIDE;
                if (y >= from->height || x >= from->width)
                    continue;
#pragma omp simd
                for (size_t lane = 0; lane < block; lane++)
                    gradient[(y * from->width + x) * block + lane] = sums[i][lane];
            }
        }
}

SIMD_CLONES static void plane_max_backward(const struct map *from, const struct map *to,
                                           const float *first, const float *second,
                                           const uint8_t *taps, float *gradient) {
    if (from->block == 16 && second != NULL)
        max_plane_backward(from, to, 16, first, second, taps, gradient);
    else if (from->block == 8 && second != NULL)
        max_plane_backward(from, to, 8, first, second, taps, gradient);
    else
        max_plane_backward(from, to, from->block, first, second, taps, gradient);
}

/* Sums of one plane's channels, into `block` floats. */
SIMD_CLONES static void plane_average(const float *input, size_t pixels, size_t block,
                                      float *output) {
    double sum[LANES] = {0};
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (size_t lane = 0; lane < block; lane++)
            sum[lane] += (double)input[pixel * block + lane];
    for (size_t lane = 0; lane < block; lane++)
        output[lane] = (float)(sum[lane] / (double)pixels);
}

/* ---- whole maps ---- */

void max_pool_forward(const struct map *from, const struct map *to, const float *input,
                      float *output, uint8_t *taps) {
#pragma omp parallel for schedule(static) collapse(2)
    for (size_t picture = 0; picture < from->count; picture++)
        for (size_t block = 0; block < map_blocks(from); block++) {
            size_t out = map_at(to, picture, block);
            plane_max(from, to, input + map_at(from, picture, block), output + out,
                      taps == NULL ? NULL : taps + out);
        }
}

void max_pool_backward(const struct map *from, const struct map *to, const float *first,
                       const float *second, const uint8_t *taps, float *input_gradient) {
#pragma omp parallel for schedule(static) collapse(2)
    for (size_t picture = 0; picture < from->count; picture++)
        for (size_t block = 0; block < map_blocks(from); block++) {
            size_t out = map_at(to, picture, block);
            plane_max_backward(from, to, first + out, second == NULL ? NULL : second + out,
                               taps + out, input_gradient + map_at(from, picture, block));
        }
}

void average_pool_forward(const struct map *from, const float *input, float *output) {
#pragma omp parallel for schedule(static) collapse(2)
    for (size_t picture = 0; picture < from->count; picture++)
        for (size_t block = 0; block < map_blocks(from); block++)
            plane_average(input + map_at(from, picture, block), from->height * from->width,
                          from->block, output + picture * from->channels + block * from->block);
}

void average_pool_backward(const struct map *from, const float *output_gradient,
                           float *input_gradient) {
    size_t pixels = from->height * from->width;
#pragma omp parallel for schedule(static) collapse(2)
    for (size_t picture = 0; picture < from->count; picture++)
        for (size_t block = 0; block < map_blocks(from); block++) {
            const float *gradient =
                output_gradient + picture * from->channels + block * from->block;
            float *out = input_gradient + map_at(from, picture, block);
            for (size_t pixel = 0; pixel < pixels; pixel++)
                for (size_t lane = 0; lane < from->block; lane++)
                    out[pixel * from->block + lane] = gradient[lane] / (float)pixels;
        }
}
