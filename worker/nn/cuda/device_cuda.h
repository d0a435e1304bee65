/* device_cuda: a CUDA device as the engine asks for it: cuDNN, cuBLAS, the kernels of launch.cu. */
#ifndef ASSAY_WORKER_NN_CUDA_DEVICE_CUDA_H
#define ASSAY_WORKER_NN_CUDA_DEVICE_CUDA_H

#include "worker/nn/cuda/device.h"

/* True when device `index` can be used; `what` gets a line on it or on why not. */
bool device_cuda_describe(int index, char *what, size_t size);
uint64_t device_cuda_memory_bytes(int index); /* all of its own; 0 when it cannot be asked */

bool device_cuda_new(int index, struct device **device, struct error *error);

#endif
