/* gathered: a convolution of any kernel up to GATHERED_KERNEL and any stride, forward and backward,
 * from products (product.h) of pixels that are gathered beside each other: the values under a tap,
 * or the output's gradients above it.
 *
 * For activations in blocks of 8 or 16 channels and weights as Ohwi8o or Ohwi16o, which stand as
 * [out_channels / block][taps * in_channels][block].
 * No result depends on the number of threads or on the size of a block.
 */
#ifndef ASSAY_WORKER_NN_CPU_GATHERED_H
#define ASSAY_WORKER_NN_CPU_GATHERED_H

#include <stddef.h>

enum { GATHERED_KERNEL = 7 };

struct gathered {
    size_t block;                     /* 8 or 16 channels */
    size_t count;                     /* pictures */
    size_t in_channels, out_channels; /* even numbers of blocks */
    size_t height, width;             /* of the input */
    size_t kernel, stride, padding;
};

/* Bytes of scratch memory. */
size_t gathered_scratch(const struct gathered *shape);

void gathered_forward(const struct gathered *shape, const float *input, const float *weights,
                      float *output, float *scratch);
void gathered_backward_data(const struct gathered *shape, const float *output_gradient,
                            const float *weights, float *input_gradient, float *scratch);
void gathered_backward_weights(const struct gathered *shape, const float *input,
                               const float *output_gradient, float *weights_gradient,
                               float *scratch);

#endif
