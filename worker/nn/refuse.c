#include "worker/nn/refuse.h"

const struct loss plain_loss = {.class_weights = {1, 1}};

bool labels_valid(const struct batch *batch, struct error *error) {
    for (size_t i = 0; i < batch->count; i++)
        if (batch->labels[i] < 0 || batch->labels[i] >= NETWORK_CLASSES)
            return error_set(error, ERROR_INPUT, "label %d of picture %zu is not 0 to %d",
                             (int)batch->labels[i], i, NETWORK_CLASSES - 1);
    return true;
}

bool state_readable(const struct network *network, enum model_state state, size_t index,
                    struct error *error) {
    if (index >= network->parameter_count)
        return error_set(error, ERROR_FAILED, "there is no parameter %zu", index);
    if (state != MODEL_VALUE && !network->parameters[index].trainable)
        return error_set(error, ERROR_FAILED,
                         "%s is not trained: it has no gradient and no moments",
                         network->parameters[index].name);
    return true;
}

bool state_writable(const struct network *network, enum model_state state, size_t index,
                    struct error *error) {
    if (!state_readable(network, state, index, error))
        return false;
    return state != MODEL_GRADIENT ||
           error_set(error, ERROR_FAILED, "gradients are computed, not set");
}
