/* layout_kernels: from one way of storing numbers to another, and from a map to some of its rows.
 */
#ifndef ASSAY_WORKER_NN_CUDA_LAYOUT_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_LAYOUT_KERNELS_H

#include "worker/nn/cuda/element.h"
#include "worker/nn/cuda/map_place.h"

/* Thread: a pixel. Three planes of floats (NCHW) to NHWC. */
struct planes_gather {
    size_t pixels;
    enum element element;
    const float *from;
    void *to;
};

PORTABLE void planes_gather(const struct planes_gather *a, size_t thread) {
    size_t picture = thread / a->pixels, pixel = thread % a->pixels;
    UNROLL
    for (size_t i = 0; i < 3; i++)
        element_store(a->to, a->element, 3 * thread + i,
                      a->from[(3 * picture + i) * a->pixels + pixel]);
}

/* Thread: four numbers. */
struct element_convert {
    enum element from_element, to_element;
    const void *from;
    void *to;
};

PORTABLE void element_convert(const struct element_convert *a, size_t thread) {
    quad_store(a->to, a->to_element, thread, quad_load(a->from, a->from_element, thread));
}

/* ---- the rows of a map that a stride meets ---- */

/* A row is a pixel's channels, four floats a quad. */
struct rows_map {
    unsigned height, width, to_height, to_width, quads, stride;
};

/* Thread: four channels of a row that is taken. */
struct rows_take {
    struct rows_map map;
    const float *from;
    float *to;
};

PORTABLE void rows_take(const struct rows_take *a, size_t thread) {
    const struct rows_map *map = &a->map;
    const struct map_place to = map_place_of(thread, map->quads, map->to_width, map->to_height);
    unsigned x = to.column * map->stride, y = to.row * map->stride;
    size_t at = (to.picture * map->height + y) * map->width + x;
    quad_store(a->to, ELEMENT_F32, thread,
               quad_load(a->from, ELEMENT_F32, at * map->quads + to.part));
}

/* Thread: four channels of the map: the row's where the stride meets it, else zeros. */
struct rows_spread {
    struct rows_map map;
    const float *from;
    float *to;
};

PORTABLE void rows_spread(const struct rows_spread *a, size_t thread) {
    const struct rows_map *map = &a->map;
    const struct map_place to = map_place_of(thread, map->quads, map->width, map->height);
    unsigned column = to.column / map->stride, row = to.row / map->stride;
    struct quad value = {{0, 0, 0, 0}};
    if (column * map->stride == to.column && row * map->stride == to.row) {
        size_t at = (to.picture * map->to_height + row) * map->to_width + column;
        value = quad_load(a->from, ELEMENT_F32, at * map->quads + to.part);
    }
    quad_store(a->to, ELEMENT_F32, thread, value);
}

#endif
