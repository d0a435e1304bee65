/* host_rows: where nearly all the time of the host device's steps goes, without sanitizers and by
 * the widest vectors that the machine has (core/simd.h): who calls these has looked, under
 * sanitizers, at both ends of what they read and write. */
#ifndef ASSAY_TESTS_WORKER_NN_CUDA_HOST_ROWS_H
#define ASSAY_TESTS_WORKER_NN_CUDA_HOST_ROWS_H

#include "worker/nn/cuda/element.h"

enum { ROWS = 4 };
/* row += factors[0] * b's first row, then the second's, and so on. */
void row_add_scaled(double *restrict row, const float factors[ROWS], const float *restrict b,
                    size_t count);
void rows_transpose(float *restrict to, const float *restrict from, size_t rows, size_t columns);
void row_widen(float *restrict to, const void *restrict from, enum element element, size_t count);
void row_narrow(void *restrict to, enum element element, const float *restrict from, size_t count);

#endif
