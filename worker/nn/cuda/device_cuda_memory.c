#include "worker/nn/cuda/device_cuda_own.h"

static size_t room(struct device *device) {
    size_t left = 0, total = 0;
    bool known = enter(own(device), NULL) && cuda_done(cudaMemGetInfo(&left, &total), "room", NULL);
    return known ? left : 0;
}

static size_t most(struct device *device) {
    return own(device)->memory.most;
}

static bool clear(struct device *device, void *memory, size_t bytes, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaMemsetAsync(memory, 0, bytes, cuda->stream), "clearing memory", error);
}

/* Whoever frees memory may do so while steps or copies that use it are under way, and whether CUDA
 * waits for them is left open. */
static void settle(struct cuda_device *cuda) {
    enter(cuda, NULL);
    cuda_done(cudaStreamSynchronize(cuda->queues[QUEUE_FORK]), "a step", NULL);
    cuda_done(cudaStreamSynchronize(cuda->queues[QUEUE_MAIN]), "a step", NULL);
    cuda_done(cudaStreamSynchronize(cuda->aside), "a copy", NULL);
}

static void release(struct device *device, void *memory) {
    struct cuda_device *cuda = own(device);
    ledger_remove(&cuda->memory, memory);
    settle(cuda);
    cudaFree(memory);
}

static bool allocate(struct device *device, size_t bytes, void **memory, struct error *error) {
    struct cuda_device *cuda = own(device);
    *memory = NULL;
    if (!enter(cuda, error))
        return false;
    cudaError_t status = cudaMalloc(memory, bytes > 0 ? bytes : 1);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError(); /* it is not sticky: what follows may succeed */
        return error_set(
            error, ERROR_FAILED,
            "GPU %d has no %.1f MiB of memory left, %.1f MiB are free; a smaller batch needs less",
            cuda->index, (double)bytes / (1 << 20), (double)room(device) / (1 << 20));
    }
    if (!cuda_done(status, "memory", error))
        return false;
    if (ledger_add(&cuda->memory, *memory, bytes, error) && clear(device, *memory, bytes, error) &&
        device->finish(device, error)) /* uploads may come aside */
        return true;
    release(device, *memory);
    return false;
}

static bool pin(struct device *device, size_t bytes, void **memory, struct error *error) {
    return enter(own(device), error) &&
           cuda_done(cudaMallocHost(memory, bytes > 0 ? bytes : 1), "pinned memory", error);
}

static void unpin(struct device *device, void *memory) {
    settle(own(device));
    cudaFreeHost(memory);
}

/* Queued on the stream. */
static bool copy(struct cuda_device *cuda, cudaStream_t stream, enum cudaMemcpyKind kind, void *to,
                 const void *from, size_t bytes, struct error *error) {
    return enter(cuda, error) &&
           cuda_done(cudaMemcpyAsync(to, from, bytes, kind, stream),
                     kind == cudaMemcpyHostToDevice ? "copying to the device"
                                                    : "copying from the device",
                     error);
}

static bool upload(struct device *device, void *to, const void *from, size_t bytes,
                   struct error *error) {
    struct cuda_device *cuda = own(device);
    return copy(cuda, cuda->stream, cudaMemcpyHostToDevice, to, from, bytes, error);
}

static bool upload_aside(struct device *device, void *to, const void *from, size_t bytes,
                         struct error *error) {
    struct cuda_device *cuda = own(device);
    return copy(cuda, cuda->aside, cudaMemcpyHostToDevice, to, from, bytes, error);
}

static bool join(struct device *device, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaEventRecord(cuda->uploaded, cuda->aside), "an event", error) &&
           cuda_done(cudaStreamWaitEvent(cuda->stream, cuda->uploaded, 0), "an event", error);
}

static bool download_later(struct device *device, void *to, const void *from, size_t bytes,
                           struct error *error) {
    struct cuda_device *cuda = own(device);
    return copy(cuda, cuda->stream, cudaMemcpyDeviceToHost, to, from, bytes, error);
}

static bool download(struct device *device, void *to, const void *from, size_t bytes,
                     struct error *error) {
    return download_later(device, to, from, bytes, error) && device->finish(device, error);
}

void device_cuda_memory(struct device *calls) {
    calls->allocate = allocate;
    calls->release = release;
    calls->room = room;
    calls->most = most;
    calls->pin = pin;
    calls->unpin = unpin;
    calls->upload = upload;
    calls->upload_aside = upload_aside;
    calls->join = join;
    calls->download = download;
    calls->download_later = download_later;
    calls->clear = clear;
}
