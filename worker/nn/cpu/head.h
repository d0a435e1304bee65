/* head: what stands on plain rows (count x features): linear layers, dropout, the loss. */
#ifndef ASSAY_WORKER_NN_CPU_HEAD_H
#define ASSAY_WORKER_NN_CPU_HEAD_H

#include "core/experiment.h"

#include <stddef.h>
#include <stdint.h>

struct linear {
    size_t count, in, out;
    bool relu;
};

/* output = [relu](input x weight^T + bias); weight is out x in. */
void linear_forward(const struct linear *linear, const float *input, const float *weight,
                    const float *bias, float *output);
/* output_gradient is overwritten where the ReLU was shut. weight_gradient with bias_gradient, and
 * input_gradient, may be NULL where they are not wanted. */
void linear_backward(const struct linear *linear, const float *input, const float *weight,
                     const float *output, float *output_gradient, float *weight_gradient,
                     float *bias_gradient, float *input_gradient);

struct dropout {
    size_t count, features;
    double probability; /* of dropping, below 1 */
    uint64_t seed;
    uint32_t epoch;
    const uint64_t *samples;
};

/* factors[i] is 0 or 1 / (1 - p), drawn from (seed, epoch, sample), feature after feature. */
void dropout_draw(const struct dropout *dropout, float *factors);
/* to = from * factors; may be in place. */
void dropout_apply(size_t floats, const float *from, const float *factors, float *to);

/* torch.nn.CrossEntropyLoss of two logits a row, in double inside. losses: each row's weighted and
 * smoothed part of it, count in all. gradient (count x 2, or NULL): with respect to the logits, of
 * the sum of losses over the sum of the labels' weights. */
void cross_entropy(const struct loss *loss, size_t count, const float *logits,
                   const int32_t *labels, float *losses, float *gradient);

#endif
