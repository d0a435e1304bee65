/* vector: how the kernels of this folder are compiled for the processor at hand.
 *
 * A kernel marked VECTOR_CLONES is compiled for AVX-512, AVX2 and the baseline, and the loader
 * takes the best that runs here. Nothing is contracted to FMA (CMakeLists.txt), so all of them give
 * the same bits. Kernels work on LANES floats at a time: blocks of 16, 8 or 1 channels all divide
 * it, so that lane i of a contiguous stretch always belongs to channel i % block.
 */
#ifndef ASSAY_WORKER_NN_CPU_VECTOR_H
#define ASSAY_WORKER_NN_CPU_VECTOR_H

#include <stddef.h>

enum { LANES = 16 };

/* ifunc resolvers run before a sanitizer is ready. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

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
