/* winograd_loops: the loops of winograd_kernel.h, for the size of block that its includer defines
 * (lanes.h). */
#ifndef ASSAY_WORKER_NN_CPU_WINOGRAD_LOOPS_H
#define ASSAY_WORKER_NN_CPU_WINOGRAD_LOOPS_H

#include "worker/nn/cpu/winograd_kernel.h"

#include "worker/nn/cpu/lanes.h"

#include <string.h>

enum { BLOCK = LANES_BLOCK, KERNEL = 3, TAPS = KERNEL * KERNEL, TILE = 4, STEP = 2 };

/* ---- tiles ---- */

/* A tile's place. */
struct place {
    size_t picture, row, column;
};

SIMD_INLINE struct place place_of(const struct winograd_tiles *tiles, size_t tile) {
    size_t across = (tiles->width + 1) / STEP, down = (tiles->height + 1) / STEP;
    return (struct place){tile / (across * down), tile / across % down, tile % across};
}

SIMD_INLINE void place_next(const struct winograd_tiles *tiles, struct place *place) {
    if (++place->column < (tiles->width + 1) / STEP)
        return;
    place->column = 0;
    if (++place->row < (tiles->height + 1) / STEP)
        return;
    place->row = 0;
    place->picture++;
}

/* Where a picture's block of channels begins. */
SIMD_INLINE size_t plane_at(const struct winograd_tiles *tiles, size_t picture, size_t block) {
    return (picture * (tiles->channels / BLOCK) + block) * tiles->height * tiles->width * BLOCK;
}

/* Reads side x side values whose first is (top, left) counted from `border` outside of the map;
 * what is outside is 0. */
SIMD_INLINE void tile_read(const struct winograd_tiles *tiles, const float *plane, size_t top,
                           size_t left, size_t border, size_t side, lanes *values) {
    if (top >= border && left >= border && top + side <= tiles->height + border &&
        left + side <= tiles->width + border) {
        const float *first = plane + ((top - border) * tiles->width + left - border) * BLOCK;
        for (size_t i = 0; i < side; i++)
            for (size_t j = 0; j < side; j++)
                values[i * side + j] = *lanes_in(first + (i * tiles->width + j) * BLOCK);
        return;
    }
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++) {
            size_t y = top + i - border, x = left + j - border; /* beyond both when outside */
            values[i * side + j] = y < tiles->height && x < tiles->width
                                       ? *lanes_in(plane + (y * tiles->width + x) * BLOCK)
                                       : (lanes){0};
        }
}

SIMD_INLINE void points_write(size_t point, const lanes *values, float *points) {
    for (size_t i = 0; i < WINOGRAD_POINTS; i++)
        *lanes_at(points + i * point) = values[i];
}

SIMD_INLINE void points_read(size_t point, const float *points, lanes *values) {
    for (size_t i = 0; i < WINOGRAD_POINTS; i++)
        values[i] = *lanes_in(points + i * point);
}

/* ---- transforms: a line each, first along the columns, then along the rows of what they gave.
 * `apart` values lie from one of a line to the next. ---- */

/* B' = 1  0 -1  0   0  1  1  0   0 -1  1  0   0  1  0 -1 */
SIMD_INLINE void input_line(size_t apart, lanes *d) {
    lanes a = d[0], b = d[apart], c = d[2 * apart], e = d[3 * apart];
    d[0] = a - c;
    d[apart] = b + c;
    d[2 * apart] = c - b;
    d[3 * apart] = b - e;
}

SIMD_INLINE void input_transform(lanes *d) {
    for (size_t j = 0; j < TILE; j++)
        input_line(TILE, d + j);
    for (size_t i = 0; i < TILE; i++)
        input_line(1, d + TILE * i);
}

/* A' = 1  1  1  0   0  1 -1 -1 */
SIMD_INLINE void output_line(size_t apart, const lanes *m, lanes *y) {
    y[0] = m[0] + m[apart] + m[2 * apart];
    y[apart] = m[apart] - m[2 * apart] - m[3 * apart];
}

SIMD_INLINE void output_transform(const lanes *m, lanes *y) {
    lanes t[STEP * TILE];
    for (size_t j = 0; j < TILE; j++)
        output_line(TILE, m + j, t + j);
    for (size_t i = 0; i < STEP; i++)
        output_line(1, t + TILE * i, y + STEP * i);
}

SIMD_INLINE void gradient_line(size_t apart, const lanes *g, lanes *points) {
    points[0] = g[0];
    points[apart] = g[0] + g[apart];
    points[2 * apart] = g[0] - g[apart];
    points[3 * apart] = -g[apart];
}

SIMD_INLINE void gradient_transform(const lanes *g, lanes *points) {
    lanes t[TILE * STEP];
    for (size_t j = 0; j < STEP; j++)
        gradient_line(STEP, g + j, t + j);
    for (size_t i = 0; i < TILE; i++)
        gradient_line(1, t + STEP * i, points + TILE * i);
}

/* G = 1  0  0   1/2  1/2  1/2   1/2 -1/2  1/2   0  0  1 */
SIMD_INLINE void weights_line(size_t apart, const lanes *g, lanes *points) {
    lanes outer = (g[0] + g[2 * apart]) * 0.5f, inner = g[apart] * 0.5f;
    points[0] = g[0];
    points[apart] = outer + inner;
    points[2 * apart] = outer - inner;
    points[3 * apart] = g[2 * apart];
}

SIMD_INLINE void weights_transform(const lanes *g, lanes *points) {
    lanes t[TILE * KERNEL];
    for (size_t j = 0; j < KERNEL; j++)
        weights_line(KERNEL, g + j, t + j);
    for (size_t i = 0; i < TILE; i++)
        weights_line(1, t + KERNEL * i, points + TILE * i);
}

SIMD_INLINE void weights_gradient_line(size_t apart, const lanes *s, lanes *g) {
    lanes sum = (s[apart] + s[2 * apart]) * 0.5f;
    g[0] = s[0] + sum;
    g[apart] = (s[apart] - s[2 * apart]) * 0.5f;
    g[2 * apart] = sum + s[3 * apart];
}

SIMD_INLINE void weights_gradient_transform(const lanes *s, lanes *g) {
    lanes t[KERNEL * TILE];
    for (size_t j = 0; j < TILE; j++)
        weights_gradient_line(TILE, s + j, t + j);
    for (size_t i = 0; i < KERNEL; i++)
        weights_gradient_line(1, t + TILE * i, g + KERNEL * i);
}

/* ---- kernels ---- */

LANES_CLONES static void transform_input(const struct winograd_tiles *tiles, size_t block,
                                         const float *map, float *points) {
    struct place place = place_of(tiles, tiles->first);
    points += (block * tiles->rows + tiles->at) * BLOCK;
    for (size_t tile = 0; tile < tiles->count; tile++) {
        lanes values[TILE * TILE];
        tile_read(tiles, map + plane_at(tiles, place.picture, block), place.row * STEP,
                  place.column * STEP, 1, TILE, values);
        input_transform(values);
        points_write(tiles->point, values, points + tile * BLOCK);
        place_next(tiles, &place);
    }
}

LANES_CLONES static void transform_gradient(const struct winograd_tiles *tiles, size_t block,
                                            const float *map, float *points) {
    struct place place = place_of(tiles, tiles->first);
    points += (block * tiles->rows + tiles->at) * BLOCK;
    for (size_t tile = 0; tile < tiles->count; tile++) {
        lanes gradient[STEP * STEP], values[TILE * TILE];
        tile_read(tiles, map + plane_at(tiles, place.picture, block), place.row * STEP,
                  place.column * STEP, 0, STEP, gradient);
        gradient_transform(gradient, values);
        points_write(tiles->point, values, points + tile * BLOCK);
        place_next(tiles, &place);
    }
}

LANES_CLONES static void transform_output(const struct winograd_tiles *tiles, size_t block,
                                          const float *points, float *map) {
    struct place place = place_of(tiles, tiles->first);
    points += (block * tiles->rows + tiles->at) * BLOCK;
    for (size_t tile = 0; tile < tiles->count; tile++) {
        lanes values[TILE * TILE], output[STEP * STEP];
        points_read(tiles->point, points + tile * BLOCK, values);
        output_transform(values, output);
        float *plane = map + plane_at(tiles, place.picture, block);
        for (size_t i = 0; i < STEP; i++)
            for (size_t j = 0; j < STEP; j++) {
                size_t y = place.row * STEP + i, x = place.column * STEP + j;
                if (y < tiles->height && x < tiles->width)
                    *lanes_at(plane + (y * tiles->width + x) * BLOCK) = output[i * STEP + j];
            }
        place_next(tiles, &place);
    }
}

LANES_CLONES static void transform_weights(size_t in_channels, size_t point, size_t block,
                                           const float *weights, float *points) {
    weights += block * in_channels * TAPS * BLOCK;
    points += block * in_channels * BLOCK;
    for (size_t in = 0; in < in_channels; in++) {
        const float *from = weights + (in / BLOCK * TAPS * BLOCK + in % BLOCK) * BLOCK;
        lanes taps[TAPS], values[TILE * TILE];
        for (size_t tap = 0; tap < TAPS; tap++)
            taps[tap] = *lanes_in(from + tap * BLOCK * BLOCK);
        weights_transform(taps, values);
        points_write(point, values, points + in * BLOCK);
    }
}

LANES_CLONES static void transform_weights_turned(size_t in_channels, size_t out_channels,
                                                  size_t point, size_t block, const float *weights,
                                                  float *points) {
    points += block * out_channels * BLOCK;
    for (size_t outs = 0; outs < out_channels; outs += BLOCK) {
        const float *from =
            weights + (outs / BLOCK * (in_channels / BLOCK) + block) * TAPS * BLOCK * BLOCK;
        float turned[BLOCK][TAPS][BLOCK];
        for (size_t tap = 0; tap < TAPS; tap++)
            for (size_t in = 0; in < BLOCK; in++)
                for (size_t out = 0; out < BLOCK; out++)
                    turned[out][TAPS - 1 - tap][in] = from[(tap * BLOCK + in) * BLOCK + out];
        for (size_t out = 0; out < BLOCK; out++) {
            lanes taps[TAPS], values[TILE * TILE];
            memcpy(taps, turned[out], sizeof taps);
            weights_transform(taps, values);
            points_write(point, values, points + (outs + out) * BLOCK);
        }
    }
}

LANES_CLONES static void transform_weights_gradient(size_t in_channels, size_t point, size_t block,
                                                    const float *points, float *gradient) {
    gradient += block * in_channels * TAPS * BLOCK;
    points += block * in_channels * BLOCK;
    for (size_t in = 0; in < in_channels; in++) {
        float *to = gradient + (in / BLOCK * TAPS * BLOCK + in % BLOCK) * BLOCK;
        lanes taps[TAPS], values[TILE * TILE];
        points_read(point, points + in * BLOCK, values);
        weights_gradient_transform(values, taps);
        for (size_t tap = 0; tap < TAPS; tap++)
            *lanes_at(to + tap * BLOCK * BLOCK) = taps[tap];
    }
}

const struct winograd_kernel LANES_NAME(winograd_kernel) = {
    .input = transform_input,
    .gradient = transform_gradient,
    .output = transform_output,
    .weights = transform_weights,
    .weights_turned = transform_weights_turned,
    .weights_gradient = transform_weights_gradient,
};

#endif
