/* pointwise: a 1x1 convolution of stride 1, forward and backward, from the products of
 * product_kernel.h.
 *
 * For activations in blocks of 8 or 16 channels and weights as Ohwi8o or Ohwi16o, which of 1x1 is
 * [out_channels / block][in_channels][block]. Each picture's pixels are taken as they stand: of
 * few, those of several pictures together are faster (gathered.h). Unlike oneDNN's no result
 * depends on the number of threads or on the size of a block.
 */
#ifndef ASSAY_WORKER_NN_CPU_POINTWISE_H
#define ASSAY_WORKER_NN_CPU_POINTWISE_H

#include <stddef.h>

struct pointwise {
    size_t block;                     /* 8 or 16 channels */
    size_t count;                     /* pictures */
    size_t in_channels, out_channels; /* even numbers of blocks */
    size_t pixels;                    /* of a map */
};

/* Bytes of scratch memory. */
size_t pointwise_scratch(const struct pointwise *shape);

void pointwise_forward(const struct pointwise *shape, const float *input, const float *weights,
                       float *output);
void pointwise_backward_data(const struct pointwise *shape, const float *output_gradient,
                             const float *weights, float *input_gradient, float *scratch);
void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient);

#endif
