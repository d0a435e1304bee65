#include "worker/nn/cpu/norm_kernel.h"

#include <string.h>

/* Values pass through arrays that overlap with nothing, LANES at a time: that is what GCC makes
 * vectors of, also where input and output are one. Memory is read before anything depends on a
 * condition: of reads that do, GCC 12 makes masked ones, and where a vector is shorter than LANES
 * (AVX2) has all of them use the mask of the first. */

SIMD_INLINE void moments(const float *restrict x, size_t floats, size_t count,
                         double *restrict sums) {
    double sum[NORM_SUMS] = {0}, square[NORM_SUMS] = {0};
    size_t i = 0;
    for (; i + count <= floats; i += count)
        for (size_t lane = 0; lane < count; lane++) {
            double value = (double)x[i + lane];
            sum[lane] += value;
            square[lane] += value * value;
        }
    for (size_t lane = 0; i < floats; i++, lane++) {
        sum[lane] += (double)x[i];
        square[lane] += (double)x[i] * (double)x[i];
    }
    for (size_t lane = 0; lane < count; lane++) {
        sums[lane] = sum[lane];
        sums[count + lane] = square[lane];
    }
}

SIMD_CLONES void norm_chunk_moments(const float *x, size_t floats, size_t block, double *sums) {
    if (norm_sums(block) == NORM_SUMS)
        moments(x, floats, NORM_SUMS, sums);
    else
        moments(x, floats, LANES, sums);
}

/* NaN goes through, as through PyTorch's. */
static inline float rectified(float value) {
    return value <= 0 ? 0 : value;
}

SIMD_INLINE void apply_lanes(const float *x, const float *residual, const float *scale,
                             const float *shift, size_t lanes, bool relu, float *y) {
    float values[LANES];
    for (size_t lane = 0; lane < lanes; lane++) {
        float value = x[lane] * scale[lane] + shift[lane];
        if (residual != NULL)
            value += residual[lane];
        values[lane] = relu ? rectified(value) : value;
    }
    for (size_t lane = 0; lane < lanes; lane++)
        y[lane] = values[lane];
}

SIMD_INLINE void apply(const float *x, const float *residual, const float *scale,
                       const float *shift, size_t floats, bool relu, float *y) {
    float scales[LANES], shifts[LANES];
    memcpy(scales, scale, sizeof scales);
    memcpy(shifts, shift, sizeof shifts);
    size_t i = 0;
    for (; i + LANES <= floats; i += LANES)
        apply_lanes(x + i, residual == NULL ? NULL : residual + i, scales, shifts, LANES, relu,
                    y + i);
    apply_lanes(x + i, residual == NULL ? NULL : residual + i, scales, shifts, floats - i, relu,
                y + i);
}

SIMD_CLONES void norm_chunk_apply(const float *x, const float *residual, const float *scale,
                                  const float *shift, size_t floats, bool relu, float *y) {
    if (residual != NULL && relu)
        apply(x, residual, scale, shift, floats, true, y);
    else if (residual != NULL)
        apply(x, residual, scale, shift, floats, false, y);
    else if (relu)
        apply(x, NULL, scale, shift, floats, true, y);
    else
        apply(x, NULL, scale, shift, floats, false, y);
}

SIMD_INLINE void mask_lanes(enum norm_mask mask, const float *x, const float *y,
                            const float *gradient, const struct norm_lanes *c, size_t lanes,
                            float *g) {
    float passed[LANES];
    for (size_t lane = 0; lane < lanes; lane++) {
        float output = mask == MASK_X ? x[lane] * c->scale[lane] + c->shift[lane] : y[lane];
        float incoming = gradient[lane]; /* whatever comes of it: see above */
        passed[lane] = output <= 0 ? 0 : incoming;
    }
    for (size_t lane = 0; lane < lanes; lane++)
        g[lane] = passed[lane];
}

SIMD_INLINE void mask_gradient(enum norm_mask mask, const float *x, const float *y,
                               const float *gradient, const struct norm_lanes *lanes, size_t floats,
                               float *g) {
    const struct norm_lanes c = *lanes;
    size_t i = 0;
    for (; i + LANES <= floats; i += LANES)
        mask_lanes(mask, x + i, mask == MASK_Y ? y + i : NULL, gradient + i, &c, LANES, g + i);
    mask_lanes(mask, x + i, mask == MASK_Y ? y + i : NULL, gradient + i, &c, floats - i, g + i);
}

SIMD_CLONES static void tile_mask(enum norm_mask mask, const float *x, const float *y,
                                  const float *gradient, const struct norm_lanes *lanes,
                                  size_t floats, float *g) {
    if (mask == MASK_X)
        mask_gradient(MASK_X, x, NULL, gradient, lanes, floats, g);
    else
        mask_gradient(MASK_Y, x, y, gradient, lanes, floats, g);
}

SIMD_CLONES static void tile_add(size_t floats, const float *restrict second,
                                 float *restrict first) {
    for (size_t i = 0; i < floats; i++)
        first[i] += second[i];
}

/* Adds the sums of g and of g x. */
SIMD_INLINE void products(const float *restrict x, const float *restrict g, size_t floats,
                          size_t count, double *restrict sums) {
    double sum[NORM_SUMS] = {0}, product[NORM_SUMS] = {0};
    size_t i = 0;
    for (; i + count <= floats; i += count) { /* two loops: of one, GCC makes half the speed */
        for (size_t lane = 0; lane < count; lane++)
            sum[lane] += (double)g[i + lane];
        for (size_t lane = 0; lane < count; lane++)
            product[lane] += (double)g[i + lane] * (double)x[i + lane];
    }
    for (size_t lane = 0; i < floats; i++, lane++) {
        sum[lane] += (double)g[i];
        product[lane] += (double)g[i] * (double)x[i];
    }
    for (size_t lane = 0; lane < count; lane++) {
        sums[lane] += sum[lane];
        sums[count + lane] += product[lane];
    }
}

SIMD_CLONES static void tile_products(const float *x, const float *g, size_t floats, size_t block,
                                      double *sums) {
    if (norm_sums(block) == NORM_SUMS)
        products(x, g, floats, NORM_SUMS, sums);
    else
        products(x, g, floats, LANES, sums);
}

/* Tile by tile, small enough to stay in the first cache from one loop to the next; of as many
 * pixels for blocks of 8 and of 16. */
void norm_chunk_reduce(enum norm_mask mask, bool store, const float *x, const float *y,
                       float *first, const float *second, const struct norm_lanes *lanes,
                       size_t floats, size_t block, double *sums) {
    enum { STEPS = 32 };
    float masked[STEPS * NORM_SUMS];
    size_t tile = STEPS * norm_sums(block);
    memset(sums, 0, 2 * norm_sums(block) * sizeof *sums);
    for (size_t i = 0; i < floats; i += tile) {
        size_t part = floats - i < tile ? floats - i : tile;
        float *gradient = first + i, *g = store || mask == MASK_NONE ? gradient : masked;
        if (second != NULL)
            tile_add(part, second + i, gradient);
        if (mask != MASK_NONE)
            tile_mask(mask, x + i, y == NULL ? NULL : y + i, gradient, lanes, part, g);
        tile_products(x + i, g, part, block, sums);
    }
}

SIMD_INLINE void finish_lanes(enum norm_mask mask, const float *x, const float *gradient,
                              const struct norm_lanes *c, size_t lanes, float *dx) {
    float g[LANES];
    for (size_t lane = 0; lane < lanes; lane++) {
        float passed = gradient[lane];
        if (mask == MASK_X)
            passed = x[lane] * c->scale[lane] + c->shift[lane] <= 0 ? 0 : passed;
        g[lane] =
            passed * c->scale[lane] - (x[lane] - c->mean[lane]) * c->slope[lane] - c->offset[lane];
    }
    for (size_t lane = 0; lane < lanes; lane++)
        dx[lane] = g[lane];
}

SIMD_INLINE void finish(enum norm_mask mask, const float *x, const float *gradient,
                        const struct norm_lanes *coefficients, size_t floats, float *dx) {
    const struct norm_lanes c = *coefficients;
    size_t i = 0;
    for (; i + LANES <= floats; i += LANES)
        finish_lanes(mask, x + i, gradient + i, &c, LANES, dx + i);
    finish_lanes(mask, x + i, gradient + i, &c, floats - i, dx + i);
}

SIMD_CLONES void norm_chunk_finish(enum norm_mask mask, const float *x, const float *gradient,
                                   const struct norm_lanes *c, size_t floats, float *dx) {
    if (mask == MASK_X)
        finish(MASK_X, x, gradient, c, floats, dx);
    else
        finish(MASK_NONE, x, gradient, c, floats, dx);
}
