#include "tests/worker/nn/cuda/host_rows.h"

#include "core/simd.h"

SIMD_CLONES void row_add_scaled(double *restrict row, double factor, const float *restrict b,
                                size_t count) {
    for (size_t j = 0; j < count; j++)
        row[j] += factor * (double)b[j];
}

SIMD_CLONES void row_widen(float *restrict to, const void *restrict from, enum element element,
                           size_t count) {
    if (element == ELEMENT_F32)
        memcpy(to, from, count * sizeof *to);
    else
        for (size_t j = 0; j < count; j++)
            to[j] = bf16_widen(((const uint16_t *)from)[j]);
}

SIMD_CLONES void row_narrow(void *restrict to, enum element element, const float *restrict from,
                            size_t count) {
    if (element == ELEMENT_F32)
        memcpy(to, from, count * sizeof *from);
    else
        for (size_t j = 0; j < count; j++)
            ((uint16_t *)to)[j] = bf16_round(from[j]);
}
