/* convolution: one convolution of a plan, forward and backward: by kernels of our own, in blocks of
 * 8 or 16 channels (winograd.h, pointwise.h, gathered.h, stem.h), or else on oneDNN (primitives.h).
 *
 * Activations are held in the plan's layout (map.h), weights in one that each of these has.
 */
#ifndef ASSAY_WORKER_NN_CPU_CONVOLUTION_H
#define ASSAY_WORKER_NN_CPU_CONVOLUTION_H

#include "worker/nn/cpu/onednn.h"
#include "worker/nn/network.h"

struct convolution;

struct convolution_shape {
    size_t count; /* pictures */
    struct shape in, out;
    int kernel, stride, padding;
    size_t block;     /* channels a block of the activations */
    bool plain_input; /* the input is NCHW as it came */
    bool training;
    bool weights_gradient; /* with backward weights (training only) */
    bool input_gradient;   /* with backward data (training only) */
};

bool convolution_new(const struct onednn *onednn, const struct convolution_shape *shape,
                     struct convolution **convolution, struct error *error);
void convolution_free(struct convolution *convolution);

/* The layout in which weights and their gradients are held. */
const onednn_layout *convolution_weights(const struct convolution *convolution);
/* Bytes of scratch memory that each of the calls below needs, 64-byte aligned. */
size_t convolution_scratch(const struct convolution *convolution);

bool convolution_forward(const struct convolution *convolution, const float *input,
                         const float *weights, float *output, void *scratch, struct error *error);
bool convolution_backward_data(const struct convolution *convolution, const float *output_gradient,
                               const float *weights, float *input_gradient, void *scratch,
                               struct error *error);
bool convolution_backward_weights(const struct convolution *convolution, const float *input,
                                  const float *output_gradient, float *weights_gradient,
                                  void *scratch, struct error *error);

#endif
