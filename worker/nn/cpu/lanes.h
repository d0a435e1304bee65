/* lanes: a block of an activation's channels (map.h) as one vector, for the kernels that are made
 * for blocks of 8 or of 16. Each is compiled for both, by KERNEL_8.c and KERNEL_16.c, which define
 * LANES_BLOCK.
 */
#ifndef ASSAY_WORKER_NN_CPU_LANES_H
#define ASSAY_WORKER_NN_CPU_LANES_H

#include "core/simd.h"

/* What is compiled for both by another name each: NAME_8 and NAME_16. */
#define LANES_PASTE(name, block) name##_##block
#define LANES_EXPAND(name, block) LANES_PASTE(name, block)
#define LANES_NAME(name) LANES_EXPAND(name, LANES_BLOCK)

/* Blocks of 16 are for processors with AVX-512, those of 8 for others. */
#if LANES_BLOCK == 16
#define LANES_CLONES SIMD_CLONES_OF("arch=x86-64-v4")
#else
#define LANES_CLONES SIMD_CLONES_OF("arch=x86-64-v3")
#endif

/* GCC makes two vectors of it where the processor has shorter ones. */
typedef float lanes
    __attribute__((vector_size(LANES_BLOCK * sizeof(float)), aligned(sizeof(float))));

SIMD_INLINE const lanes *lanes_in(const float *at) {
    return (const lanes *)(const void *)at;
}

SIMD_INLINE lanes *lanes_at(float *at) {
    return (lanes *)(void *)at;
}

#endif
