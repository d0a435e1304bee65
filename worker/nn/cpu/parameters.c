#include "worker/nn/cpu/parameters.h"

#include "worker/nn/refuse.h"

#include <stdlib.h>
#include <string.h>

/* Zeroed and aligned to a cache line. */
static float *floats_new(size_t floats) {
    size_t bytes = (floats * sizeof(float) + 63) / 64 * 64;
    float *memory = aligned_alloc(64, bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

static bool state_make(struct parameter_store *store, int state, struct error *error) {
    if (store->states[state] == NULL)
        store->states[state] = floats_new(store->floats);
    return store->states[state] != NULL || error_machine(error, "out of memory for the weights");
}

bool parameters_new(const struct onednn *onednn, const struct network *network,
                    struct parameters *parameters, struct error *error) {
    *parameters = (struct parameters){
        .onednn = onednn,
        .network = network,
        .stores = calloc(network->parameter_count + 1, sizeof(struct parameter_store))};
    if (parameters->stores == NULL)
        return error_machine(error, "out of memory for the weights");
    parameters->count = network->parameter_count;
    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &network->parameters[i];
        struct parameter_store *store = &parameters->stores[i];
        dnnl_dim_t dims[4] = {0};
        for (size_t j = 0; j < parameter->rank; j++)
            dims[j] = (dnnl_dim_t)parameter->shape[j];
        store->floats = parameter->count;
        if (!onednn_layout_plain((int)parameter->rank, dims, &store->plain, error) ||
            !onednn_layout_copy(store->plain, &store->held, error) ||
            !state_make(store, MODEL_VALUE, error)) {
            parameters_free(parameters);
            return false;
        }
    }
    return true;
}

bool parameters_reserve(struct parameters *parameters, size_t moments, struct error *error) {
    int last = MODEL_GRADIENT + (int)moments;
    for (size_t i = 0; i < parameters->count; i++)
        for (int state = 0; parameters->network->parameters[i].trainable && state <= last; state++)
            if (!state_make(&parameters->stores[i], state, error))
                return false;
    return true;
}

void parameters_free(struct parameters *parameters) {
    for (size_t i = 0; i < parameters->count; i++) {
        struct parameter_store *store = &parameters->stores[i];
        for (int state = 0; state < MODEL_STATES; state++)
            free(store->states[state]);
        onednn_layout_free(store->plain);
        onednn_layout_free(store->held);
    }
    free(parameters->stores);
    *parameters = (struct parameters){0};
}

bool parameters_set(struct parameters *parameters, enum model_state state, size_t index,
                    const float *values, struct error *error) {
    if (!state_writable(parameters->network, state, index, error))
        return false;
    struct parameter_store *store = &parameters->stores[index];
    return (state_make(store, state, error) &&
            onednn_reorder(parameters->onednn, store->plain, values, store->held,
                           store->states[state], error)) ||
           error_context(error, "%s", parameters->network->parameters[index].name);
}

bool parameters_get(const struct parameters *parameters, enum model_state state, size_t index,
                    float *values, struct error *error) {
    if (!state_readable(parameters->network, state, index, error))
        return false;
    const struct parameter_store *store = &parameters->stores[index];
    if (store->states[state] == NULL) {
        memset(values, 0, parameters->network->parameters[index].count * sizeof *values);
        return true;
    }
    return onednn_reorder(parameters->onednn, store->held, store->states[state], store->plain,
                          values, error) ||
           error_context(error, "%s", parameters->network->parameters[index].name);
}

bool parameters_adopt(struct parameters *parameters, size_t index, const onednn_layout *layout,
                      struct error *error) {
    struct parameter_store *store = &parameters->stores[index];
    if (dnnl_memory_desc_equal(store->held, layout))
        return true;
    size_t floats = dnnl_memory_desc_get_size(layout) / sizeof(float);
    float *changed[MODEL_STATES] = {0};
    onednn_layout *held;
    if (!onednn_layout_copy(layout, &held, error))
        goto failed;
    for (int state = 0; state < MODEL_STATES; state++) {
        if (store->states[state] == NULL)
            continue;
        changed[state] = floats_new(floats);
        if (changed[state] == NULL) {
            error_machine(error, "out of memory for the weights");
            goto failed;
        }
        if (!onednn_reorder(parameters->onednn, store->held, store->states[state], layout,
                            changed[state], error))
            goto failed;
    }
    for (int state = 0; state < MODEL_STATES; state++) {
        free(store->states[state]);
        store->states[state] = changed[state];
    }
    onednn_layout_free(store->held);
    store->held = held;
    store->floats = floats;
    return true;
failed:
    onednn_layout_free(held);
    for (int state = 0; state < MODEL_STATES; state++)
        free(changed[state]);
    return error_context(error, "%s", parameters->network->parameters[index].name);
}
