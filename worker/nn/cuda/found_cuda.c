#include "worker/nn/cuda/found_cuda.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <stdio.h>

enum { OLDEST = 800 }; /* the least compute capability that launch.cu is compiled for: 8.0 */

/* What failed is not told again of this thread's next launch. */
static bool refuse(char *what, size_t size, const char *why) {
    cudaGetLastError();
    snprintf(what, size, "%s", why);
    return false;
}

uint64_t found_cuda_memory_bytes(int index) {
    struct cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, index) == cudaSuccess)
        return properties.totalGlobalMem;
    cudaGetLastError();
    return 0;
}

bool found_cuda_describe(int index, char *what, size_t size) {
    struct cudaDeviceProp properties;
    int count = 0, driver = 0;
    size_t left = 0, total = 0, cudnn = cudnnGetVersion();
    cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess)
        return refuse(what, size, cudaGetErrorString(status));
    if (index >= count) {
        snprintf(what, size, "there is no GPU %d, this machine has %d", index, count);
        return false;
    }
    status = cudaGetDeviceProperties(&properties, index);
    if (status == cudaSuccess)
        status = cudaSetDevice(index);
    if (status == cudaSuccess)
        status = cudaMemGetInfo(&left, &total);
    if (status == cudaSuccess)
        status = cudaDriverGetVersion(&driver);
    if (status != cudaSuccess)
        return refuse(what, size, cudaGetErrorString(status));
    if (100 * properties.major + 10 * properties.minor < OLDEST) {
        snprintf(what, size, "%s is of compute capability %d.%d, 8.0 is the least that can be used",
                 properties.name, properties.major, properties.minor);
        return false;
    }
    snprintf(what, size,
             "%s, compute capability %d.%d, driver %d.%d, cuDNN %zu.%zu.%zu, %.1f of %.1f GiB free",
             properties.name, properties.major, properties.minor, driver / 1000, driver % 1000 / 10,
             cudnn / 10000, cudnn / 100 % 100, cudnn % 100, (double)left / (1 << 30),
             (double)total / (1 << 30));
    return true;
}
