/* pointwise: gradients of the weights of a 1x1 convolution of stride 1, from the products of
 * product_kernel.h.
 *
 * For activations in blocks of 8 or 16 channels and weights as OIhw8i8o or OIhw16i16o, which of 1x1
 * is [out_channels / block][in_channels][block]. About as fast as oneDNN's, and unlike its sums no
 * result depends on the number of threads.
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

void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient);

#endif
