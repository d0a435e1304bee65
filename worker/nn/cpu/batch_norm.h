/* batch_norm: batch normalisation on blocked activations, with the addition and the ReLU that
 * follow it in the same pass (Ioffe and Szegedy 2015; PyTorch's nn.BatchNorm2d).
 *
 * What is left to save beside the convolutions is memory traffic, so each pass reads and writes as
 * little as it can: the forward pass reads x twice and writes y once; the backward pass takes the
 * ReLU's mask from x (or from y where something was added) instead of storing one, adds the
 * gradients of the output's two readers on the way, and works in place. Sums are taken in double,
 * picture by picture, and added in the pictures' order, so that they do not depend on the number
 * of threads.
 */
#ifndef ASSAY_WORKER_NN_CPU_BATCH_NORM_H
#define ASSAY_WORKER_NN_CPU_BATCH_NORM_H

#include "worker/nn/cpu/map.h"

#include <stdbool.h>

struct batch_norm {
    struct map map;
    bool relu;
    bool frozen;           /* the running statistics are used, and kept */
    float *mean, *inverse; /* channels each: written by forward, read by backward */
    float *scale, *shift;  /* channels each: y = x * scale + shift */
    double *partial;       /* batch_norm_partial bytes of scratch */
};

/* Bytes of scratch for `partial`. */
size_t batch_norm_partial(const struct map *map);

/* residual: NULL or added before the ReLU. Updates the running statistics (the variance with
 * Bessel's correction). The batch must have more than one value a channel. */
void batch_norm_forward(const struct batch_norm *norm, const float *x, const float *residual,
                        const float *weight, const float *bias, float *running_mean,
                        float *running_variance, float *y);

/* Evaluation, or training of a frozen one: with the running statistics. y may be x. */
void batch_norm_evaluate(const struct batch_norm *norm, const float *x, const float *residual,
                         const float *weight, const float *bias, const float *running_mean,
                         const float *running_variance, float *y);

/* What comes in and goes out of the backward pass. */
struct batch_norm_gradients {
    const float *x;
    const float *y;      /* needed when there was a residual and a ReLU; else may be NULL */
    float *first;        /* gradient of y from its first reader; overwritten */
    const float *second; /* from its second reader, or NULL */
    /* Gradient of x; may be `first`, unless with_residual: then `first` is left holding the
     * gradient of the sum, which is the residual's gradient. NULL: not wanted. */
    float *dx;
    float *weight, *bias; /* gradients of the parameters; not touched when frozen */
};
void batch_norm_backward(const struct batch_norm *norm, bool with_residual, const float *weight,
                         const struct batch_norm_gradients *gradients);

#endif
