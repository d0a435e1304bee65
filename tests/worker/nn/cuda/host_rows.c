#include "tests/worker/nn/cuda/host_rows.h"

#include "core/simd.h"

SIMD_CLONES void row_add_scaled(double *restrict row, const float factors[ROWS],
                                const float *restrict b, size_t count) {
    const double f0 = factors[0], f1 = factors[1], f2 = factors[2], f3 = factors[3];
    const float *restrict b1 = b + count, *restrict b2 = b1 + count, *restrict b3 = b2 + count;
    for (size_t j = 0; j < count; j++) {
        double sum = row[j] + f0 * (double)b[j];
        sum += f1 * (double)b1[j];
        sum += f2 * (double)b2[j];
        row[j] = sum + f3 * (double)b3[j];
    }
}

SIMD_CLONES void rows_transpose(float *restrict to, const float *restrict from, size_t rows,
                                size_t columns) {
    enum { TILE = 16 };
    for (size_t row = 0; row < rows; row += TILE)
        for (size_t column = 0; column < columns; column++)
            for (size_t i = row; i < rows && i < row + TILE; i++)
                to[column * rows + i] = from[i * columns + column];
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
