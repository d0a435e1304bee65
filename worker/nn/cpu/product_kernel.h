/* product_kernel: products of activations and weights, of which convolutions are made.
 *
 * Activations are rows of channels, [channels / 8][rows][8], be they pixels of a map or points of
 * tiles; weights are [out_channels / 8][in_channels][8]. Each sum is made in the order of its
 * index, whatever rows stand beside it.
 */
#ifndef ASSAY_WORKER_NN_CPU_PRODUCT_KERNEL_H
#define ASSAY_WORKER_NN_CPU_PRODUCT_KERNEL_H

#include "worker/nn/cpu/lanes.h"

#include <stdbool.h>
#include <stddef.h>

enum { PRODUCT_PAIR = 2 * LANES_BLOCK };

/* How many of `total` rows to take at a time, at most `most`: as even as can be. */
size_t product_run(size_t total, size_t most);

/* Whether they run in vectors of eight with FMA here. Of shorter ones compilers make code that is
 * fifty times slower: right, and of no use. */
bool product_is_fast(void);

/* output = input x weights: `count` rows of all input channels, a pair of blocks of output
 * channels. From one block of channels to the next are `rows` rows, in input and output. */
void product(size_t in_channels, size_t rows, size_t count, const float *input,
             const float *weights, float *output);

/* weights = input' x gradient, a block of input channels by a pair of output channels': the sum
 * over `count` rows, added to what stands there when `add`. */
void product_outer(size_t in_channels, size_t rows, size_t count, bool add, const float *input,
                   const float *gradient, float *weights);
/* The same of all channels, by the threads of the region that calls it together. None waits behind
 * it, and each has the same sums whenever the channels are as many. */
void product_outer_all(size_t in_channels, size_t out_channels, size_t rows, size_t count, bool add,
                       const float *input, const float *gradient, float *weights);

#endif
