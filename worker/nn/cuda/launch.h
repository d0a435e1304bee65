/* launch: the kernels compiled for the GPU. */
#ifndef ASSAY_WORKER_NN_CUDA_LAUNCH_H
#define ASSAY_WORKER_NN_CUDA_LAUNCH_H

#include "worker/nn/cuda/kernel.h"

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C"
#endif
    /* Queues the kernel on the stream; its arguments are copied. No threads: nothing. */
    cudaError_t
    kernel_launch(enum kernel kernel, const void *arguments, size_t threads, cudaStream_t stream);

#endif
