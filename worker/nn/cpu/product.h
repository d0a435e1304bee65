/* product: products of activations and weights, of which convolutions are made, on the kernels of
 * product_kernel.h.
 */
#ifndef ASSAY_WORKER_NN_CPU_PRODUCT_H
#define ASSAY_WORKER_NN_CPU_PRODUCT_H

#include "worker/nn/cpu/product_kernel.h"

/* Rows to be summed over in one go, at most: they stay in the first cache. As many for blocks of 8
 * and of 16 channels, so that both have the same sums. */
enum { PRODUCT_RUN = 96 };

/* How many of `total` rows to take at a time, at most `most`: as even as can be. */
size_t product_run(size_t total, size_t most);

enum { PRODUCT_CHUNK = 192 };

/* Rows of so many channels, in and out, whose products a thread takes on at a time, at most: they
 * stay in the second cache. PRODUCT_CHUNK at most; no bit depends on it. */
size_t product_chunk(size_t channels);

/* Whether so many rows, `run` at a time, are less than two runs for each thread: then all threads
 * are to share each run. */
bool product_is_shared(size_t total, size_t run);

/* Whether those for blocks of so many channels run in vectors as long as a block, with FMA. Of
 * shorter ones compilers make code that is fifty times slower: right, and of no use. */
bool product_is_fast(size_t block);

/* For blocks of 8 or 16 channels. */
const struct product_kernel *product_kernel(size_t block);

/* turned (product_kernel.h) of all weights, [out_channels / block][taps][in_channels][block], into
 * [taps][in_channels / block][out_channels][block]. */
void product_turn_all(size_t block, size_t taps, size_t in_channels, size_t out_channels,
                      const float *weights, float *turned);

/* outer (product_kernel.h) of all channels and all rows, `run` of these at a time, by the threads
 * of the region that calls it together. None waits behind it, and each has the same sums whenever
 * the channels are as many. */
void product_outer_all(size_t block, size_t in_channels, size_t out_channels, size_t rows,
                       size_t run, bool add, const float *input, const float *gradient,
                       float *weights);

#endif
