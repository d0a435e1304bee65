/* gathered: gradients of the weights of a convolution of any kernel and stride, from products
 * (product.h) of the output's gradient and the values under each tap, gathered beside each
 * other.
 *
 * For activations in blocks of 8 or 16 channels and weights as OIhw8i8o or OIhw16i16o, which stand
 * as [out_channels / block][in_channels / block][taps][block][block]: those of in_channels * taps
 * gathered channels.
 * No result depends on the number of threads.
 */
#ifndef ASSAY_WORKER_NN_CPU_GATHERED_H
#define ASSAY_WORKER_NN_CPU_GATHERED_H

#include <stddef.h>

struct gathered {
    size_t block;                     /* 8 or 16 channels */
    size_t count;                     /* pictures */
    size_t in_channels, out_channels; /* even numbers of blocks */
    size_t height, width;             /* of the input */
    size_t kernel, stride, padding;
};

/* Bytes of scratch memory. */
size_t gathered_scratch(const struct gathered *shape);

void gathered_backward_weights(const struct gathered *shape, const float *input,
                               const float *output_gradient, float *weights_gradient,
                               float *scratch);

#endif
