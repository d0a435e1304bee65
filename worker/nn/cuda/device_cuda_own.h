/* device_cuda_own: what the files of the CUDA device share, and nobody else sees. */
#ifndef ASSAY_WORKER_NN_CUDA_DEVICE_CUDA_OWN_H
#define ASSAY_WORKER_NN_CUDA_DEVICE_CUDA_OWN_H

#include "worker/nn/cuda/choices.h"
#include "worker/nn/cuda/device.h"
#include "worker/nn/cuda/ledger.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

/* Where everything is queued, and what is forked. */
enum queue { QUEUE_MAIN, QUEUE_FORK, QUEUES };

struct cuda_device {
    struct device calls; /* first: a struct device * is one to this */
    int index;
    cudaStream_t queues[QUEUES], stream; /* stream: the one of them that is queued to now */
    cudaStream_t aside;                  /* uploads beside them */
    cudaEvent_t uploaded, forked, fork_ends[DEVICE_FORKS];
    cudaEvent_t marks[DEVICE_MARKS];
    cudnnHandle_t cudnn;
    cublasHandle_t cublas;
    void *cublas_memory[QUEUES];
    struct ledger memory; /* of the device, cuBLAS's as well */
    /* of engines, from one run to the next; choices NULL: nothing is remembered */
    struct choices *choices;
    char *choices_path;
    char name[CHOICE_DEVICE];
};

static inline struct cuda_device *own(struct device *device) {
    return (struct cuda_device *)device;
}

/* True when the call succeeded; else it failed while doing `what`. CUDA forgets the failure where
 * it can: it would be told once more of the next kernel that this thread launches (launch.cu). */
static inline bool cuda_done(cudaError_t status, const char *what, struct error *error) {
    if (status == cudaSuccess)
        return true;
    cudaGetLastError();
    return error_machine(error, "CUDA: %s: %s (%s)", what, cudaGetErrorString(status),
                         cudaGetErrorName(status));
}

/* The current device is the calling thread's, and a model may move from thread to thread. */
static inline bool enter(const struct cuda_device *device, struct error *error) {
    return cuda_done(cudaSetDevice(device->index), "the device cannot be used", error);
}

/* Sets what of the calls is about memory and copies (device_cuda_memory.c). */
void device_cuda_memory(struct device *calls);

#endif
