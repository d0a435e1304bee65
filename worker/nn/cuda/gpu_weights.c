#include "worker/nn/cuda/gpu_weights.h"

#include "worker/nn/refuse.h"

#include <stdlib.h>
#include <string.h>

enum { PLACE = 64 }; /* floats: 256 bytes, 128 as bf16 */

/* ---- where everything stands ---- */

/* Of a convolution's weights, those that make one output. */
static size_t row_of(enum element element, const struct parameter *parameter) {
    size_t taps = parameter->shape[2] * parameter->shape[3];
    return window_row(element, (unsigned)taps, (unsigned)parameter->shape[1]);
}

/* Floats of a parameter as it is held. */
static size_t held(enum element element, const struct parameter *parameter) {
    return parameter->rank == 4 ? parameter->shape[0] * row_of(element, parameter)
                                : parameter->count;
}

/* Places the parameters of one group, one after the other. */
static size_t place_group(struct gpu_weights *weights, bool trained, bool kernels, size_t at) {
    for (size_t i = 0; i < weights->network->parameter_count; i++) {
        const struct parameter *parameter = &weights->network->parameters[i];
        if (parameter->trainable != trained || (trained && (parameter->rank == 4) != kernels))
            continue;
        weights->places[i] = at;
        at += (held(weights->element, parameter) + PLACE - 1) / PLACE * PLACE;
    }
    return at;
}

static size_t largest(const struct gpu_weights *weights) {
    size_t most = 0;
    for (size_t i = 0; i < weights->network->parameter_count; i++) {
        size_t floats = held(weights->element, &weights->network->parameters[i]);
        most = floats > most ? floats : most;
    }
    return most;
}

static bool array_new(struct gpu_weights *weights, size_t bytes, void **array,
                      struct error *error) {
    return weights->device->allocate(weights->device, bytes, array, error) ||
           error_context(error, "the weights");
}

static bool state_new(struct gpu_weights *weights, enum model_state state, size_t floats,
                      struct error *error) {
    void *array = NULL;
    bool made = array_new(weights, floats * sizeof(float), &array, error);
    weights->states[state] = array;
    return made;
}

bool gpu_weights_new(struct device *device, const struct network *network, enum element element,
                     struct gpu_weights *weights, struct error *error) {
    *weights =
        (struct gpu_weights){.device = device,
                             .network = network,
                             .element = element,
                             .stale = true,
                             .places = calloc(network->parameter_count, sizeof *weights->places)};
    weights->staging = calloc(largest(weights), sizeof *weights->staging);
    bool made = (weights->places != NULL && weights->staging != NULL) ||
                error_machine(error, "out of memory for the weights");
    if (made) {
        weights->kernels = place_group(weights, true, true, 0);
        weights->trained = place_group(weights, true, false, weights->kernels);
        weights->total = place_group(weights, false, false, weights->trained);
    }
    made = made && state_new(weights, MODEL_VALUE, weights->total, error);
    if (element == ELEMENT_BF16)
        made = made &&
               array_new(weights, weights->total * element_bytes(element), &weights->copies, error);
    if (!made)
        gpu_weights_free(weights);
    return made;
}

bool gpu_weights_reserve(struct gpu_weights *weights, size_t moments, struct error *error) {
    for (int state = MODEL_GRADIENT; state <= MODEL_GRADIENT + (int)moments; state++)
        if (weights->states[state] == NULL &&
            !state_new(weights, (enum model_state)state, weights->trained, error))
            return false;
    return true;
}

void gpu_weights_free(struct gpu_weights *weights) {
    for (int state = 0; state < MODEL_STATES; state++)
        if (weights->states[state] != NULL)
            weights->device->release(weights->device, weights->states[state]);
    if (weights->copies != NULL)
        weights->device->release(weights->device, weights->copies);
    free(weights->places);
    free(weights->staging);
    *weights = (struct gpu_weights){0};
}

/* ---- in and out ---- */

/* Between OIHW and O, H, W, I with padded rows. */
static void reorder(const struct gpu_weights *weights, const struct parameter *parameter,
                    bool to_held, float *held_values, float *values) {
    size_t in = parameter->shape[1], taps = parameter->shape[2] * parameter->shape[3];
    size_t row = row_of(weights->element, parameter);
    for (size_t o = 0; o < parameter->shape[0]; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t tap = 0; tap < taps; tap++) {
                float *there = &held_values[o * row + tap * in + i];
                float *here = &values[(o * in + i) * taps + tap];
                if (to_held)
                    *there = *here;
                else
                    *here = *there;
            }
}

bool gpu_weights_set(struct gpu_weights *weights, enum model_state state, size_t index,
                     const float *values, struct error *error) {
    if (!state_writable(weights->network, state, index, error))
        return false;
    if (state != MODEL_VALUE && !gpu_weights_reserve(weights, (size_t)state - 1, error))
        return false;
    const struct parameter *parameter = &weights->network->parameters[index];
    const float *from = values;
    size_t floats = held(weights->element, parameter);
    if (parameter->rank == 4) {
        memset(weights->staging, 0, floats * sizeof(float));
        reorder(weights, parameter, true, weights->staging, (float *)values);
        from = weights->staging;
    }
    weights->stale = weights->stale || state == MODEL_VALUE;
    return (weights->device->upload(weights->device, gpu_weights_at(weights, state, index), from,
                                    floats * sizeof(float), error) &&
            weights->device->finish(weights->device, error)) ||
           error_context(error, "%s", parameter->name);
}

/* A parameter's values as floats, as they are held. */
static bool fetch(struct gpu_weights *weights, enum model_state state, size_t index, float *values,
                  struct error *error) {
    size_t floats = held(weights->element, &weights->network->parameters[index]);
    bool narrow = state == MODEL_GRADIENT && weights->element == ELEMENT_BF16 &&
                  weights->places[index] < weights->kernels;
    const void *from = narrow ? gpu_weights_kernel_gradient(weights, index)
                              : gpu_weights_at(weights, state, index);
    if (!weights->device->download(weights->device, values, from,
                                   floats * (narrow ? sizeof(uint16_t) : sizeof(float)), error))
        return false;
    for (size_t i = floats; narrow && i-- > 0;) { /* in place, from behind */
        uint16_t loaded;
        memcpy(&loaded, (const char *)values + i * sizeof loaded, sizeof loaded);
        values[i] = bf16_widen(loaded);
    }
    return true;
}

bool gpu_weights_get(struct gpu_weights *weights, enum model_state state, size_t index,
                     float *values, struct error *error) {
    if (!state_readable(weights->network, state, index, error))
        return false;
    const struct parameter *parameter = &weights->network->parameters[index];
    if (weights->states[state] == NULL) {
        memset(values, 0, parameter->count * sizeof *values);
        return true;
    }
    bool kernel = parameter->rank == 4;
    if (!fetch(weights, state, index, kernel ? weights->staging : values, error))
        return error_context(error, "%s", parameter->name);
    if (kernel)
        reorder(weights, parameter, false, weights->staging, values);
    return true;
}

/* ---- within a step ---- */

void *gpu_weights_kernel(const struct gpu_weights *weights, size_t index) {
    return weights->copies == NULL ? (void *)gpu_weights_at(weights, MODEL_VALUE, index)
                                   : (void *)((uint16_t *)weights->copies + weights->places[index]);
}

void *gpu_weights_kernel_gradient(const struct gpu_weights *weights, size_t index) {
    return (char *)weights->states[MODEL_GRADIENT] +
           weights->places[index] * element_bytes(weights->element);
}

bool gpu_weights_ready(struct gpu_weights *weights, struct error *error) {
    const struct element_convert arguments = {ELEMENT_F32, weights->element,
                                              weights->states[MODEL_VALUE], weights->copies};
    if (!weights->stale || weights->copies == NULL)
        return true;
    weights->stale =
        !device_launch(weights->device, element_convert, &arguments, weights->total / 4, error);
    return !weights->stale;
}

bool gpu_weights_update(struct gpu_weights *weights, size_t moments,
                        const struct step_numbers *numbers, struct error *error) {
    const struct weights_update arguments = {
        .numbers = numbers,
        .gradients = weights->states[MODEL_GRADIENT],
        .values = weights->states[MODEL_VALUE],
        .m = moments > 0 ? weights->states[MODEL_MOMENT_M] : NULL,
        .v = moments > 1 ? weights->states[MODEL_MOMENT_V] : NULL,
        .kernels = weights->kernels,
        .copies = weights->copies,
    };
    return device_launch(weights->device, weights_update, &arguments, weights->trained / 4, error);
}
