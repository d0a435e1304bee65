/* lanes: eight channels of an activation as one vector, for the kernels that are made for blocks of
 * eight (map.h).
 */
#ifndef ASSAY_WORKER_NN_CPU_LANES_H
#define ASSAY_WORKER_NN_CPU_LANES_H

#include "core/simd.h"

#define INLINE static inline __attribute__((always_inline))

enum { LANES_BLOCK = 8 };

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
