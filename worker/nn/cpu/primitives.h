/* primitives: a convolution that is oneDNN's, forward and backward, where no kernel of our own
 * takes it (convolution.h).
 *
 * Weights are held in the layout that the forward pass prefers. Every primitive is asked with
 * format `any`; where it prefers another layout than the one held, the operand is reordered through
 * scratch memory. That is cheap for weights and saves small maps: at 2x2, oneDNN 2.6 has no fast
 * backward-weights for the layouts that the other passes prefer, only `ref`, which is a thousand
 * times slower.
 */
#ifndef ASSAY_WORKER_NN_CPU_PRIMITIVES_H
#define ASSAY_WORKER_NN_CPU_PRIMITIVES_H

#include "worker/nn/cpu/convolution.h"

struct primitives;

/* How many channels oneDNN likes to hold together on this machine: 16, 8 or 1 (NCHW). */
bool primitives_block(const struct onednn *onednn, const struct convolution_shape *shape,
                      size_t *block, struct error *error);

bool primitives_new(const struct onednn *onednn, const struct convolution_shape *shape,
                    struct primitives **primitives, struct error *error);
void primitives_free(struct primitives *primitives);

/* As convolution.h has them. */
const onednn_layout *primitives_weights(const struct primitives *primitives);
size_t primitives_scratch(const struct primitives *primitives);
bool primitives_forward(const struct primitives *primitives, const float *input,
                        const float *weights, float *output, void *scratch, struct error *error);
bool primitives_backward_data(const struct primitives *primitives, const float *output_gradient,
                              const float *weights, float *input_gradient, void *scratch,
                              struct error *error);
bool primitives_backward_weights(const struct primitives *primitives, const float *input,
                                 const float *output_gradient, float *weights_gradient,
                                 void *scratch, struct error *error);

#endif
