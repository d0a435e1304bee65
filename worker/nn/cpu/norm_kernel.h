/* norm_kernel: the loops of batch norm, over one chunk of activations (map.h) each.
 *
 * What is a channel's is given as LANES floats, lane i for channel i % block. Sums are norm_sums
 * doubles of the first kind and as many of the second: doubles, because mean and deviation are
 * differences of sums, and differ by far less than the 1e8 at which those would suffer.
 */
#ifndef ASSAY_WORKER_NN_CPU_NORM_KERNEL_H
#define ASSAY_WORKER_NN_CPU_NORM_KERNEL_H

#include "worker/nn/cpu/map.h"

#include <stdbool.h>

/* How the backward kernels find where the ReLU let the gradient through. */
enum norm_mask {
    MASK_NONE, /* there is no ReLU */
    MASK_X,    /* by x * scale + shift */
    MASK_Y     /* by the output, which a residual went into */
};

struct norm_lanes {
    float scale[LANES], shift[LANES]; /* y = x * scale + shift */
    float mean[LANES];
    float slope[LANES], offset[LANES]; /* dx = scale * g - (x - mean) * slope - offset */
};

enum { NORM_SUMS = 2 * LANES };

/* How many sums of a kind are kept apart in blocks of so many channels: value i of a chunk counts
 * to sum i % norm_sums. Of blocks of 8 and of 16 those are even pixels and odd ones, so that both
 * have the same sums. NORM_SUMS at most. */
static inline size_t norm_sums(size_t block) {
    return block == 16 ? NORM_SUMS : LANES;
}

/* Sums of x and of x squared. */
void norm_chunk_moments(const float *x, size_t floats, size_t block, double *sums);

/* y = [relu](x * scale + shift [+ residual]); y may be x, residual may be NULL. */
void norm_chunk_apply(const float *x, const float *residual, const float *scale, const float *shift,
                      size_t floats, bool relu, float *y);

/* Sums of g and of g x, where g is the gradient (`first` + `second`, which may be NULL) that the
 * ReLU lets through. `store` leaves g in `first`; without it, `first` is left holding the sum. */
void norm_chunk_reduce(enum norm_mask mask, bool store, const float *x, const float *y,
                       float *first, const float *second, const struct norm_lanes *lanes,
                       size_t floats, size_t block, double *sums);

/* dx as in struct norm_lanes; mask is MASK_NONE or MASK_X, dx may be `gradient`. */
void norm_chunk_finish(enum norm_mask mask, const float *x, const float *gradient,
                       const struct norm_lanes *lanes, size_t floats, float *dx);

#endif
