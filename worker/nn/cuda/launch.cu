// The one file of CUDA C++: every kernel of kernel.h, a thread of the GPU a thread of the kernel.
#include "worker/nn/cuda/launch.h"

static const unsigned BLOCK = 256;

#define KERNEL_GLOBAL(name)                                                                        \
    static __global__ void run_##name(const struct name arguments, size_t threads) {               \
        size_t thread = (size_t)blockIdx.x * BLOCK + threadIdx.x;                                  \
        if (thread < threads)                                                                      \
            name(&arguments, thread);                                                              \
    }
KERNELS(KERNEL_GLOBAL)

#define KERNEL_CASE(name)                                                                          \
    case KERNEL_##name:                                                                            \
        run_##name<<<blocks, BLOCK, 0, stream>>>(*(const struct name *)arguments, threads);        \
        break;

cudaError_t kernel_launch(enum kernel kernel, const void *arguments, size_t threads,
                          cudaStream_t stream) {
    size_t needed = (threads + BLOCK - 1) / BLOCK;
    if (needed == 0)
        return cudaSuccess;
    if (needed > 0x7fffffff)
        return cudaErrorInvalidConfiguration;
    unsigned blocks = (unsigned)needed;
    switch (kernel) {
        KERNELS(KERNEL_CASE)
    case KERNEL_COUNT: return cudaErrorInvalidValue;
    }
    return cudaGetLastError();
}
