/* stem: a network's first convolution, 7x7 over pictures as they come, forward and backward to its
 * weights, from the products of product_kernel.h.
 *
 * For pictures as NCHW, the output in blocks of 8 or 16 channels, weights as Ohwi8o or Ohwi16o. No
 * result depends on the number of threads or on the size of a block.
 */
#ifndef ASSAY_WORKER_NN_CPU_STEM_H
#define ASSAY_WORKER_NN_CPU_STEM_H

#include <stddef.h>

struct stem {
    size_t block;         /* 8 or 16 channels */
    size_t count;         /* pictures */
    size_t in_channels;   /* of a picture */
    size_t out_channels;  /* an even number of blocks */
    size_t height, width; /* of a picture */
    size_t stride;        /* the padding is 3 */
};

/* Bytes of scratch memory. */
size_t stem_scratch(const struct stem *shape);

void stem_forward(const struct stem *shape, const float *input, const float *weights, float *output,
                  float *scratch);
void stem_backward_weights(const struct stem *shape, const float *input,
                           const float *output_gradient, float *weights_gradient, float *scratch);

#endif
