/* winograd: a 3x3 convolution of stride 1 by minimal filtering, F(2x2, 3x3): 16 products in place
 * of 36 for four values of the output, forward and backward.
 * S. Winograd, Arithmetic Complexity of Computations (1980); A. Lavin and S. Gray, Fast Algorithms
 * for Convolutional Neural Networks, CVPR 2016 (the transforms A, B and G, and how little they
 * round). The input's gradient is the convolution of the output's with weights turned by half a
 * turn; the weights' is the transpose.
 *
 * For activations in blocks of 8 channels, which is what oneDNN likes with AVX2 alone, or of 16,
 * with AVX-512; weights are OIhw8i8o or OIhw16i16o. Sums are made in an order that follows the
 * shape alone: no result depends on the number of threads.
 */
#ifndef ASSAY_WORKER_NN_CPU_WINOGRAD_H
#define ASSAY_WORKER_NN_CPU_WINOGRAD_H

#include <stddef.h>

struct winograd {
    size_t block;                     /* 8 or 16 channels */
    size_t count;                     /* pictures */
    size_t in_channels, out_channels; /* even numbers of blocks */
    size_t height, width;             /* of input and output alike */
};

/* Bytes of scratch memory for each of the calls below, on no more threads than there may be now
 * (omp_get_max_threads). */
size_t winograd_scratch(const struct winograd *shape);

void winograd_forward(const struct winograd *shape, const float *input, const float *weights,
                      float *output, float *scratch);
void winograd_backward_data(const struct winograd *shape, const float *output_gradient,
                            const float *weights, float *input_gradient, float *scratch);
void winograd_backward_weights(const struct winograd *shape, const float *input,
                               const float *output_gradient, float *weights_gradient,
                               float *scratch);

#endif
