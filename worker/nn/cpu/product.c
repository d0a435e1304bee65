#include "worker/nn/cpu/product.h"

#include "core/simd.h"

#include <omp.h>

size_t product_run(size_t total, size_t most) {
    size_t runs = (total + most - 1) / most;
    return (total + runs - 1) / runs;
}

size_t product_chunk(size_t channels) {
    enum { LEAST = 48, VALUES = 1 << 18 };
    size_t most = VALUES / channels;
    return most > PRODUCT_CHUNK ? PRODUCT_CHUNK : most < LEAST ? LEAST : most;
}

bool product_is_shared(size_t total, size_t run) {
    return total / run < 2 * (size_t)omp_get_max_threads();
}

bool product_is_fast(size_t block) {
#if SIMD_CHOSEN
    return block == 16 ? __builtin_cpu_supports("x86-64-v4")
                       : block == 8 && __builtin_cpu_supports("x86-64-v3");
#else
    (void)block;
    return false;
#endif
}

const struct product_kernel *product_kernel(size_t block) {
    return block == 16 ? &product_kernel_16 : &product_kernel_8;
}

void product_turn_all(size_t block, size_t taps, size_t in_channels, size_t out_channels,
                      const float *weights, float *turned) {
#pragma omp parallel for collapse(2)
    for (size_t tap = 0; tap < taps; tap++)
        for (size_t in = 0; in < in_channels; in += block)
            product_kernel(block)->turned(out_channels, taps * in_channels * block,
                                          weights + (tap * in_channels + in) * block,
                                          turned + (tap * in_channels + in) * out_channels);
}

/* The channels that are more are shared out among the threads, so that each reads few of them. */
static void outer_run(size_t block, size_t in_channels, size_t out_channels, size_t rows,
                      size_t count, bool add, const float *input, const float *gradient,
                      float *weights) {
    const struct product_kernel *kernel = product_kernel(block);
    size_t pair = 2 * block, group = 8 * block; /* of inputs, with one pair of the gradient */
    size_t groups = (in_channels + group - 1) / group, pairs = out_channels / pair;
    bool ins_first = in_channels > out_channels;
#pragma omp for schedule(static) nowait
    for (size_t at = 0; at < groups * pairs; at++) {
        size_t out = (ins_first ? at % pairs : at / groups) * pair;
        size_t first = (ins_first ? at / pairs : at % groups) * group;
        for (size_t in = first; in < in_channels && in < first + group; in += block)
            kernel->outer(in_channels, rows, count, add, input + in * rows, gradient + out * rows,
                          weights + out * in_channels + in * block);
    }
}

void product_outer_all(size_t block, size_t in_channels, size_t out_channels, size_t rows,
                       size_t run, bool add, const float *input, const float *gradient,
                       float *weights) {
    for (size_t at = 0; at < rows; at += run)
        outer_run(block, in_channels, out_channels, rows, rows - at < run ? rows - at : run,
                  add || at > 0, input + at * block, gradient + at * block, weights);
}
