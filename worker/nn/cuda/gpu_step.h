/* gpu_step: a step's launches, from the input to the updated weights, queued one by one or all at
 * once.
 *
 * Some hundreds of launches a step keep a processor busier than a large GPU. They are the same
 * every time, so the second step of a plan has the device record them, and those that follow
 * replay the recording. Where the device cannot, they go on being queued one by one; so they do
 * where each node is timed.
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_STEP_H
#define ASSAY_WORKER_NN_CUDA_GPU_STEP_H

#include "worker/nn/cuda/gpu_run.h"

/* The input and what is exchanged are there. `recording` is the plan's own. moments: of the
 * optimizer that trains; a plan for evaluation updates nothing. */
bool gpu_step_queue(const struct gpu_run *run, size_t moments, struct gpu_recording *recording,
                    struct error *error);

#endif
