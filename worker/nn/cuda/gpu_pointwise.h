/* gpu_pointwise: 1x1 convolutions in true floats as matrix products whose rows are pixels.
 *
 * cuDNN has engines for them, but without tensor cores they take several times as long as cuBLAS'
 * products of the same size: NHWC activations are such matrices as they stand. With a stride, the
 * rows that the window meets are copied together first (or, going back, spread over the map).
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_POINTWISE_H
#define ASSAY_WORKER_NN_CUDA_GPU_POINTWISE_H

#include "worker/nn/cuda/device.h"

/* Whether a convolution is carried out here: 1x1, unpadded, of floats that must not be rounded to
 * TF32, and of no more pixels than a product has rows (cuBLAS counts them in an int). */
bool gpu_pointwise_takes(const struct convolution_task *task);

/* Bytes of scratch memory that gpu_pointwise_run needs, in any pass. */
size_t gpu_pointwise_scratch(const struct convolution_task *task);

/* As device->convolve, of a task that is taken. */
bool gpu_pointwise_run(struct device *device, const struct convolution_task *task, enum pass pass,
                       void *x, void *w, void *y, void *scratch, struct error *error);

#endif
