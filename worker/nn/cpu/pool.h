/* pool: 3x3 stride 2 maximum and global average on blocked activations (map.h). */
#ifndef ASSAY_WORKER_NN_CPU_POOL_H
#define ASSAY_WORKER_NN_CPU_POOL_H

#include "worker/nn/cpu/map.h"

#include <stdint.h>

/* `taps` (one byte for each output, or NULL) keeps which of the 9 taps won: the first of equals,
 * as in PyTorch. `to` is `from` with its sides halved, rounded up. */
void max_pool_forward(const struct map *from, const struct map *to, const float *input,
                      float *output, uint8_t *taps);
/* second: the gradient from the output's other reader, or NULL. */
void max_pool_backward(const struct map *from, const struct map *to, const float *first,
                       const float *second, const uint8_t *taps, float *input_gradient);

/* The pooled values are plain: count x channels. */
void average_pool_forward(const struct map *from, const float *input, float *output);
void average_pool_backward(const struct map *from, const float *output_gradient,
                           float *input_gradient);

#endif
