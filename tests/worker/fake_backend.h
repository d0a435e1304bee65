/* fake_backend: a backend that only keeps states, for what loads and saves them. */
#ifndef ASSAY_TESTS_WORKER_FAKE_BACKEND_H
#define ASSAY_TESTS_WORKER_FAKE_BACKEND_H

#include "worker/nn/backend.h"

#include <stdlib.h>
#include <string.h>

enum { FAKE_STATES = 4 };

struct model {
    const struct network *network;
    float **values[FAKE_STATES]; /* NULL until set */
};

static inline bool fake_new(const struct network *network, const struct model_options *options,
                            struct model **model, struct error *error) {
    (void)options, (void)error;
    *model = calloc(1, sizeof **model);
    (*model)->network = network;
    for (int s = 0; s < FAKE_STATES; s++)
        (*model)->values[s] = calloc(network->parameter_count, sizeof(float *));
    return true;
}

static inline void fake_free(struct model *model) {
    for (int s = 0; s < FAKE_STATES; s++) {
        for (size_t i = 0; i < model->network->parameter_count; i++)
            free(model->values[s][i]);
        free(model->values[s]);
    }
    free(model);
}

static inline bool fake_set(struct model *model, enum model_state state, size_t parameter,
                            const float *values, struct error *error) {
    (void)error;
    size_t bytes = model->network->parameters[parameter].count * sizeof *values;
    free(model->values[state][parameter]);
    model->values[state][parameter] = malloc(bytes);
    memcpy(model->values[state][parameter], values, bytes);
    return true;
}

static inline bool fake_get(struct model *model, enum model_state state, size_t parameter,
                            float *values, struct error *error) {
    size_t bytes = model->network->parameters[parameter].count * sizeof *values;
    if (model->values[state][parameter] == NULL)
        return error_set(error, ERROR_FAILED, "never set");
    memcpy(values, model->values[state][parameter], bytes);
    return true;
}

static const struct backend fake_backend = {.name = "fake",
                                            .model_new = fake_new,
                                            .model_free = fake_free,
                                            .state_set = fake_set,
                                            .state_get = fake_get};

#endif
