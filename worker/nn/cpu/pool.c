#include "worker/nn/cpu/pool.h"

#include <math.h>

enum { KERNEL = 3, STRIDE = 2, PADDING = 1 };

/* ---- kernels: one plane (a picture's block of channels) each ---- */

static inline __attribute__((always_inline)) void max_plane(const struct map *from,
                                                            const struct map *to, size_t block,
                                                            const float *input, float *output,
                                                            uint8_t *taps) {
    for (size_t row = 0; row < to->height; row++)
        for (size_t column = 0; column < to->width; column++) {
            float best[LANES];
            uint8_t tap[LANES];
            for (size_t lane = 0; lane < block; lane++) {
                best[lane] = -INFINITY;
                tap[lane] = 0;
            }
            for (size_t i = 0; i < KERNEL * KERNEL; i++) {
                size_t y = row * STRIDE + i / KERNEL, x = column * STRIDE + i % KERNEL;
                if (y < PADDING || x < PADDING || y - PADDING >= from->height ||
                    x - PADDING >= from->width)
                    continue;
                const float *in = input + ((y - PADDING) * from->width + (x - PADDING)) * block;
                for (size_t lane = 0; lane < block; lane++) {
                    bool wins = !(in[lane] <= best[lane]); /* NaN wins, as in PyTorch */
                    best[lane] = wins ? in[lane] : best[lane];
                    tap[lane] = wins ? (uint8_t)i : tap[lane];
                }
            }
            size_t at = (row * to->width + column) * block;
            for (size_t lane = 0; lane < block; lane++) {
                output[at + lane] = best[lane];
                if (taps != NULL)
                    taps[at + lane] = tap[lane];
            }
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

/* Gathers: each input sums the outputs whose window it won, at most four. */
static inline __attribute__((always_inline)) void
max_plane_backward(const struct map *from, const struct map *to, size_t block, const float *first,
                   const float *second, const uint8_t *taps, float *gradient) {
    for (size_t y = 0; y < from->height; y++)
        for (size_t x = 0; x < from->width; x++) {
            float sum[LANES] = {0};
            /* output rows whose window holds y: STRIDE * row - PADDING <= y < ... + KERNEL */
            for (size_t row = y / STRIDE; row <= (y + PADDING) / STRIDE; row++)
                for (size_t column = x / STRIDE; column <= (x + PADDING) / STRIDE; column++) {
                    if (row >= to->height || column >= to->width)
                        continue;
                    size_t tap =
                        (y + PADDING - row * STRIDE) * KERNEL + (x + PADDING - column * STRIDE);
                    size_t at = (row * to->width + column) * block;
                    for (size_t lane = 0; lane < block; lane++) {
                        float value = first[at + lane];
                        if (second != NULL)
                            value += second[at + lane];
                        sum[lane] += taps[at + lane] == tap ? value : 0;
                    }
                }
            for (size_t lane = 0; lane < block; lane++)
                gradient[(y * from->width + x) * block + lane] = sum[lane];
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
