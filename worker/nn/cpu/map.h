/* map: how activations stand in memory, and what the kernels of this folder take from that.
 *
 * Kernels work on LANES floats at a time: blocks of 16, 8 or 1 channels all divide it, so that lane
 * i of a chunk always belongs to channel i % block, and one kernel serves every block; those of
 * convolutions are for blocks of 8 or 16 (lanes.h). They are compiled for several generations
 * of processors (core/simd.h).
 */
#ifndef ASSAY_WORKER_NN_CPU_MAP_H
#define ASSAY_WORKER_NN_CPU_MAP_H

#include "core/simd.h"

#include <stddef.h>

enum { LANES = 16 };

/* Activations of a plan: [count][channels / block][pixels][block], float32. A chunk is one
 * picture's block of channels: pixels * block contiguous floats. */
struct map {
    size_t count, channels, height, width, block;
};

static inline size_t map_blocks(const struct map *map) {
    return map->channels / map->block;
}

static inline size_t map_chunk(const struct map *map) {
    return map->height * map->width * map->block;
}

static inline size_t map_floats(const struct map *map) {
    return map->count * map_blocks(map) * map_chunk(map);
}

/* Where chunk `block` of picture `picture` begins. */
static inline size_t map_at(const struct map *map, size_t picture, size_t block) {
    return (picture * map_blocks(map) + block) * map_chunk(map);
}

#endif
