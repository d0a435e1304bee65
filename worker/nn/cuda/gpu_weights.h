/* gpu_weights: every parameter of a network in the device's memory, one array a state.
 *
 * Convolutions' weights are held as cuDNN reads them, out x k x k x in (those of one output padded
 * by zeros to the row of a window, which stay zeros whatever the optimizer; where the channels are
 * a multiple of a pack there is nothing to pad), the others as they are. First come the
 * trained convolutions' weights, then the other trained parameters, then what is not trained: so
 * the optimizer is one launch over the front of the arrays. Where activations are bf16, the
 * convolutions read a bf16 copy of the floats that are trained, and their gradients come as bf16
 * and stay so, at the front of the array of gradients.
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_WEIGHTS_H
#define ASSAY_WORKER_NN_CUDA_GPU_WEIGHTS_H

#include "worker/nn/backend.h"
#include "worker/nn/cuda/device.h"

struct gpu_weights {
    struct device *device;         /* borrowed */
    const struct network *network; /* borrowed */
    enum element element;
    size_t *places;                 /* where each parameter begins, in floats; a multiple of 64 */
    size_t kernels, trained, total; /* floats: how far the three groups reach */
    /* `total` values; gradients and moments `trained`, NULL until made */
    float *states[MODEL_STATES];
    void *copies;   /* bf16: of all values; else NULL */
    bool stale;     /* values were set, and the copies not yet made anew */
    float *staging; /* on the host, for the largest parameter */
};

bool gpu_weights_new(struct device *device, const struct network *network, enum element element,
                     struct gpu_weights *weights, struct error *error);
void gpu_weights_free(struct gpu_weights *weights);

/* Makes gradients and moments that are not there yet, zeroed. */
bool gpu_weights_reserve(struct gpu_weights *weights, size_t moments, struct error *error);

/* In PyTorch's layout; both wait for the device. */
bool gpu_weights_set(struct gpu_weights *weights, enum model_state state, size_t parameter,
                     const float *values, struct error *error);
bool gpu_weights_get(struct gpu_weights *weights, enum model_state state, size_t parameter,
                     float *values, struct error *error);

/* Before a step: makes the copies anew if values were set. */
bool gpu_weights_ready(struct gpu_weights *weights, struct error *error);
/* After the backward pass: the update of all trained parameters, and their copies. */
bool gpu_weights_update(struct gpu_weights *weights, size_t moments,
                        const struct step_numbers *numbers, struct error *error);

static inline float *gpu_weights_at(const struct gpu_weights *weights, enum model_state state,
                                    size_t parameter) {
    float *array = weights->states[state];
    return array == NULL ? NULL : array + weights->places[parameter];
}

/* What a convolution reads as its weights, and where their gradient goes. */
void *gpu_weights_kernel(const struct gpu_weights *weights, size_t parameter);
void *gpu_weights_kernel_gradient(const struct gpu_weights *weights, size_t parameter);

#endif
