/* gpu_norm: a batch norm's launches (norm_kernels.h): the sums with what follows from them for each
 * channel, and one pass over the values. */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_NORM_H
#define ASSAY_WORKER_NN_CUDA_GPU_NORM_H

#include "worker/nn/cuda/gpu_place.h"

/* Whether the forward pass leaves a byte for each pack of the output, behind what is the channels',
 * in the node's `saved`. */
bool gpu_norm_keeps_open(const struct gpu_plan *plan, const struct node *node);

/* The sums of a norm of that output, but for where they stand. */
struct reduction gpu_norm_sums(const struct gpu_step *step);

bool gpu_norm_forward(const struct gpu_place *place, struct error *error);
bool gpu_norm_back(const struct gpu_place *place, struct error *error);

#endif
