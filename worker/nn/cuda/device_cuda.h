/* device_cuda: a CUDA device as the engine asks for it: cuDNN, cuBLAS, the kernels of launch.cu. */
#ifndef ASSAY_WORKER_NN_CUDA_DEVICE_CUDA_H
#define ASSAY_WORKER_NN_CUDA_DEVICE_CUDA_H

#include "worker/nn/backend.h"
#include "worker/nn/cuda/device.h"

/* The one that the options name. */
bool device_cuda_new(const struct model_options *options, struct device **device,
                     struct error *error);

#endif
