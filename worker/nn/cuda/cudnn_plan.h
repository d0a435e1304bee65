/* cudnn_plan: one pass of one convolution as an execution plan of cuDNN's graph API.
 *
 * cuDNN's heuristics name engines, best first; the first one that keeps the promises of the task
 * (same bits every time, no TF32 where true float is asked for) and that cuDNN can build is taken.
 * Plans can be made without a GPU, from a description of one (deviceless compilation, cuDNN 9.8 and
 * later): so the tests hold every convolution of the networks against an H100 that is not there.
 */
#ifndef ASSAY_WORKER_NN_CUDA_CUDNN_PLAN_H
#define ASSAY_WORKER_NN_CUDA_CUDNN_PLAN_H

#include "worker/nn/cuda/choices.h"

#include <cudnn.h>

struct cudnn_plan;

/* Where a plan is to run: `handle`, or without one `properties`. */
struct cudnn_place {
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t properties;
};

/* properties from the JSON that cuDNN itself writes of a device. Freed with
 * cudnnBackendDestroyDescriptor. */
bool cudnn_properties(const char *json, cudnnBackendDescriptor_t *properties, struct error *error);

/* *choice: the engine to try first, or {-1, -1}; becomes the one that was taken. */
bool cudnn_plan_new(const struct cudnn_place *place, const struct convolution_task *task,
                    enum pass pass, struct choice *choice, struct cudnn_plan **plan,
                    struct error *error);
void cudnn_plan_free(struct cudnn_plan *plan);
/* Bytes of scratch memory that running it needs. */
size_t cudnn_plan_workspace(const struct cudnn_plan *plan);

/* Queues the pass on the handle's stream. Operands are aligned to 16 bytes. */
bool cudnn_plan_run(const struct cudnn_plan *plan, cudnnHandle_t handle, void *x, void *w, void *y,
                    void *workspace, struct error *error);

#endif
