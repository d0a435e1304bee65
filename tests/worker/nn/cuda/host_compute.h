/* host_compute: the host device's matrix products and convolutions, as plain loops; they count what
 * they are asked for in host_device_counts. */
#ifndef ASSAY_TESTS_WORKER_NN_CUDA_HOST_COMPUTE_H
#define ASSAY_TESTS_WORKER_NN_CUDA_HOST_COMPUTE_H

#include "worker/nn/cuda/device.h"

void compute_product(const struct device_product *p);

/* As struct device has them. */
bool compute_convolution_new(struct device *device, const struct convolution_task *task,
                             enum pass pass, struct device_convolution **convolution,
                             size_t *workspace, struct error *error);
void compute_convolution_free(struct device *device, struct device_convolution *convolution);
void compute_convolution(const struct device_convolution *c, void *x, void *w, void *y,
                         void *workspace);

#endif
