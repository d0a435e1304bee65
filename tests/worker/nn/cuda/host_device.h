/* host_device: a device (worker/nn/cuda/device.h) whose memory is the host's. Kernels run thread
 * after thread, convolutions and products are plain loops. What it computes is what a GPU
 * computes, up to the rounding of sums. */
#ifndef ASSAY_TESTS_WORKER_NN_CUDA_HOST_DEVICE_H
#define ASSAY_TESTS_WORKER_NN_CUDA_HOST_DEVICE_H

#include "worker/nn/backend.h"
#include "worker/nn/cuda/device.h"

/* What the last device was asked for. */
struct host_device_counts {
    size_t allocations, bytes, most_bytes; /* held now (the first with pinned); at most, so far */
    size_t launches[KERNEL_COUNT], convolutions[PASSES], products;
    size_t prepared[PASSES]; /* convolutions, for any number of times */
    size_t uploaded_bytes;
    size_t recordings, replays, forks;
    size_t downloads, waits; /* downloads that nobody waited for; waits for a mark, or for all */
    size_t tensor_cores, without_tensor_cores; /* convolutions and products that may and may not */
};
extern struct host_device_counts host_device_counts;
/* How much memory devices give before they say that there is no more. */
extern size_t host_device_room;
/* The kernel whose launches fail; KERNEL_COUNT: none. */
extern enum kernel host_device_fails;
/* Whether recordings fail. */
extern bool host_device_refuses;

struct device *host_device_new(void);

/* The engine on such a device. */
extern const struct backend backend_host;

#endif
