/* product_loops: the loops of product_kernel.h, for the size of block that its includer defines
 * (lanes.h). */
#ifndef ASSAY_WORKER_NN_CPU_PRODUCT_LOOPS_H
#define ASSAY_WORKER_NN_CPU_PRODUCT_LOOPS_H

#include "worker/nn/cpu/product_kernel.h"

#include "worker/nn/cpu/lanes.h"

/* ROWS x 2 sums fill the registers, 16 of AVX2 or 32 of AVX-512, with two for the weights and one
 * for an input. */
enum { BLOCK = LANES_BLOCK, ROWS = BLOCK == 16 ? 14 : 6 };

/* What is summed over, in this order: `outer` of `middle` of `inner` values of each row, which lie
 * so many floats apart. A row begins `step` floats behind the one before. */
struct sum {
    size_t outer, outer_apart, middle, middle_apart, inner, inner_apart, step;
};

/* Weights some steps ahead and rows of the next `outer` are fetched meanwhile: a tenth of the time.
 */
SIMD_INLINE void sum_rows(struct sum sum, size_t rows, size_t count, size_t apart, bool add,
                          const float *input, const float *weights, float *output) {
    enum { AHEAD = 16 };
    const float *second = weights + apart;
    lanes sums[ROWS][2];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 2; j++)
            sums[i][j] = add ? *lanes_in(output + (j * rows + i) * BLOCK) : (lanes){0};
    for (size_t at = 0; at < sum.outer; at++)
        for (size_t beside = 0; beside < sum.middle; beside++)
#pragma GCC unroll 1 /* it is long enough, and compilers take a minute to unroll it */
            for (size_t in = 0; in < sum.inner; in++, weights += BLOCK, second += BLOCK) {
                const float *from =
                    input + at * sum.outer_apart + beside * sum.middle_apart + in * sum.inner_apart;
                lanes a = *lanes_in(weights), b = *lanes_in(second);
                __builtin_prefetch(weights + AHEAD * BLOCK);
                __builtin_prefetch(second + AHEAD * BLOCK);
                if (in < count)
                    __builtin_prefetch(input + (at + 1) * sum.outer_apart + in * sum.step);
                for (size_t i = 0; i < count; i++) {
                    float value = from[i * sum.step];
                    sums[i][0] += value * a;
                    sums[i][1] += value * b;
                }
            }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 2; j++)
            *lanes_at(output + (j * rows + i) * BLOCK) = sums[i][j];
}

/* As many rows at a time as there are registers for, or as evenly less as can be: few sums wait for
 * each other. Of a sum whose constants compilers know, a function for each number of rows. */
SIMD_INLINE void sum_all(struct sum sum, size_t rows, size_t count, size_t apart, bool add,
                         const float *input, const float *weights, float *output) {
    for (size_t left = count, taken; left > 0; left -= taken) {
        size_t times = (left + ROWS - 1) / ROWS;
        taken = (left + times - 1) / times;
        const float *from = input + (count - left) * sum.step;
        float *to = output + (count - left) * BLOCK;
        switch (taken) {
#define TAKE(n)                                                                                    \
    case n: sum_rows(sum, rows, (n) <= ROWS ? (n) : 0, apart, add, from, weights, to); break
            TAKE(1);
            TAKE(2);
            TAKE(3);
            TAKE(4);
            TAKE(5);
            TAKE(6);
            TAKE(7);
            TAKE(8);
            TAKE(9);
            TAKE(10);
            TAKE(11);
            TAKE(12);
            TAKE(13);
            TAKE(14);
#undef TAKE
        default: break; /* no more */
        }
    }
}

LANES_CLONES static void product(size_t in_channels, size_t rows, size_t count, size_t apart,
                                 bool add, const float *input, const float *weights,
                                 float *output) {
    const struct sum sum = {.outer = in_channels / BLOCK,
                            .outer_apart = rows * BLOCK,
                            .middle = 1,
                            .inner = BLOCK,
                            .inner_apart = 1,
                            .step = BLOCK};
    sum_all(sum, rows, count, apart, add, input, weights, output);
}

LANES_CLONES static void window(size_t in_channels, size_t stride, size_t line, size_t plane,
                                size_t rows, size_t count, const float *input, const float *weights,
                                float *output) {
    enum { TAPS = PRODUCT_TAPS };
    const struct sum sum = {.outer = TAPS,
                            .outer_apart = line,
                            .middle = TAPS,
                            .middle_apart = 1,
                            .inner = in_channels,
                            .inner_apart = plane,
                            .step = stride};
    sum_all(sum, rows, count, TAPS * TAPS * in_channels * BLOCK, false, input, weights, output);
}

LANES_CLONES static void turned(size_t out_channels, size_t apart, const float *weights,
                                float *turned_weights) {
    for (size_t outs = 0; outs < out_channels; outs += BLOCK, weights += apart)
        for (size_t out = 0; out < BLOCK; out++, turned_weights += BLOCK)
            for (size_t in = 0; in < BLOCK; in++)
                turned_weights[in] = weights[in * BLOCK + out];
}

/* What is there is added to a run's sum, not the run to it: sums over a batch round less so. The
 * block of inputs behind this one is fetched meanwhile: who wants all channels takes it next. */
LANES_CLONES static void outer(size_t in_channels, size_t rows, size_t count, bool add,
                               const float *input, const float *gradient, float *weights) {
    enum { HALF = BLOCK / 2 }; /* of all, sums would be more than registers */
    const float *second = gradient + rows * BLOCK;
    for (size_t half = 0; half < BLOCK; half += HALF) {
        lanes sums[HALF][2] = {0};
        for (size_t row = 0; row < count; row++) {
            lanes a = *lanes_in(gradient + row * BLOCK), b = *lanes_in(second + row * BLOCK);
            if (half > 0)
                __builtin_prefetch(input + (rows + row) * BLOCK);
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

LANES_CLONES static void taps(size_t in_channels, size_t stride, size_t rows, size_t count,
                              bool add, const float *input, const float *gradient, float *weights) {
    enum { TAPS = PRODUCT_TAPS, BLOCKS = BLOCK == 16 ? 2 : 1 }; /* whose sums fit into registers */
    for (size_t half = 0; half < 2; half += BLOCKS) {
        lanes sums[TAPS][BLOCKS] = {0};
        for (size_t row = 0; row < count; row++)
            for (size_t tap = 0; tap < TAPS; tap++)
                for (size_t j = 0; j < BLOCKS; j++)
                    sums[tap][j] += input[row * stride + tap] *
                                    *lanes_in(gradient + ((half + j) * rows + row) * BLOCK);
        for (size_t tap = 0; tap < TAPS; tap++)
            for (size_t j = 0; j < BLOCKS; j++) {
                lanes *to =
                    lanes_at(weights + ((half + j) * TAPS * TAPS + tap) * in_channels * BLOCK);
                *to = add ? *to + sums[tap][j] : sums[tap][j];
            }
    }
}

const struct product_kernel LANES_NAME(product_kernel) = {
    .product = product, .window = window, .turned = turned, .outer = outer, .taps = taps};

#endif
