/* parameters: weights, gradients and the optimizer's moments, in whatever layout the plan that runs
 * likes.
 *
 * All four arrays of a parameter share one layout, so that the optimizer is a plain loop. They
 * begin in PyTorch's layout and follow each plan's wish when it is about to run (parameters_adopt);
 * plans of one network nearly always wish the same.
 */
#ifndef ASSAY_WORKER_NN_CPU_PARAMETERS_H
#define ASSAY_WORKER_NN_CPU_PARAMETERS_H

#include "worker/nn/backend.h"
#include "worker/nn/cpu/onednn.h"

struct parameter_store {
    float *states[MODEL_STATES]; /* NULL: not made yet, or not trainable; reads as zeros */
    onednn_layout *plain, *held;
    size_t floats; /* in the held layout, with its padding */
};

struct parameters {
    const struct onednn *onednn;
    const struct network *network;
    struct parameter_store *stores;
    size_t count;
};

bool parameters_new(const struct onednn *onednn, const struct network *network,
                    struct parameters *parameters, struct error *error);
void parameters_free(struct parameters *parameters);

/* Makes the gradients and so many moments of trainable parameters that are not there yet, zeroed:
 * models that only evaluate never need them. */
bool parameters_reserve(struct parameters *parameters, size_t moments, struct error *error);

/* In PyTorch's layout. */
bool parameters_set(struct parameters *parameters, enum model_state state, size_t index,
                    const float *values, struct error *error);
bool parameters_get(const struct parameters *parameters, enum model_state state, size_t index,
                    float *values, struct error *error);

/* Changes the layout in which parameter `index` is held, if it is another. */
bool parameters_adopt(struct parameters *parameters, size_t index, const onednn_layout *layout,
                      struct error *error);

static inline float *parameters_at(const struct parameters *parameters, enum model_state state,
                                   size_t index) {
    return parameters->stores[index].states[state];
}

#endif
