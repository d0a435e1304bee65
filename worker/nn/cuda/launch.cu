// The one file of CUDA C++: every kernel of kernel.h, a thread of the GPU a thread of the kernel.
#include "worker/nn/cuda/launch.h"

static const unsigned BLOCK = REDUCE_THREADS;

#define THREAD_GLOBAL(name)                                                                        \
    static __global__ void run_##name(const struct name arguments, size_t threads) {               \
        size_t thread = (size_t)blockIdx.x * BLOCK + threadIdx.x;                                  \
        if (thread < threads)                                                                      \
            name(&arguments, thread);                                                              \
    }
THREAD_KERNELS(THREAD_GLOBAL)

// Whether this block is the last of so many to come here, and sees what the others wrote before.
// One thread's fences are enough, since the block's barriers stand between its threads and that one.
static __device__ bool last_of(unsigned *ticket, unsigned expected) {
    __shared__ bool last;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        last = atomicAdd(ticket, 1) + 1 == expected;
        if (last) {
            *ticket = 0;
            __threadfence();
        }
    }
    __syncthreads();
    return last;
}

// What a block of a reduction does once its threads have their sums; true: this is the block that
// has the totals.
static __device__ bool reduce(const struct reduction *at, struct reduce_block *shared) {
    unsigned block = blockIdx.x, thread = threadIdx.x;
    __syncthreads();
    reduce_lanes(at, block, thread, shared);
    if (at->groups > 0) {
        if (!last_of(reduce_group_ticket(at, block), reduce_group_blocks(at, block)))
            return false;
        reduce_fold(at, block, thread);
    }
    if (!last_of(reduce_tile_ticket(at, block), reduce_tile_blocks(at)))
        return false;
    reduce_total(at, block, thread, shared);
    __syncthreads();
    return true;
}

#define REDUCTION_GLOBAL(name)                                                                     \
    static __global__ void __launch_bounds__(REDUCE_THREADS, 2)                                    \
        run_##name(const struct name arguments, size_t threads) {                                  \
        __shared__ struct reduce_block shared;                                                     \
        float sums[REDUCE_SUMS][PACK_MAX] = {};                                                    \
        unsigned block = blockIdx.x, thread = threadIdx.x;                                         \
        if (!reduce_idle(&arguments.at, block, thread))                                            \
            name##_gather(&arguments, block, thread, sums);                                        \
        reduce_keep(&shared, thread, sums);                                                        \
        if (!reduce(&arguments.at, &shared) || thread >= reduce_width(&arguments.at) ||            \
            reduce_channel(&arguments.at, block, thread) >= arguments.at.channels)                 \
            return;                                                                                \
        const double totals[REDUCE_SUMS] = {shared.totals[0][thread], shared.totals[1][thread]};   \
        name##_finish(&arguments, reduce_channel(&arguments.at, block, thread), totals);           \
    }
REDUCTIONS(REDUCTION_GLOBAL)

#define KERNEL_CASE(name)                                                                          \
    case KERNEL_##name:                                                                            \
        run_##name<<<blocks, BLOCK, 0, stream>>>(*(const struct name *)arguments, threads);        \
        break;

cudaError_t kernel_launch(enum kernel kernel, const void *arguments, size_t threads,
                          cudaStream_t stream) {
    size_t needed = (threads + BLOCK - 1) / BLOCK;
    if (needed == 0)
        return cudaSuccess;
    if (threads > 0xffffffff) // kernels count threads in 32 bits
        return cudaErrorInvalidConfiguration;
    unsigned blocks = (unsigned)needed;
    switch (kernel) {
        KERNELS(KERNEL_CASE)
    case KERNEL_COUNT: return cudaErrorInvalidValue;
    }
    return cudaGetLastError();
}
