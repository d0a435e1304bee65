/* gpu_place: where in the device's memory a node finds and leaves what is its own. */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_PLACE_H
#define ASSAY_WORKER_NN_CUDA_GPU_PLACE_H

#include "worker/nn/cuda/gpu_run.h"

/* A node while it is at work. */
struct gpu_place {
    const struct gpu_run *run;
    struct device *device;
    size_t index;
    const struct node *node;
    const struct gpu_step *step, *from; /* the node's and its input's */
    const struct flow_step *flow;
    void *input, *output;
    /* backward */
    void *first, *second; /* gradients of the output; second or both may be NULL */
    void *input_gradient; /* or NULL */
};

struct gpu_place gpu_place_of(const struct gpu_run *run, size_t index);

/* A tensor of the plan's flow, and a node's output; NULL for a negative number. */
void *gpu_place_tensor(const struct gpu_run *run, int tensor);
void *gpu_place_output(const struct gpu_run *run, int node);
/* The node's parameter `index`, and its gradient, NULL when the node is frozen. */
float *gpu_place_value(const struct gpu_run *run, const struct node *node, size_t index);
float *gpu_place_gradient(const struct gpu_run *run, const struct node *node, size_t index);

#endif
