#include "worker/nn/cuda/device_cuda.h"

#include "core/home.h"
#include "worker/nn/cuda/cudnn_plan.h"
#include "worker/nn/cuda/device_cuda_own.h"
#include "worker/nn/cuda/launch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cuBLAS adds in one order as long as it works in memory of one size, given by the caller; each
 * queue has its own. */
enum { CUBLAS_BYTES = 32 << 20 };

/* ---- what went wrong ---- */

static bool cublas_done(cublasStatus_t status, const char *what, struct error *error) {
    return status == CUBLAS_STATUS_SUCCESS ||
           error_machine(error, "cuBLAS: %s: %s", what, cublasGetStatusString(status));
}

static bool cudnn_done(cudnnStatus_t status, const char *what, struct error *error) {
    return status == CUDNN_STATUS_SUCCESS ||
           error_machine(error, "cuDNN: %s: %s", what, cudnnGetErrorString(status));
}

/* ---- waiting ---- */

static bool finish(struct device *device, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) && cuda_done(cudaStreamSynchronize(cuda->stream), "a step", error);
}

static bool mark(struct device *device, int number, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaEventRecord(cuda->marks[number], cuda->stream), "an event", error);
}

static bool wait_for(struct device *device, int number, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaEventSynchronize(cuda->marks[number]), "a step", error);
}

/* ---- work ---- */

static bool launch(struct device *device, enum kernel kernel, const void *arguments, size_t threads,
                   struct error *error) {
#define KERNEL_NAME(name) [KERNEL_##name] = #name,
    static const char *const names[] = {KERNELS(KERNEL_NAME)};
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(kernel_launch(kernel, arguments, threads, cuda->stream), names[kernel], error);
}

/* A convolution of the engine is a plan of cuDNN's. */
static bool convolution_new(struct device *device, const struct convolution_task *task,
                            enum pass pass, struct device_convolution **convolution,
                            size_t *workspace, struct error *error) {
    struct cuda_device *cuda = own(device);
    const struct cudnn_place place = {.handle = cuda->cudnn};
    struct choice_key key = {.version = cudnnGetVersion(), .pass = pass, .task = *task};
    struct choice choice = {-1, -1};
    struct cudnn_plan *plan;
    *convolution = NULL;
    memcpy(key.device, cuda->name, sizeof key.device);
    if (cuda->choices != NULL)
        choice = choices_find(cuda->choices, &key);
    if (!enter(cuda, error) || !cudnn_plan_new(&place, task, pass, &choice, &plan, error))
        return false;
    if (cuda->choices != NULL)
        choices_put(cuda->choices, &key, choice);
    *workspace = cudnn_plan_workspace(plan);
    *convolution = (struct device_convolution *)plan;
    return true;
}

static void convolution_free(struct device *device, struct device_convolution *convolution) {
    (void)device;
    cudnn_plan_free((struct cudnn_plan *)convolution);
}

static bool convolve(struct device *device, const struct device_convolution *convolution, void *x,
                     void *w, void *y, void *workspace, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) && cudnn_plan_run((const struct cudnn_plan *)convolution, cuda->cudnn,
                                                x, w, y, workspace, error);
}

/* cuBLAS has columns together where we have rows: it is asked for the transpose, c' = b' a'. */
static bool multiply(struct device *device, const struct device_product *p, struct error *error) {
    struct cuda_device *cuda = own(device);
    const float one = 1, zero = 0;
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    return enter(cuda, error) &&
           cublas_done(
               cublasGemmEx(cuda->cublas, p->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                            p->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &one, p->b,
                            CUDA_R_32F, p->transpose_b ? k : n, p->a, CUDA_R_32F,
                            p->transpose_a ? m : k, &zero, p->c, CUDA_R_32F, n,
                            p->tensor_cores ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                            CUBLAS_GEMM_DEFAULT),
               "a matrix product", error);
}

/* ---- forks ---- */

/* What follows is queued there. A new stream makes cuBLAS forget its memory. */
static bool turn_to(struct cuda_device *cuda, enum queue queue, struct error *error) {
    cuda->stream = cuda->queues[queue];
    return cudnn_done(cudnnSetStream(cuda->cudnn, cuda->stream), "its stream", error) &&
           cublas_done(cublasSetStream(cuda->cublas, cuda->stream), "its stream", error) &&
           cublas_done(cublasSetWorkspace(cuda->cublas, cuda->cublas_memory[queue], CUBLAS_BYTES),
                       "its memory", error);
}

static bool fork_begin(struct device *device, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaEventRecord(cuda->forked, cuda->stream), "an event", error) &&
           cuda_done(cudaStreamWaitEvent(cuda->queues[QUEUE_FORK], cuda->forked, 0), "an event",
                     error) &&
           turn_to(cuda, QUEUE_FORK, error);
}

static bool fork_end(struct device *device, int place, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaEventRecord(cuda->fork_ends[place], cuda->stream), "an event", error) &&
           turn_to(cuda, QUEUE_MAIN, error);
}

static bool fork_join(struct device *device, int place, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaStreamWaitEvent(cuda->stream, cuda->fork_ends[place], 0), "an event",
                     error);
}

/* ---- recordings: CUDA graphs, captured from the stream ---- */

/* Other threads may go on with what capturing forbids this one: they have streams of their own. */
static bool record(struct device *device, struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
                     "recording a step", error);
}

static bool recorded(struct device *device, struct device_recording **recording,
                     struct error *error) {
    struct cuda_device *cuda = own(device);
    cudaGraph_t graph = NULL;
    cudaGraphExec_t launches = NULL;
    /* First of all: what was recorded may have failed in a fork, and a stream whose capture is
     * spoiled is good for nothing before it has ended. */
    cudaError_t status = cudaStreamEndCapture(cuda->queues[QUEUE_MAIN], &graph);
    bool back = turn_to(cuda, QUEUE_MAIN, error);
    *recording = NULL;
    if (status == cudaSuccess)
        status = cudaGraphInstantiate(&launches, graph, 0);
    if (graph != NULL)
        cudaGraphDestroy(graph);
    *recording = (struct device_recording *)launches;
    return cuda_done(status, "recording a step", error) && back;
}

static bool replay(struct device *device, const struct device_recording *recording,
                   struct error *error) {
    struct cuda_device *cuda = own(device);
    return enter(cuda, error) &&
           cuda_done(cudaGraphLaunch((cudaGraphExec_t)(uintptr_t)recording, cuda->stream),
                     "a recorded step", error);
}

static void recording_free(struct device *device, struct device_recording *recording) {
    if (enter(own(device), NULL))
        cudaGraphExecDestroy((cudaGraphExec_t)recording); /* which may still be at work */
}

/* ---- the device ---- */

static void device_free(struct device *device) {
    struct cuda_device *cuda = own(device);
    enter(cuda, NULL);
    if (cuda->choices != NULL)
        choices_save(cuda->choices, cuda->choices_path, NULL); /* the next run will choose again */
    choices_free(cuda->choices);
    free(cuda->choices_path);
    if (cuda->cublas != NULL)
        cublasDestroy(cuda->cublas);
    for (int i = 0; i < QUEUES; i++)
        if (cuda->cublas_memory[i] != NULL)
            cudaFree(cuda->cublas_memory[i]);
    if (cuda->cudnn != NULL)
        cudnnDestroy(cuda->cudnn);
    for (int i = 0; i < DEVICE_MARKS; i++)
        if (cuda->marks[i] != NULL)
            cudaEventDestroy(cuda->marks[i]);
    for (int i = 0; i < DEVICE_FORKS; i++)
        if (cuda->fork_ends[i] != NULL)
            cudaEventDestroy(cuda->fork_ends[i]);
    if (cuda->forked != NULL)
        cudaEventDestroy(cuda->forked);
    if (cuda->uploaded != NULL)
        cudaEventDestroy(cuda->uploaded);
    if (cuda->aside != NULL)
        cudaStreamDestroy(cuda->aside);
    for (int i = 0; i < QUEUES; i++)
        if (cuda->queues[i] != NULL)
            cudaStreamDestroy(cuda->queues[i]);
    ledger_free(&cuda->memory);
    free(cuda);
}

static const struct device calls = {
    .fills = 1 << 25, /* measured: bench/RESULTS.md */
    .free = device_free,
    .mark = mark,
    .wait = wait_for,
    .launch = launch,
    .convolution_new = convolution_new,
    .convolution_free = convolution_free,
    .convolve = convolve,
    .multiply = multiply,
    .fork = fork_begin,
    .fork_end = fork_end,
    .fork_join = fork_join,
    .finish = finish,
    .record = record,
    .recorded = recorded,
    .replay = replay,
    .recording_free = recording_free,
};

/* Who waits for one of them sleeps: the processor's cores are the loader's. */
static bool open_marks(struct cuda_device *cuda, struct error *error) {
    bool done = true;
    for (int i = 0; done && i < DEVICE_MARKS; i++)
        done = cuda_done(cudaEventCreateWithFlags(&cuda->marks[i],
                                                  cudaEventDisableTiming | cudaEventBlockingSync),
                         "an event", error);
    return done;
}

/* What is forked yields to what the next steps wait for. */
static bool open_queues(struct cuda_device *cuda, struct error *error) {
    int least, greatest;
    bool done = cuda_done(cudaDeviceGetStreamPriorityRange(&least, &greatest), "priorities", error);
    for (int i = 0; done && i < QUEUES; i++)
        done = cuda_done(cudaStreamCreateWithPriority(&cuda->queues[i], cudaStreamNonBlocking,
                                                      i == QUEUE_MAIN ? greatest : least),
                         "a stream", error) &&
               cuda_done(cudaMalloc(&cuda->cublas_memory[i], CUBLAS_BYTES), "memory", error) &&
               ledger_add(&cuda->memory, cuda->cublas_memory[i], CUBLAS_BYTES, error);
    for (int i = 0; done && i < DEVICE_FORKS; i++)
        done = cuda_done(cudaEventCreateWithFlags(&cuda->fork_ends[i], cudaEventDisableTiming),
                         "an event", error);
    return done && cuda_done(cudaEventCreateWithFlags(&cuda->forked, cudaEventDisableTiming),
                             "an event", error);
}

static bool open_all(struct cuda_device *cuda, struct error *error) {
    return enter(cuda, error) && open_queues(cuda, error) &&
           cuda_done(cudaStreamCreateWithFlags(&cuda->aside, cudaStreamNonBlocking), "a stream",
                     error) &&
           cuda_done(cudaEventCreateWithFlags(&cuda->uploaded, cudaEventDisableTiming), "an event",
                     error) &&
           open_marks(cuda, error) &&
           cudnn_done(cudnnCreate(&cuda->cudnn), "it cannot start", error) &&
           cublas_done(cublasCreate(&cuda->cublas), "it cannot start", error) &&
           turn_to(cuda, QUEUE_MAIN, error);
}

/* ASSAY_HOME/engines. Without it, or with a damaged one, engines are chosen as if for the first
 * time. */
static bool open_choices(struct cuda_device *cuda, const struct model_options *options,
                         struct error *error) {
    struct cudaDeviceProp properties;
    if (!cuda_done(cudaGetDeviceProperties(&properties, cuda->index), "its name", error))
        return false;
    snprintf(cuda->name, sizeof cuda->name, "%.*s", CHOICE_DEVICE - 1, properties.name);
    cuda->choices_path = home_path("engines", NULL);
    if (cuda->choices_path != NULL)
        cuda->choices = choices_open(cuda->choices_path, options->tell, options->tell_context);
    return true;
}

bool device_cuda_new(const struct model_options *options, struct device **device,
                     struct error *error) {
    *device = NULL;
    struct cuda_device *cuda = calloc(1, sizeof *cuda);
    if (cuda == NULL)
        return error_machine(error, "out of memory for a device");
    cuda->calls = calls;
    device_cuda_memory(&cuda->calls);
    cuda->index = options->device;
    if (!open_all(cuda, error) || !open_choices(cuda, options, error)) {
        device_free(&cuda->calls);
        return error_context(error, "GPU %d", options->device);
    }
    *device = &cuda->calls;
    return true;
}
