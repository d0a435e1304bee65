/* pool_kernels: max pooling (3x3, stride 2, padding 1) and global average pooling, NHWC. */
#ifndef ASSAY_WORKER_NN_CUDA_POOL_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_POOL_KERNELS_H

#include "worker/nn/cuda/element.h"
#include "worker/nn/cuda/map_place.h"

#include <math.h>

enum { POOL_KERNEL = 3, POOL_STRIDE = 2, POOL_PADDING = 1 };

struct pool_map {
    unsigned height, width, to_height, to_width, channels;
    enum element element;
};

/* A byte for each value of a pack: which of a window's nine won. */
struct pool_taps {
    uint8_t v[PACK_MAX];
};

PORTABLE struct pool_taps pool_taps_load(const uint8_t *taps, unsigned width, size_t index) {
    struct pool_taps loaded;
#ifdef __CUDA_ARCH__
    uint2 word; /* one load */
    word.x = ((const uint32_t *)taps)[width / 4 * index];
    word.y = width == 4 ? 0 : ((const uint32_t *)taps)[width / 4 * index + 1];
    memcpy(loaded.v, &word, sizeof word);
#else
    memcpy(loaded.v, taps + width * index, width);
#endif
    return loaded;
}

PORTABLE void pool_taps_store(uint8_t *taps, unsigned width, size_t index, struct pool_taps value) {
#ifdef __CUDA_ARCH__
    uint2 word;
    memcpy(&word, value.v, sizeof word);
    ((uint32_t *)taps)[width / 4 * index] = word.x;
    if (width != 4)
        ((uint32_t *)taps)[width / 4 * index + 1] = word.y;
#else
    memcpy(taps + width * index, value.v, width);
#endif
}

/* Thread: a pack of an output. taps: a byte an output. */
struct pool_max {
    struct pool_map map;
    const void *x;
    void *y;
    uint8_t *taps; /* or NULL */
};

PORTABLE void pool_max_as(const struct pool_max *a, enum element element, size_t thread) {
    const struct pool_map *map = &a->map;
    unsigned width = pack_width(element), packs = map->channels / width;
    const struct map_place to = map_place_of(thread, packs, map->to_width, map->to_height);
    struct pack best;
    struct pool_taps taps;
    UNROLL
    for (int lane = 0; lane < PACK_MAX; lane++) {
        best.v[lane] = -INFINITY;
        taps.v[lane] = 0;
    }
    UNROLL
    for (unsigned i = 0; i < POOL_KERNEL * POOL_KERNEL; i++) {
        unsigned y = to.row * POOL_STRIDE + i / POOL_KERNEL,
                 x = to.column * POOL_STRIDE + i % POOL_KERNEL;
        if (y < POOL_PADDING || x < POOL_PADDING || y - POOL_PADDING >= map->height ||
            x - POOL_PADDING >= map->width)
            continue;
        size_t at = (to.picture * map->height + y - POOL_PADDING) * map->width + x - POOL_PADDING;
        struct pack in = pack_load(a->x, element, at * packs + to.part);
        UNROLL
        for (unsigned lane = 0; lane < width; lane++) {
            bool wins = !(in.v[lane] <= best.v[lane]); /* NaN wins, as in PyTorch */
            best.v[lane] = wins ? in.v[lane] : best.v[lane];
            taps.v[lane] = wins ? (uint8_t)i : taps.v[lane];
        }
    }
    pack_store(a->y, element, thread, best);
    if (a->taps != NULL)
        pool_taps_store(a->taps, width, thread, taps);
}

PORTABLE void pool_max(const struct pool_max *a, size_t thread) {
    if (a->map.element == ELEMENT_BF16)
        pool_max_as(a, ELEMENT_BF16, thread);
    else
        pool_max_as(a, ELEMENT_F32, thread);
}

/* Thread: a pack of an input, which gathers from the outputs whose window it won, at most four. The
 * gradient of an output is `first` + `second`, which may be NULL. */
struct pool_max_back {
    struct pool_map map;
    const void *first, *second;
    const uint8_t *taps;
    void *dx;
};

PORTABLE void pool_max_back_as(const struct pool_max_back *a, enum element element, size_t thread) {
    const struct pool_map *map = &a->map;
    unsigned width = pack_width(element), packs = map->channels / width;
    const struct map_place to = map_place_of(thread, packs, map->width, map->height);
    unsigned x = to.column, y = to.row;
    struct pack sum = {{0, 0, 0, 0, 0, 0, 0, 0}};
    /* output rows whose window holds y: STRIDE * row - PADDING <= y < ... + KERNEL */
    for (unsigned row = y / POOL_STRIDE; row <= (y + POOL_PADDING) / POOL_STRIDE; row++)
        for (unsigned column = x / POOL_STRIDE; column <= (x + POOL_PADDING) / POOL_STRIDE;
             column++) {
            if (row >= map->to_height || column >= map->to_width)
                continue;
            unsigned tap = (y + POOL_PADDING - row * POOL_STRIDE) * POOL_KERNEL +
                           (x + POOL_PADDING - column * POOL_STRIDE);
            size_t pixel = (to.picture * map->to_height + row) * map->to_width + column;
            size_t at = pixel * packs + to.part;
            const struct pool_taps taps = pool_taps_load(a->taps, width, at);
            struct pack g = pack_load(a->first, element, at);
            if (a->second != NULL) {
                struct pack second = pack_load(a->second, element, at);
                UNROLL
                for (unsigned lane = 0; lane < width; lane++)
                    g.v[lane] += second.v[lane];
            }
            UNROLL
            for (unsigned lane = 0; lane < width; lane++)
                sum.v[lane] += taps.v[lane] == tap ? g.v[lane] : 0;
        }
    pack_store(a->dx, element, thread, sum);
}

PORTABLE void pool_max_back(const struct pool_max_back *a, size_t thread) {
    if (a->map.element == ELEMENT_BF16)
        pool_max_back_as(a, ELEMENT_BF16, thread);
    else
        pool_max_back_as(a, ELEMENT_F32, thread);
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
