/* head_kernels: what stands on plain rows (count x features) of floats: the linear layers' biases
 * and ReLUs, dropout, the loss; and the update of the weights. */
#ifndef ASSAY_WORKER_NN_CUDA_HEAD_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_HEAD_KERNELS_H

#include "core/philox.h"
#include "worker/nn/cross_entropy.h"
#include "worker/nn/cuda/element.h"
#include "worker/nn/update_rule.h"

#include <stdbool.h>

/* What changes from step to step; stands in the device's memory, so that the same launches serve
 * every step. */
struct step_numbers {
    struct update_rule rule;
    double class_weights; /* summed over the batch's labels */
    size_t results;       /* how many floats behind the first batch's its losses and logits go */
    uint32_t epoch;
};

/* Thread: an output. output = [relu](output + bias), in place. */
struct linear_bias {
    size_t features;
    bool relu;
    const float *bias;
    float *output;
};

PORTABLE void linear_bias(const struct linear_bias *a, size_t thread) {
    float value = a->output[thread] + a->bias[thread % a->features];
    a->output[thread] = a->relu && value <= 0 ? 0 : value;
}

/* Thread: an output. The gradient where the ReLU was shut becomes zero. */
struct linear_mask {
    const float *output;
    float *gradient;
};

PORTABLE void linear_mask(const struct linear_mask *a, size_t thread) {
    if (a->output[thread] <= 0)
        a->gradient[thread] = 0;
}

/* Thread: a feature. */
struct linear_bias_gradient {
    size_t rows, features;
    const float *gradient;
    float *bias_gradient;
};

PORTABLE void linear_bias_gradient(const struct linear_bias_gradient *a, size_t feature) {
    double sum = 0;
    for (size_t row = 0; row < a->rows; row++)
        sum += (double)a->gradient[row * a->features + feature];
    a->bias_gradient[feature] = (float)sum;
}

/* Thread: a value. Forward and backward alike: to = from * (0 or 1 / (1 - p)), drawn from (seed,
 * epoch, sample), feature after feature, as worker/nn/cpu/head.h draws. May be in place. */
struct dropout_apply {
    size_t features;
    double probability;
    uint64_t seed;
    uint32_t purpose; /* RANDOM_DROPOUT */
    const struct step_numbers *numbers;
    const uint64_t *samples;
    const float *from;
    float *to;
};

PORTABLE void dropout_apply(const struct dropout_apply *a, size_t thread) {
    size_t row = thread / a->features, feature = thread % a->features;
    uint32_t word =
        philox_word(a->seed, a->purpose, a->numbers->epoch, a->samples[row], (uint32_t)feature);
    float factor = philox_uniform(word) < a->probability ? 0 : (float)(1 / (1 - a->probability));
    a->to[thread] = a->from[thread] * factor;
}

/* Thread: a picture. */
struct loss_rows {
    struct loss loss;
    const struct step_numbers *numbers;
    const float *logits;
    const int32_t *labels;
    float *losses;   /* the first batch's, as kept is */
    float *kept;     /* where the logits go beside the losses, to be read together */
    float *gradient; /* or NULL */
};

PORTABLE void loss_rows(const struct loss_rows *a, size_t row) {
    float *kept = a->kept + a->numbers->results + 2 * row;
    kept[0] = a->logits[2 * row];
    kept[1] = a->logits[2 * row + 1];
    a->losses[a->numbers->results + row] =
        cross_entropy_row(&a->loss, a->numbers->class_weights, a->logits + 2 * row, a->labels[row],
                          a->gradient == NULL ? NULL : a->gradient + 2 * row);
}

/* Thread: four weights. All trained weights are one array, whatever their layers: one launch. m and
 * v may be NULL where the optimizer keeps none. With `copies` the first `kernels` weights'
 * gradients are bf16, at the front of `gradients`, and the weights are copied as bf16 as well. */
struct weights_update {
    const struct step_numbers *numbers;
    const float *gradients;
    float *values, *m, *v;
    size_t kernels; /* a multiple of four */
    void *copies;   /* or NULL */
};

PORTABLE void weights_update(const struct weights_update *a, size_t thread) {
    const struct update_rule *rule = &a->numbers->rule;
    bool narrow = a->copies != NULL && 4 * thread < a->kernels;
    struct quad value = quad_load(a->values, ELEMENT_F32, thread);
    struct quad gradient = quad_load(a->gradients, narrow ? ELEMENT_BF16 : ELEMENT_F32, thread);
    struct quad m = gradient, v = gradient;
    if (a->m != NULL)
        m = quad_load(a->m, ELEMENT_F32, thread);
    if (a->v != NULL)
        v = quad_load(a->v, ELEMENT_F32, thread);
    for (int i = 0; i < 4; i++)
        if (rule->name != OPTIMIZER_SGD)
            update_adam(rule, &value.v[i], gradient.v[i], &m.v[i], &v.v[i]);
        else if (rule->momentum > 0)
            update_roll(rule, &value.v[i], gradient.v[i], &m.v[i]);
        else
            update_descend(rule, &value.v[i], gradient.v[i]);
    quad_store(a->values, ELEMENT_F32, thread, value);
    if (a->m != NULL)
        quad_store(a->m, ELEMENT_F32, thread, m);
    if (a->v != NULL)
        quad_store(a->v, ELEMENT_F32, thread, v);
    if (narrow)
        quad_store(a->copies, ELEMENT_BF16, thread, value);
}

#endif
