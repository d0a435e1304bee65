#include "tests/worker/nn/cuda/host_device.h"

#include "tests/worker/nn/cuda/host_compute.h"
#include "tests/worker/nn/cuda/host_memory.h"
#include "worker/nn/cuda/gpu_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host_device_counts host_device_counts;
size_t host_device_room = SIZE_MAX;
enum kernel host_device_fails = KERNEL_COUNT;
bool host_device_refuses;

/* ---- kernels ---- */

/* What is asked of the device and can be recorded. */
struct launch {
    enum {
        LAUNCH_KERNEL,
        LAUNCH_PRODUCT,
        LAUNCH_CONVOLUTION,
        LAUNCH_CLEAR,
        LAUNCH_FORK,
        LAUNCH_FORK_END,
        LAUNCH_FORK_JOIN
    } kind;
    enum kernel kernel;
    size_t threads; /* or bytes to clear */
    int place;      /* of a fork */
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
    struct device_recording *next; /* of those that were kept */
};

static struct device_recording *kept_recordings;

static struct device_recording *recording; /* while one is made */
static bool spoiled;

/* What was forked and has not been joined: it is carried out as late as it may be, so that who
 * overwrites too early what it reads is found out. */
static struct device_recording forked;
static bool forking;

void host_spoil(void) {
    spoiled = true;
}

static void add(struct device_recording *list, const struct launch *launch) {
    if (list->count == list->room) {
        list->room = list->room == 0 ? 256 : 2 * list->room;
        list->launches = reallocarray(list->launches, list->room, sizeof *list->launches);
        host_demand(list->launches != NULL, "out of memory");
    }
    list->launches[list->count++] = *launch;
}

void host_demand_joined(void) {
    host_demand(forked.count == 0 && !forking, "what was forked is not joined");
    free(forked.launches);
    forked = (struct device_recording){0};
}

#define THREAD_CASE(name)                                                                          \
    case KERNEL_##name:                                                                            \
        for (size_t thread = 0; thread < threads; thread++)                                        \
            name((const struct name *)arguments, thread);                                          \
        return true;

static bool last_of(unsigned *ticket, unsigned expected) {
    bool last = ++*ticket == expected;
    if (last)
        *ticket = 0;
    return last;
}

/* As a block of the GPU does it (launch.cu), its threads taking turns between any two waits. */
#define EACH_THREAD for (unsigned thread = 0; thread < REDUCE_THREADS; thread++)

static bool reduce(const struct reduction *at, unsigned block, struct reduce_block *shared) {
    EACH_THREAD reduce_lanes(at, block, thread, shared);
    if (at->groups > 0) {
        if (!last_of(reduce_group_ticket(at, block), reduce_group_blocks(at, block)))
            return false;
        EACH_THREAD reduce_fold(at, block, thread);
    }
    if (!last_of(reduce_tile_ticket(at, block), reduce_tile_blocks(at)))
        return false;
    EACH_THREAD reduce_total(at, block, thread, shared);
    return true;
}

#define REDUCTION_RUN(name)                                                                        \
    static void run_##name(const struct name *a, unsigned block) {                                 \
        struct reduce_block shared;                                                                \
        EACH_THREAD {                                                                              \
            float sums[REDUCE_SUMS][PACK_MAX] = {{0}};                                             \
            if (!reduce_idle(&a->at, block, thread))                                               \
                name##_gather(a, block, thread, sums);                                             \
            reduce_keep(&shared, thread, sums);                                                    \
        }                                                                                          \
        if (!reduce(&a->at, block, &shared))                                                       \
            return;                                                                                \
        for (unsigned i = 0; i < reduce_width(&a->at); i++) {                                      \
            const double totals[REDUCE_SUMS] = {shared.totals[0][i], shared.totals[1][i]};         \
            if (reduce_channel(&a->at, block, i) < a->at.channels)                                 \
                name##_finish(a, reduce_channel(&a->at, block, i), totals);                        \
        }                                                                                          \
    }
REDUCTIONS(REDUCTION_RUN)

#define REDUCTION_CASE(name)                                                                       \
    case KERNEL_##name:                                                                            \
        for (size_t block = threads / REDUCE_THREADS; block-- > 0;) /* in whatever order */        \
            run_##name((const struct name *)arguments, (unsigned)block);                           \
        return true;
#define KERNEL_BYTES(name) [KERNEL_##name] = sizeof(struct name),
static const size_t kernel_bytes[] = {KERNELS(KERNEL_BYTES)};

static bool run_kernel(enum kernel kernel, const void *arguments, size_t threads,
                       struct error *error) {
    host_used(arguments, kernel_bytes[kernel]);
    host_device_counts.launches[kernel]++;
    switch (kernel) {
        THREAD_KERNELS(THREAD_CASE)
        REDUCTIONS(REDUCTION_CASE)
    case KERNEL_COUNT: break;
    }
    return error_set(error, ERROR_FAILED, "there is no kernel %d", (int)kernel);
}

/* ---- what is carried out now, later or with a recording ---- */

static bool run(const struct launch *launch, struct error *error) {
    switch (launch->kind) {
    case LAUNCH_KERNEL:
        return run_kernel(launch->kernel, launch->of.arguments, launch->threads, error);
    case LAUNCH_PRODUCT: compute_product(&launch->of.product); return true;
    case LAUNCH_CONVOLUTION:
        compute_convolution(launch->of.convolution.which, launch->of.convolution.x,
                            launch->of.convolution.w, launch->of.convolution.y,
                            launch->of.convolution.workspace);
        return true;
    case LAUNCH_CLEAR: memset(launch->of.memory, 0, launch->threads); return true;
    case LAUNCH_FORK:
    case LAUNCH_FORK_END:
    case LAUNCH_FORK_JOIN: break;
    }
    return false;
}

/* All that was forked up to the last of that place. */
static bool run_forked(int place, struct error *error) {
    size_t count = forked.count;
    bool done = true;
    while (count > 0 && forked.launches[count - 1].place != place)
        count--;
    host_demand(count > 0, "a place is joined that nothing was forked to");
    for (size_t i = 0; done && i < count; i++)
        done = run(&forked.launches[i], error);
    forked.count -= count;
    memmove(forked.launches, forked.launches + count, forked.count * sizeof *forked.launches);
    return done;
}

/* What was forked may be at work in its scratch memory. */
static void demand_own_workspace(const struct launch *launch) {
    for (size_t i = 0; launch->kind == LAUNCH_CONVOLUTION && i < forked.count; i++)
        host_demand(forked.launches[i].kind != LAUNCH_CONVOLUTION ||
                        forked.launches[i].of.convolution.workspace !=
                            launch->of.convolution.workspace,
                    "a convolution works in the scratch memory of one that was forked");
}

static bool carry_out(const struct launch *launch, struct error *error) {
    switch (launch->kind) {
    case LAUNCH_FORK:
        host_demand(!forking, "a fork within a fork");
        forking = true;
        host_device_counts.forks++;
        return true;
    case LAUNCH_FORK_END:
        for (size_t i = forked.count; i-- > 0 && forked.launches[i].place < 0;)
            forked.launches[i].place = launch->place;
        forking = false;
        return true;
    case LAUNCH_FORK_JOIN: return run_forked(launch->place, error);
    default: break;
    }
    if (!forking) {
        demand_own_workspace(launch);
        return run(launch, error);
    }
    struct launch later = *launch;
    later.place = -1;
    add(&forked, &later);
    return true;
}

static bool ask(const struct launch *launch, struct error *error) {
    if (recording == NULL)
        return carry_out(launch, error);
    add(recording, launch);
    return true;
}

static bool host_launch(struct device *device, enum kernel kernel, const void *arguments,
                        size_t threads, struct error *error) {
    struct launch launch = {.kind = LAUNCH_KERNEL, .kernel = kernel, .threads = threads};
    (void)device;
    if (kernel == host_device_fails)
        return error_set(error, ERROR_FAILED, "the kernel cannot be launched");
    host_demand(kernel_bytes[kernel] <= sizeof launch.of.arguments,
                "a kernel's arguments have grown");
    memcpy(launch.of.arguments, arguments, kernel_bytes[kernel]);
    return ask(&launch, error);
}

static bool host_multiply(struct device *device, const struct device_product *p,
                          struct error *error) {
    const struct launch launch = {.kind = LAUNCH_PRODUCT, .of.product = *p};
    (void)device;
    return ask(&launch, error);
}

static bool host_convolve(struct device *device, const struct device_convolution *c, void *x,
                          void *w, void *y, void *workspace, struct error *error) {
    const struct launch launch = {.kind = LAUNCH_CONVOLUTION,
                                  .of.convolution = {c, x, w, y, workspace}};
    (void)device;
    return ask(&launch, error);
}

static bool host_clear(struct device *device, void *memory, size_t bytes, struct error *error) {
    const struct launch launch = {.kind = LAUNCH_CLEAR, .threads = bytes, .of.memory = memory};
    (void)device;
    return ask(&launch, error);
}

static bool host_fork(struct device *device, struct error *error) {
    const struct launch launch = {.kind = LAUNCH_FORK};
    (void)device;
    return ask(&launch, error);
}

static bool host_fork_end(struct device *device, int place, struct error *error) {
    const struct launch launch = {.kind = LAUNCH_FORK_END, .place = place};
    (void)device;
    return ask(&launch, error);
}

static bool host_fork_join(struct device *device, int place, struct error *error) {
    const struct launch launch = {.kind = LAUNCH_FORK_JOIN, .place = place};
    (void)device;
    return ask(&launch, error);
}

/* ---- recordings ---- */

static void host_recording_free(struct device *device, struct device_recording *kept) {
    struct device_recording **at = &kept_recordings;
    (void)device;
    while (*at != NULL && *at != kept)
        at = &(*at)->next;
    if (*at != NULL)
        *at = kept->next;
    free(kept->launches);
    free(kept);
}

static bool host_record(struct device *device, struct error *error) {
    (void)device;
    host_demand(recording == NULL, "a recording within a recording");
    recording = calloc(1, sizeof *recording);
    spoiled = host_device_refuses;
    return recording != NULL || error_memory(error);
}

static bool host_recorded(struct device *device, struct device_recording **kept,
                          struct error *error) {
    *kept = recording;
    recording = NULL;
    host_device_counts.recordings++;
    if (!spoiled) {
        (*kept)->next = kept_recordings;
        kept_recordings = *kept;
        return true;
    }
    host_recording_free(device, *kept);
    *kept = NULL;
    return error_set(error, ERROR_FAILED, "the device cannot record this");
}

/* A GPU's recording points to the code of the convolution, which goes with it. */
static void host_convolution_free(struct device *device, struct device_convolution *convolution) {
    for (const struct device_recording *at = kept_recordings; at != NULL; at = at->next)
        for (size_t i = 0; i < at->count; i++)
            host_demand(at->launches[i].kind != LAUNCH_CONVOLUTION ||
                            at->launches[i].of.convolution.which != convolution,
                        "a convolution is freed before a recording that has it");
    compute_convolution_free(device, convolution);
}

static bool host_replay(struct device *device, const struct device_recording *kept,
                        struct error *error) {
    bool done = true;
    (void)device;
    host_device_counts.replays++;
    for (size_t i = 0; done && i < kept->count; i++)
        done = carry_out(&kept->launches[i], error);
    host_demand_joined();
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
        .fills = 1 << 14, /* small networks have convolutions on both sides of it */
        .free = host_free,
        .allocate = host_allocate,
        .release = host_release,
        .room = host_room,
        .most = host_most,
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
        .convolution_free = host_convolution_free,
        .convolve = host_convolve,
        .multiply = host_multiply,
        .fork = host_fork,
        .fork_end = host_fork_end,
        .fork_join = host_fork_join,
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
    .evaluation_batch = 256,
    .available = host_available,
    .memory_bytes = host_memory_bytes,
    .model_new = host_model_new,
    .model_free = gpu_model_free,
    .memory_most = gpu_model_memory_most,
    .state_set = gpu_model_state_set,
    .state_get = gpu_model_state_get,
    .train_step = gpu_model_train_step,
    .evaluate = gpu_model_evaluate,
    .evaluate_maps = gpu_model_evaluate_maps,
    .queue = gpu_model_queue,
    .take = gpu_model_take,
    .prefetch = gpu_model_prefetch,
};
