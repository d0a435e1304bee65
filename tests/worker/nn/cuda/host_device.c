#include "tests/worker/nn/cuda/host_device.h"

#include "tests/worker/nn/cuda/host_compute.h"
#include "worker/nn/cuda/gpu_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host_device_counts host_device_counts;
size_t host_device_room = SIZE_MAX;

bool host_device_refuses;

/* What a GPU would do to who breaks device.h's rules nobody would see here. */
static void demand(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "host_device: %s\n", what);
    abort();
}

/* ---- memory: the size stands before it ---- */

enum { HEADER = 256 };

static bool host_allocate(struct device *device, size_t bytes, void **memory, struct error *error) {
    (void)device;
    struct host_device_counts *counts = &host_device_counts;
    char *made = NULL;
    if (bytes <= host_device_room && counts->bytes <= host_device_room - bytes)
        made = aligned_alloc(HEADER, (bytes + 2 * HEADER - 1) / HEADER * HEADER);
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "the device has no %zu bytes left", bytes);
    memcpy(made, &bytes, sizeof bytes);
    memset(made + HEADER, 0, bytes);
    *memory = made + HEADER;
    counts->allocations++;
    counts->bytes += bytes;
    if (counts->bytes > counts->most_bytes)
        counts->most_bytes = counts->bytes;
    return true;
}

/* ---- what a GPU does later: reading pinned memory, and writing it ---- */

/* A transfer between pinned memory and the device that nobody has waited for. The bytes are those
 * of the time at which the device comes to it. */
static struct transfer {
    char *to;         /* of a download, which is written when it is waited for */
    const char *from; /* of an upload, which must still hold the same then */
    char *bytes;
    size_t count, number; /* in order */
} transfers[256];
static size_t transfer_count, transfer_number, marked[DEVICE_MARKS];

static struct {
    const char *memory;
    size_t bytes;
} pinned[128];

static bool is_pinned(const void *memory) {
    const char *at = memory;
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++)
        if (pinned[i].memory != NULL && at >= pinned[i].memory &&
            at < pinned[i].memory + pinned[i].bytes)
            return true;
    return false;
}

/* Keeps the bytes of one of them aside. */
static void transfer_note(void *to, const void *from, size_t count) {
    demand(transfer_count < sizeof transfers / sizeof transfers[0], "too many transfers");
    struct transfer *transfer = &transfers[transfer_count++];
    *transfer = (struct transfer){to, from, malloc(count), count, transfer_number++};
    memcpy(transfer->bytes, from, count);
}

/* Those up to `number` are over. */
static void transfers_end(size_t number) {
    size_t kept = 0;
    for (size_t i = 0; i < transfer_count; i++) {
        struct transfer *transfer = &transfers[i];
        if (transfer->number >= number) {
            transfers[kept++] = *transfer;
            continue;
        }
        if (transfer->to != NULL)
            memcpy(transfer->to, transfer->bytes, transfer->count);
        else /* what was to be uploaded has been overwritten before it was read */
            demand(memcmp(transfer->from, transfer->bytes, transfer->count) == 0,
                   "pinned memory was overwritten before it was uploaded");
        free(transfer->bytes);
    }
    transfer_count = kept;
}

/* What was uploaded aside, and is not there before join (or when memory is given back). */
static struct {
    void *to;
    const void *from;
    size_t bytes;
} aside[64];
static size_t aside_count;

static bool host_join(struct device *device, struct error *error) {
    (void)device;
    (void)error;
    for (size_t i = 0; i < aside_count; i++)
        memcpy(aside[i].to, aside[i].from, aside[i].bytes);
    aside_count = 0;
    return true;
}

static bool host_upload_aside(struct device *device, void *to, const void *from, size_t bytes,
                              struct error *error) {
    if (aside_count == sizeof aside / sizeof aside[0])
        host_join(device, error);
    aside[aside_count].to = to;
    aside[aside_count].from = from;
    aside[aside_count++].bytes = bytes;
    host_device_counts.uploaded_bytes += bytes;
    if (is_pinned(from))
        transfer_note(NULL, from, bytes);
    return true;
}

static bool host_finish(struct device *device, struct error *error) {
    host_join(device, error);
    transfers_end(SIZE_MAX);
    return true;
}

static bool host_wait_for_all(struct device *device, struct error *error) {
    host_device_counts.waits++;
    return host_finish(device, error);
}

static bool host_mark(struct device *device, int number, struct error *error) {
    (void)device;
    (void)error;
    marked[number] = transfer_number;
    return true;
}

static bool host_wait(struct device *device, int number, struct error *error) {
    (void)device;
    (void)error;
    host_device_counts.waits++;
    transfers_end(marked[number]);
    return true;
}

static void host_release(struct device *device, void *memory) {
    size_t bytes;
    host_finish(device, NULL); /* a GPU waits for what uses it */
    memcpy(&bytes, (char *)memory - HEADER, sizeof bytes);
    host_device_counts.allocations--;
    host_device_counts.bytes -= bytes;
    free((char *)memory - HEADER);
}

static size_t host_room(struct device *device) {
    (void)device;
    return host_device_room - host_device_counts.bytes;
}

static bool host_pin(struct device *device, size_t bytes, void **memory, struct error *error) {
    size_t free_place = 0;
    (void)device;
    while (free_place < sizeof pinned / sizeof pinned[0] && pinned[free_place].memory != NULL)
        free_place++;
    demand(free_place < sizeof pinned / sizeof pinned[0], "too much pinned memory");
    *memory = calloc(1, bytes);
    pinned[free_place].memory = *memory;
    pinned[free_place].bytes = bytes;
    return *memory != NULL || error_set(error, ERROR_FAILED, "out of memory");
}

static void host_unpin(struct device *device, void *memory) {
    host_finish(device, NULL); /* a GPU waits for what uses it */
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++)
        if (pinned[i].memory == memory)
            pinned[i].memory = NULL;
    free(memory);
}

/* Anything but launches spoils a recording. */
static void spoil(void);

static bool host_upload(struct device *device, void *to, const void *from, size_t bytes,
                        struct error *error) {
    (void)device;
    (void)error;
    spoil();
    host_device_counts.uploaded_bytes += bytes;
    memcpy(to, from, bytes);
    if (is_pinned(from))
        transfer_note(NULL, from, bytes);
    return true;
}

static bool host_download_later(struct device *device, void *to, const void *from, size_t bytes,
                                struct error *error) {
    (void)device;
    (void)error;
    spoil();
    demand(is_pinned(to), "a download that nobody waits for goes to memory that is not pinned");
    host_device_counts.downloads++;
    transfer_note(to, from, bytes);
    memset(to, 0xff, bytes); /* whoever reads it too early reads NaNs */
    return true;
}

static bool host_download(struct device *device, void *to, const void *from, size_t bytes,
                          struct error *error) {
    spoil();
    host_wait_for_all(device, error);
    memcpy(to, from, bytes);
    return true;
}

/* ---- kernels ---- */

/* What a recording keeps of one launch. */
struct launch {
    enum { LAUNCH_KERNEL, LAUNCH_PRODUCT, LAUNCH_CONVOLUTION, LAUNCH_CLEAR } kind;
    enum kernel kernel;
    size_t threads; /* or bytes to clear */
    union {
        char arguments[512]; /* a kernel's */
        struct device_product product;
        struct {
            const struct device_convolution *which;
            void *x, *w, *y, *workspace;
        } convolution;
        void *memory; /* to clear */
    } of;
};

struct device_recording {
    struct launch *launches;
    size_t count, room;
};

static struct device_recording *recording; /* while one is made */
static bool spoiled;

static void spoil(void) {
    spoiled = true;
}

/* True when the launch is kept instead of carried out. */
static bool keep(const struct launch *launch) {
    if (recording == NULL)
        return false;
    if (recording->count == recording->room) {
        recording->room = recording->room == 0 ? 256 : 2 * recording->room;
        recording->launches =
            reallocarray(recording->launches, recording->room, sizeof *recording->launches);
    }
    recording->launches[recording->count++] = *launch;
    return true;
}

#define KERNEL_CASE(name)                                                                          \
    case KERNEL_##name:                                                                            \
        for (size_t thread = 0; thread < threads; thread++)                                        \
            name((const struct name *)arguments, thread);                                          \
        return true;
#define KERNEL_BYTES(name) [KERNEL_##name] = sizeof(struct name),

static bool run_kernel(enum kernel kernel, const void *arguments, size_t threads,
                       struct error *error) {
    host_device_counts.launches[kernel]++;
    switch (kernel) {
        KERNELS(KERNEL_CASE)
    case KERNEL_COUNT: break;
    }
    return error_set(error, ERROR_FAILED, "there is no kernel %d", (int)kernel);
}

static bool host_launch(struct device *device, enum kernel kernel, const void *arguments,
                        size_t threads, struct error *error) {
    static const size_t bytes[] = {KERNELS(KERNEL_BYTES)};
    struct launch launch = {.kind = LAUNCH_KERNEL, .kernel = kernel, .threads = threads};
    (void)device;
    demand(bytes[kernel] <= sizeof launch.of.arguments, "a kernel's arguments have grown");
    memcpy(launch.of.arguments, arguments, bytes[kernel]);
    return keep(&launch) || run_kernel(kernel, arguments, threads, error);
}

/* ---- products and convolutions ---- */

static bool host_multiply(struct device *device, const struct device_product *p,
                          struct error *error) {
    const struct launch launch = {.kind = LAUNCH_PRODUCT, .of.product = *p};
    (void)device;
    return keep(&launch) || compute_product(p, error);
}

static bool host_convolve(struct device *device, const struct device_convolution *c, void *x,
                          void *w, void *y, void *workspace, struct error *error) {
    const struct launch launch = {.kind = LAUNCH_CONVOLUTION,
                                  .of.convolution = {c, x, w, y, workspace}};
    (void)device;
    return keep(&launch) || compute_convolution(c, x, w, y, workspace, error);
}

static bool host_clear(struct device *device, void *memory, size_t bytes, struct error *error) {
    const struct launch launch = {.kind = LAUNCH_CLEAR, .threads = bytes, .of.memory = memory};
    (void)device;
    (void)error;
    if (!keep(&launch))
        memset(memory, 0, bytes);
    return true;
}

/* ---- recordings ---- */

static void host_recording_free(struct device *device, struct device_recording *kept) {
    (void)device;
    free(kept->launches);
    free(kept);
}

static bool host_record(struct device *device, struct error *error) {
    (void)device;
    demand(recording == NULL, "a recording within a recording");
    recording = calloc(1, sizeof *recording);
    spoiled = host_device_refuses;
    return recording != NULL || error_set(error, ERROR_FAILED, "out of memory");
}

static bool host_recorded(struct device *device, struct device_recording **kept,
                          struct error *error) {
    *kept = recording;
    recording = NULL;
    host_device_counts.recordings++;
    if (!spoiled)
        return true;
    host_recording_free(device, *kept);
    *kept = NULL;
    return error_set(error, ERROR_FAILED, "the device cannot record this");
}

static bool host_replay(struct device *device, const struct device_recording *kept,
                        struct error *error) {
    bool done = true;
    host_device_counts.replays++;
    for (size_t i = 0; done && i < kept->count; i++) {
        const struct launch *launch = &kept->launches[i];
        switch (launch->kind) {
        case LAUNCH_KERNEL:
            done = run_kernel(launch->kernel, launch->of.arguments, launch->threads, error);
            break;
        case LAUNCH_PRODUCT: done = host_multiply(device, &launch->of.product, error); break;
        case LAUNCH_CONVOLUTION:
            done = host_convolve(device, launch->of.convolution.which, launch->of.convolution.x,
                                 launch->of.convolution.w, launch->of.convolution.y,
                                 launch->of.convolution.workspace, error);
            break;
        case LAUNCH_CLEAR:
            done = host_clear(device, launch->of.memory, launch->threads, error);
            break;
        }
    }
    return done;
}

/* ---- the device and the backend ---- */

static void host_free(struct device *device) {
    free(device);
}

struct device *host_device_new(void) {
    struct device *device = malloc(sizeof *device);
    if (device == NULL)
        return NULL;
    *device = (struct device){
        .free = host_free,
        .allocate = host_allocate,
        .release = host_release,
        .room = host_room,
        .pin = host_pin,
        .unpin = host_unpin,
        .upload = host_upload,
        .upload_aside = host_upload_aside,
        .join = host_join,
        .download = host_download,
        .download_later = host_download_later,
        .mark = host_mark,
        .wait = host_wait,
        .clear = host_clear,
        .launch = host_launch,
        .convolution_new = compute_convolution_new,
        .convolution_free = compute_convolution_free,
        .convolve = host_convolve,
        .multiply = host_multiply,
        .finish = host_wait_for_all,
        .record = host_record,
        .recorded = host_recorded,
        .replay = host_replay,
        .recording_free = host_recording_free,
    };
    host_device_counts = (struct host_device_counts){0};
    return device;
}

static bool host_available(int device, char *what, size_t size) {
    (void)device;
    snprintf(what, size, "the host in place of a GPU");
    return true;
}

static uint64_t host_memory_bytes(int device) {
    (void)device;
    return 0;
}

static bool host_model_new(const struct network *network, const struct model_options *options,
                           struct model **model, struct error *error) {
    return gpu_model_new(host_device_new(), network, options, model, error);
}

const struct backend backend_host = {
    .name = "host",
    .takes_pictures = true,
    .available = host_available,
    .memory_bytes = host_memory_bytes,
    .model_new = host_model_new,
    .model_free = gpu_model_free,
    .state_set = gpu_model_state_set,
    .state_get = gpu_model_state_get,
    .train_step = gpu_model_train_step,
    .evaluate = gpu_model_evaluate,
    .evaluate_maps = gpu_model_evaluate_maps,
    .queue = gpu_model_queue,
    .take = gpu_model_take,
    .prefetch = gpu_model_prefetch,
};
