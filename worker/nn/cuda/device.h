/* device: what the engine asks of a GPU: memory, copies, kernels, convolutions, matrix products.
 *
 * Everything is queued and carried out in order; download, wait and finish wait for it. A device is
 * used by one thread at a time. device_cuda.c is the real one; the tests have one whose memory is
 * the host's, so that the whole engine runs where there is no GPU.
 */
#ifndef ASSAY_WORKER_NN_CUDA_DEVICE_H
#define ASSAY_WORKER_NN_CUDA_DEVICE_H

#include "core/error.h"
#include "worker/nn/cuda/convolution.h"
#include "worker/nn/cuda/kernel.h"

struct device_convolution; /* opaque, each device its own */
struct device_recording;

/* Marks, and whose they are. */
enum { MARK_RESULTS, MARKS_RESULTS = 4, MARK_PICTURES = MARKS_RESULTS, MARKS_PICTURES = 3 };
enum { DEVICE_MARKS = MARKS_RESULTS + MARKS_PICTURES };

enum { DEVICE_FORKS = 4 };

/* Row-major c (m x n) = a b in floats, where a and b are stored transposed when asked. */
struct device_product {
    bool transpose_a, transpose_b, tensor_cores;
    size_t m, n, k;
    const float *a, *b;
    float *c;
};

struct device {
    /* A convolution that writes more values than this leaves nothing of the device to what runs
     * beside it. */
    size_t fills;
    void (*free)(struct device *device); /* what was allocated on it must be released before */
    /* Memory of the device, zeroed, aligned to 256 bytes. Not from inside a step. */
    bool (*allocate)(struct device *device, size_t bytes, void **memory, struct error *error);
    void (*release)(struct device *device, void *memory);
    /* Bytes that allocate could still give. */
    size_t (*room)(struct device *device);
    /* The most that was ever allocated at once, with what matrix products work in. */
    size_t (*most)(struct device *device);
    /* Memory of the host that copies reach without a detour; freed with unpin. */
    bool (*pin)(struct device *device, size_t bytes, void **memory, struct error *error);
    void (*unpin)(struct device *device, void *memory);
    /* `from`, pinned or not, must stay as it is until something behind it has been waited for. */
    bool (*upload)(struct device *device, void *to, const void *from, size_t bytes,
                   struct error *error);
    /* The same beside the queue, and what is queued after join waits for it. Memory that anything
     * queued before may still use must not be written. */
    bool (*upload_aside)(struct device *device, void *to, const void *from, size_t bytes,
                         struct error *error);
    bool (*join)(struct device *device, struct error *error);
    bool (*download)(struct device *device, void *to, const void *from, size_t bytes,
                     struct error *error);
    /* The same without waiting: what was copied is at `to`, which is pinned, once a mark behind it
     * has been waited for. */
    bool (*download_later)(struct device *device, void *to, const void *from, size_t bytes,
                           struct error *error);
    /* Puts mark `number`, below DEVICE_MARKS, behind everything that is queued; wait returns when
     * all before it is done. A mark that is put anew is no longer where it was. */
    bool (*mark)(struct device *device, int number, struct error *error);
    bool (*wait)(struct device *device, int number, struct error *error);
    bool (*clear)(struct device *device, void *memory, size_t bytes, struct error *error);
    bool (*launch)(struct device *device, enum kernel kernel, const void *arguments, size_t threads,
                   struct error *error);
    /* *workspace: bytes of scratch memory that convolve needs. */
    bool (*convolution_new)(struct device *device, const struct convolution_task *task,
                            enum pass pass, struct device_convolution **convolution,
                            size_t *workspace, struct error *error);
    /* No recording that has it is left, and it is not at work. */
    void (*convolution_free)(struct device *device, struct device_convolution *convolution);
    bool (*convolve)(struct device *device, const struct device_convolution *convolution, void *x,
                     void *w, void *y, void *workspace, struct error *error);
    bool (*multiply)(struct device *device, const struct device_product *product,
                     struct error *error);
    /* From fork to fork_end what is queued begins when all before it is done, and is carried out
     * behind what was forked earlier and beside what is queued afterwards, until fork_join: what
     * comes behind that waits for it. It is joined in the order of forks, before a mark, and within
     * the recording. `place` is below DEVICE_FORKS. */
    bool (*fork)(struct device *device, struct error *error);
    bool (*fork_end)(struct device *device, int place, struct error *error);
    bool (*fork_join)(struct device *device, int place, struct error *error);
    bool (*finish)(struct device *device, struct error *error);
    /* From record to recorded nothing is carried out: clear, launch, convolve, multiply and forks
     * are kept with their arguments, for replay to queue all of them at once, as often as wanted;
     * what stands in the memory that they point to may differ each time. Anything else in between
     * spoils it. recorded ends it whatever happened; when it fails nothing was kept, and the device
     * is as it was. */
    bool (*record)(struct device *device, struct error *error);
    bool (*recorded)(struct device *device, struct device_recording **recording,
                     struct error *error);
    bool (*replay)(struct device *device, const struct device_recording *recording,
                   struct error *error);
    void (*recording_free)(struct device *device, struct device_recording *recording);
};

/* device_launch(device, norm_fold, &(struct norm_fold){..}, threads, error): the arguments must be
 * the kernel's own. */
#define device_launch(device, name, arguments, threads, error)                                     \
    (device)->launch(device, KERNEL_##name, (const struct name *){arguments}, threads, error)

#endif
