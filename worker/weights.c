#include "worker/weights.h"

#include "core/content_sum.h"
#include "core/pth.h"
#include "core/text.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MOST = 8 }; /* tensors that an error names */

/* --- names --- */

size_t weights_tracked_count(const struct network *network) {
    size_t count = 0;
    for (size_t i = 0; i < network->parameter_count; i++)
        count += network->parameters[i].kind == PARAMETER_MEAN;
    return count;
}

void weights_tracked_name(const struct parameter *mean, char name[static 80]) {
    const char *dot = strrchr(mean->name, '.');
    snprintf(name, 80, "%.*s.num_batches_tracked", (int)(dot - mean->name), mean->name);
}

void weights_tracked_add(const struct network *network, int64_t *batches_tracked, int64_t steps) {
    for (size_t i = 0; i < network->parameter_count; i++) {
        const struct parameter *parameter = &network->parameters[i];
        if (parameter->kind == PARAMETER_MEAN)
            *batches_tracked++ += parameter->frozen ? 0 : steps;
    }
}

int64_t weights_tracked(const struct safetensors *file, const struct parameter *mean) {
    char name[80];
    int64_t value = 0;
    weights_tracked_name(mean, name);
    const struct tensor *tensor = safetensors_find(file, name);
    if (tensor != NULL && tensor->type == TENSOR_I64 && tensor_count(tensor) == 1)
        memcpy(&value, tensor->data, sizeof value);
    return value;
}

static bool begins_with(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_fresh(const struct experiment *experiment, const struct safetensors *file,
                     const char *name) {
    for (size_t i = 0; i < experiment->model.fresh_count; i++) {
        if (network_is_part(name, experiment->model.fresh[i]))
            return true;
    }
    if (file == NULL)
        return true;
    return network_is_part(name, "head") && safetensors_find(file, "head.weight") == NULL &&
           safetensors_find(file, "head.bias") == NULL;
}

/* --- what does not fit --- */

struct misfits {
    struct text list;
    size_t count;
};

/* Begins a misfit in the list; false when the list is long enough. */
static bool misfit(struct misfits *misfits) {
    if (misfits->count++ >= LISTED_MOST)
        return false;
    text_format(&misfits->list, "%s", misfits->count == 1 ? "" : ", ");
    return true;
}

static void check_parameter(const struct safetensors *file, const struct parameter *parameter,
                            struct misfits *misfits) {
    const struct tensor *tensor = safetensors_find(file, parameter->name);
    if (tensor == NULL) {
        if (misfit(misfits)) {
            text_format(&misfits->list, "%s ", parameter->name);
            tensor_shape_text(parameter->shape, parameter->rank, &misfits->list);
            text_format(&misfits->list, " is missing");
        }
        return;
    }
    bool same =
        tensor->rank == parameter->rank &&
        memcmp(tensor->shape, parameter->shape, parameter->rank * sizeof parameter->shape[0]) == 0;
    if (same && tensor->type == TENSOR_F32)
        return;
    if (!misfit(misfits))
        return;
    text_format(&misfits->list, "%s is ", parameter->name);
    if (same) {
        text_format(&misfits->list, "not F32");
        return;
    }
    tensor_shape_text(tensor->shape, tensor->rank, &misfits->list);
    text_format(&misfits->list, " and should be ");
    tensor_shape_text(parameter->shape, parameter->rank, &misfits->list);
}

/* Tensors that no parameter takes. Those of fresh parts were meant for another model: no matter. */
static void check_surplus(const struct experiment *experiment, const struct safetensors *file,
                          const struct network *network, struct misfits *misfits) {
    for (size_t i = 0; i < safetensors_size(file); i++) {
        const struct tensor *tensor = safetensors_at(file, i);
        if (network_find(network, tensor->name) >= 0 || begins_with(tensor->name, "optimizer.") ||
            text_ends(tensor->name, ".num_batches_tracked") ||
            is_fresh(experiment, file, tensor->name))
            continue;
        if (!misfit(misfits))
            continue;
        text_format(&misfits->list, "%s ", tensor->name);
        tensor_shape_text(tensor->shape, tensor->rank, &misfits->list);
        text_format(&misfits->list, " has no place");
    }
}

static bool check_file(const struct experiment *experiment, const struct safetensors *file,
                       const struct network *network, struct error *error) {
    struct misfits misfits = {0};
    for (size_t i = 0; i < network->parameter_count; i++) {
        if (!is_fresh(experiment, file, network->parameters[i].name))
            check_parameter(file, &network->parameters[i], &misfits);
    }
    check_surplus(experiment, file, network, &misfits);
    if (misfits.count == 0)
        return true;
    if (misfits.count > LISTED_MOST)
        text_format(&misfits.list, ", and %zu more", misfits.count - LISTED_MOST);
    char *list = text_take(&misfits.list);
    error_set(error, ERROR_INPUT,
              "%s does not fit %s: %s; choose the weights of that arch, or name what is to begin "
              "anew in model.fresh",
              experiment->model.weights, experiment->model.arch,
              list != NULL ? list : "out of memory");
    free(list);
    return false;
}

static bool check_fresh(const struct experiment *experiment, const struct network *network,
                        struct error *error) {
    for (size_t f = 0; f < experiment->model.fresh_count; f++) {
        bool found = false;
        for (size_t i = 0; i < network->parameter_count && !found; i++)
            found = network_is_part(network->parameters[i].name, experiment->model.fresh[f]);
        if (!found)
            return error_set(error, ERROR_INPUT,
                             "model.fresh: %s has no part \"%s\"; name the beginning of its "
                             "parameters' names, such as \"layer4\" or \"fc\"",
                             experiment->model.arch, experiment->model.fresh[f]);
    }
    return true;
}

/* --- loading --- */

bool weights_set(const struct safetensors *file, const char *prefix, const struct network *network,
                 size_t index, const struct backend *backend, struct model *model,
                 enum model_state state, struct error *error) {
    const struct parameter *parameter = &network->parameters[index];
    char name[sizeof parameter->name + 16];
    snprintf(name, sizeof name, "%s%s", prefix, parameter->name);
    const struct tensor *tensor = safetensors_find(file, name);
    if (tensor == NULL || tensor->type != TENSOR_F32 || tensor->rank != parameter->rank ||
        memcmp(tensor->shape, parameter->shape, tensor->rank * sizeof tensor->shape[0]) != 0)
        return error_set(error, ERROR_INPUT, "tensor \"%s\" is missing or of another shape", name);
    if ((uintptr_t)tensor->data % alignof(float) == 0)
        return backend->state_set(model, state, index, tensor->data, error);
    float *values = malloc(tensor->bytes);
    if (values == NULL)
        return error_memory(error);
    memcpy(values, tensor->data, tensor->bytes);
    bool ok = backend->state_set(model, state, index, values, error);
    free(values);
    return ok;
}

static bool set_fresh(const struct network *network, size_t index, uint64_t seed,
                      const struct backend *backend, struct model *model, struct error *error) {
    float *values = reallocarray(NULL, network->parameters[index].count, sizeof *values);
    if (values == NULL)
        return error_memory(error);
    network_initialise(network, index, seed, values);
    bool ok = backend->state_set(model, MODEL_VALUE, index, values, error);
    free(values);
    return ok;
}

static bool set_all(const struct experiment *experiment, const struct safetensors *file,
                    const struct network *network, const struct backend *backend,
                    struct model *model, int64_t *batches_tracked, struct error *error) {
    for (size_t i = 0; i < network->parameter_count; i++) {
        const struct parameter *parameter = &network->parameters[i];
        bool fresh = is_fresh(experiment, file, parameter->name);
        bool ok = fresh ? set_fresh(network, i, experiment->train.seed, backend, model, error)
                        : weights_set(file, "", network, i, backend, model, MODEL_VALUE, error);
        if (!ok)
            return false;
        if (parameter->kind == PARAMETER_MEAN)
            *batches_tracked++ = fresh ? 0 : weights_tracked(file, parameter);
    }
    return true;
}

/* What PyTorch's DataParallel and torch.compile put in front of every name, in the order in which
 * they were applied. */
static void drop_wrappers(struct safetensors *file) {
    while (safetensors_drop_prefix(file, "module.") || safetensors_drop_prefix(file, "_orig_mod."))
        ;
}

bool weights_open(const char *path, struct safetensors **file, struct error *error) {
    if (!weights_file_open(path, file, error))
        return false;
    if (!content_sum_check(*file, path, error)) {
        safetensors_close(*file);
        *file = NULL;
        return false;
    }
    drop_wrappers(*file);
    return true;
}

bool weights_begin(const struct experiment *experiment, const struct network *network,
                   const struct backend *backend, struct model *model, int64_t *batches_tracked,
                   struct error *error) {
    const char *path = experiment->model.weights;
    struct safetensors *file = NULL;
    if (!check_fresh(experiment, network, error))
        return false;
    if (path != NULL && !weights_open(path, &file, error))
        return error_context(error, "model.weights");
    bool ok = (file == NULL || check_file(experiment, file, network, error)) &&
              set_all(experiment, file, network, backend, model, batches_tracked, error);
    safetensors_close(file);
    return ok;
}
