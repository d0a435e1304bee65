#include "worker/nn/cpu/product_kernel.h"

/* ROWS x PAIR sums fill the registers of AVX2, with two for the weights and one for an input. */
enum { BLOCK = LANES_BLOCK, ROWS = 6 };

bool product_is_fast(void) {
#if SIMD_CHOSEN
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

size_t product_run(size_t total, size_t most) {
    size_t runs = (total + most - 1) / most;
    return (total + runs - 1) / runs;
}

INLINE void product_rows(size_t in_channels, size_t rows, size_t count, const float *input,
                         const float *weights, float *output) {
    const float *second = weights + in_channels * BLOCK;
    lanes sums[ROWS][2] = {0};
    for (size_t ins = 0; ins < in_channels; ins += BLOCK)
        for (size_t in = 0; in < BLOCK; in++) {
            lanes a = *lanes_in(weights + (ins + in) * BLOCK);
            lanes b = *lanes_in(second + (ins + in) * BLOCK);
            for (size_t i = 0; i < count; i++) {
                float value = input[ins * rows + i * BLOCK + in];
                sums[i][0] += value * a;
                sums[i][1] += value * b;
            }
        }
    for (size_t i = 0; i < count; i++) {
        *lanes_at(output + i * BLOCK) = sums[i][0];
        *lanes_at(output + (rows + i) * BLOCK) = sums[i][1];
    }
}

SIMD_CLONES void product(size_t in_channels, size_t rows, size_t count, const float *input,
                         const float *weights, float *output) {
    for (; count >= ROWS; count -= ROWS, input += ROWS * BLOCK, output += ROWS * BLOCK)
        product_rows(in_channels, rows, ROWS, input, weights, output);
    switch (count) {
    case 5: product_rows(in_channels, rows, 5, input, weights, output); break;
    case 4: product_rows(in_channels, rows, 4, input, weights, output); break;
    case 3: product_rows(in_channels, rows, 3, input, weights, output); break;
    case 2: product_rows(in_channels, rows, 2, input, weights, output); break;
    case 1: product_rows(in_channels, rows, 1, input, weights, output); break;
    default: break;
    }
}

/* What is there is added to a run's sum, not the run to it: sums over a batch round less so. */
SIMD_CLONES void product_outer(size_t in_channels, size_t rows, size_t count, bool add,
                               const float *input, const float *gradient, float *weights) {
    enum { HALF = BLOCK / 2 }; /* of all, sums would be more than registers */
    const float *second = gradient + rows * BLOCK;
    for (size_t half = 0; half < BLOCK; half += HALF) {
        lanes sums[HALF][2] = {0};
        for (size_t row = 0; row < count; row++) {
            lanes a = *lanes_in(gradient + row * BLOCK), b = *lanes_in(second + row * BLOCK);
            for (size_t i = 0; i < HALF; i++) {
                float value = input[row * BLOCK + half + i];
                sums[i][0] += value * a;
                sums[i][1] += value * b;
            }
        }
        for (size_t i = 0; i < HALF; i++) {
            lanes *to[2] = {lanes_at(weights + (half + i) * BLOCK),
                            lanes_at(weights + (in_channels + half + i) * BLOCK)};
            for (size_t j = 0; j < 2; j++)
                *to[j] = add ? *to[j] + sums[i][j] : sums[i][j];
        }
    }
}

void product_outer_all(size_t in_channels, size_t out_channels, size_t rows, size_t count, bool add,
                       const float *input, const float *gradient, float *weights) {
    enum { GROUP = 8 * BLOCK }; /* that a thread takes with what it read of a gradient */
#pragma omp for collapse(2) schedule(static) nowait
    for (size_t out = 0; out < out_channels; out += PRODUCT_PAIR)
        for (size_t group = 0; group < in_channels; group += GROUP)
            for (size_t in = group; in < in_channels && in < group + GROUP; in += BLOCK)
                product_outer(in_channels, rows, count, add, input + in * rows,
                              gradient + out * rows, weights + out * in_channels + in * BLOCK);
}
