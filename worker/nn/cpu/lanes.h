/* lanes: a block of an activation's channels (map.h) as one vector, for the kernels that are made
 * for blocks of 8 or of 16. Each is compiled for both, by KERNEL_8.c and KERNEL_16.c, which define
 * LANES_BLOCK.
 */
#ifndef ASSAY_WORKER_NN_CPU_LANES_H
#define ASSAY_WORKER_NN_CPU_LANES_H

#include "core/simd.h"

#define INLINE static inline __attribute__((always_inline))

/* What is compiled for both by another name each: NAME_8 and NAME_16. */
#define LANES_PASTE(name, block) name##_##block
#define LANES_EXPAND(name, block) LANES_PASTE(name, block)
#define LANES_NAME(name) LANES_EXPAND(name, LANES_BLOCK)

/* GCC makes two vectors of it where the processor has shorter ones. */
typedef float lanes
    __attribute__((vector_size(LANES_BLOCK * sizeof(float)), aligned(sizeof(float))));

INLINE const lanes *lanes_in(const float *at) {
    return (const lanes *)(const void *)at;
}

INLINE lanes *lanes_at(float *at) {
    return (lanes *)(void *)at;
}

#endif
