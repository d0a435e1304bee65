/* gpu_run: one batch through a plan, forward, loss and backward, as a queue of launches.
 *
 * Nothing here waits for the device, and what differs from step to step stands in its memory
 * (struct gpu_batch): the queue is the same every time.
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_RUN_H
#define ASSAY_WORKER_NN_CUDA_GPU_RUN_H

#include "worker/nn/cuda/gpu_plan.h"
#include "worker/nn/cuda/gpu_weights.h"

/* What a step is told and what it tells, in the device's memory. */
struct gpu_batch {
    const struct step_numbers *numbers;
    const uint64_t *samples; /* count */
    const int32_t *labels;   /* count */
    /* count and count x 2 of the first batch; numbers say how far behind them this one's go */
    float *losses, *logits;
};

struct gpu_run {
    const struct gpu_plan *plan;
    struct gpu_weights *weights;
    char *arena;       /* plan->flow.arena_bytes */
    unsigned *tickets; /* REDUCE_TICKETS */
    struct gpu_batch batch;
    struct loss loss;
    uint64_t seed;                                 /* for dropout */
    struct profile *profile;                       /* or NULL; with it, each node is waited for */
    void (*tell)(void *context, const char *line); /* or NULL (struct model_options) */
    void *tell_context;
};

/* Where the input stands, and memory that every node may use. */
void *gpu_run_input(const struct gpu_run *run);
void *gpu_run_scratch(const struct gpu_run *run);

/* From the input, which is there, to the logits. */
bool gpu_run_forward(const struct gpu_run *run, struct error *error);
/* What the average pool read, brought to the host as NCHW floats; waits for the device. Of an
 * evaluating plan. */
bool gpu_run_maps(const struct gpu_run *run, float *maps, struct error *error);
/* losses, and in training the gradient with which gpu_run_backward begins. */
bool gpu_run_loss(const struct gpu_run *run, struct error *error);
/* The gradients of all trained parameters. */
bool gpu_run_backward(const struct gpu_run *run, struct error *error);

#endif
