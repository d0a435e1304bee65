/* pool_kernels: max pooling (3x3, stride 2, padding 1) and global average pooling, NHWC. */
#ifndef ASSAY_WORKER_NN_CUDA_POOL_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_POOL_KERNELS_H

#include "worker/nn/cuda/element.h"

#include <math.h>

enum { POOL_KERNEL = 3, POOL_STRIDE = 2, POOL_PADDING = 1 };

struct pool_map {
    size_t height, width, to_height, to_width, channels;
    enum element element;
};

/* Thread: four channels of an output. taps: which of the window's nine won, a byte an output. */
struct pool_max {
    struct pool_map map;
    const void *x;
    void *y;
    uint8_t *taps; /* or NULL */
};

PORTABLE void pool_max(const struct pool_max *a, size_t thread) {
    const struct pool_map *map = &a->map;
    size_t quads = map->channels / 4, quad = thread % quads, pixel = thread / quads;
    size_t column = pixel % map->to_width, row = pixel / map->to_width % map->to_height;
    size_t picture = pixel / map->to_width / map->to_height;
    struct quad best;
    uint8_t tap[4] = {0, 0, 0, 0};
    for (int lane = 0; lane < 4; lane++)
        best.v[lane] = -INFINITY;
    for (size_t i = 0; i < POOL_KERNEL * POOL_KERNEL; i++) {
        size_t y = row * POOL_STRIDE + i / POOL_KERNEL, x = column * POOL_STRIDE + i % POOL_KERNEL;
        if (y < POOL_PADDING || x < POOL_PADDING || y - POOL_PADDING >= map->height ||
            x - POOL_PADDING >= map->width)
            continue;
        size_t at = (picture * map->height + y - POOL_PADDING) * map->width + x - POOL_PADDING;
        struct quad in = quad_load(a->x, map->element, at * quads + quad);
        for (int lane = 0; lane < 4; lane++) {
            bool wins = !(in.v[lane] <= best.v[lane]); /* NaN wins, as in PyTorch */
            best.v[lane] = wins ? in.v[lane] : best.v[lane];
            tap[lane] = wins ? (uint8_t)i : tap[lane];
        }
    }
    quad_store(a->y, map->element, thread, best);
    for (size_t lane = 0; a->taps != NULL && lane < 4; lane++)
        a->taps[4 * thread + lane] = tap[lane];
}

/* Thread: four channels of an input, which gathers from the outputs whose window it won, at most
 * four. The gradient of an output is `first` + `second`, which may be NULL. */
struct pool_max_back {
    struct pool_map map;
    const void *first, *second;
    const uint8_t *taps;
    void *dx;
};

PORTABLE void pool_max_back(const struct pool_max_back *a, size_t thread) {
    const struct pool_map *map = &a->map;
    size_t quads = map->channels / 4, quad = thread % quads, pixel = thread / quads;
    size_t x = pixel % map->width, y = pixel / map->width % map->height;
    size_t picture = pixel / map->width / map->height;
    struct quad sum = {{0, 0, 0, 0}};
    /* output rows whose window holds y: STRIDE * row - PADDING <= y < ... + KERNEL */
    for (size_t row = y / POOL_STRIDE; row <= (y + POOL_PADDING) / POOL_STRIDE; row++)
        for (size_t column = x / POOL_STRIDE; column <= (x + POOL_PADDING) / POOL_STRIDE;
             column++) {
            if (row >= map->to_height || column >= map->to_width)
                continue;
            size_t tap = (y + POOL_PADDING - row * POOL_STRIDE) * POOL_KERNEL +
                         (x + POOL_PADDING - column * POOL_STRIDE);
            size_t at = ((picture * map->to_height + row) * map->to_width + column) * quads + quad;
            struct quad g = quad_load(a->first, map->element, at);
            if (a->second != NULL) {
                struct quad second = quad_load(a->second, map->element, at);
                for (int lane = 0; lane < 4; lane++)
                    g.v[lane] += second.v[lane];
            }
            for (size_t lane = 0; lane < 4; lane++)
                sum.v[lane] += a->taps[4 * at + lane] == tap ? g.v[lane] : 0;
        }
    quad_store(a->dx, map->element, thread, sum);
}

/* Thread: four channels of a picture. y: plain rows of floats, as all of the head's. */
struct pool_average {
    size_t pixels, channels;
    enum element element;
    const void *x;
    float *y;
};

PORTABLE void pool_average(const struct pool_average *a, size_t thread) {
    size_t quads = a->channels / 4, quad = thread % quads, picture = thread / quads;
    double sum[4] = {0, 0, 0, 0};
    for (size_t pixel = 0; pixel < a->pixels; pixel++) {
        struct quad x = quad_load(a->x, a->element, (picture * a->pixels + pixel) * quads + quad);
        for (int i = 0; i < 4; i++)
            sum[i] += (double)x.v[i];
    }
    struct quad y;
    for (int i = 0; i < 4; i++)
        y.v[i] = (float)(sum[i] / (double)a->pixels);
    quad_store(a->y, ELEMENT_F32, thread, y);
}

/* Thread: four channels of a pixel. */
struct pool_average_back {
    size_t pixels, channels;
    enum element element;
    const float *gradient;
    void *dx;
};

PORTABLE void pool_average_back(const struct pool_average_back *a, size_t thread) {
    size_t quads = a->channels / 4, quad = thread % quads, picture = thread / quads / a->pixels;
    struct quad g = quad_load(a->gradient, ELEMENT_F32, picture * quads + quad);
    for (int i = 0; i < 4; i++)
        g.v[i] = g.v[i] / (float)a->pixels;
    quad_store(a->dx, a->element, thread, g);
}

#endif
