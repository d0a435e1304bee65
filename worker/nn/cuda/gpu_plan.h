/* gpu_plan: everything about running a network on batches of one size that does not depend on the
 * data: the convolutions' plans, and the flow of tensors through the arena.
 *
 * Activations are NHWC, in the model's element; from the average pool on they are rows of floats.
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_PLAN_H
#define ASSAY_WORKER_NN_CUDA_GPU_PLAN_H

#include "worker/nn/cuda/device.h"
#include "worker/nn/flow.h"
#include "worker/nn/plan_cache.h"

struct gpu_step {
    struct shape shape;   /* of the output */
    enum element element; /* of the output */
    size_t values;        /* of the output of the whole batch */
    /* of a convolution: */
    struct convolution_task task;
    bool pointwise; /* gpu_pointwise carries it out, and the device needs to know none of it */
    struct device_convolution *convolutions[PASSES]; /* NULL where a pass is not needed */
};

/* A step's launches as the device recorded them, and what they point to beside the plan and the
 * weights. */
struct gpu_recording {
    struct device_recording *launches; /* NULL: none */
    const void *arena, *numbers, *losses;
    size_t moments;
    bool warm;    /* the step has been run: libraries have loaded what they need */
    bool refused; /* the device could not record it */
};

/* By how many backward steps a convolution's weights' gradient may come late: nobody waits for it
 * but the optimizer, and it uses what the steps after its own leave idle of the device. Where they
 * leave nothing (device->fills) it comes in its turn. */
enum { GPU_LAG = 2 };

/* Of flow's `saved`: batch norm keeps six floats a channel (struct norm_channels) and where a ReLU
 * behind a residual was open, max pool taps, a convolution of the input its windows as rows
 * (window_kernels.h), which are too large to stay. */
struct gpu_plan {
    struct plan_key key;
    struct device *device;         /* borrowed */
    const struct network *network; /* borrowed */
    bool tensor_cores;             /* the head's products may be rounded to TF32 */
    struct gpu_step *steps;        /* node_count */
    struct flow flow;
    struct gpu_recording recording;
};

/* Whether the weights' gradient of a convolution may come late. Those that do have scratch memory
 * of their own; one that comes in its turn must not use it, since what was forked before may be at
 * work in it. */
static inline bool gpu_plan_late(const struct gpu_plan *plan, const struct gpu_step *step) {
    return step->values <= plan->device->fills;
}

struct gpu_precision {
    enum element element;
    bool tensor_cores, deterministic;
};

/* What the device is asked for in place of convolution `node`, by the network's shapes. Of the
 * input it is the 1x1 convolution of the windows' rows. */
struct convolution_task gpu_plan_task(const struct network *network, const struct shape *shapes,
                                      size_t node, size_t count,
                                      const struct gpu_precision *precision);

/* Fails with ERROR_INPUT when the pictures are too small, or when training would normalise over a
 * single value a channel. */
bool gpu_plan_new(struct device *device, const struct network *network,
                  const struct gpu_precision *precision, const struct plan_key *key,
                  struct gpu_plan **plan, struct error *error);
void gpu_plan_free(struct gpu_plan *plan);

#endif
