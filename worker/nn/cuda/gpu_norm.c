#include "worker/nn/cuda/gpu_norm.h"

static struct norm_channels channels_of(const struct gpu_place *p) {
    float *saved = gpu_place_tensor(p->run, p->flow->saved);
    size_t n = (size_t)p->step->shape.channels;
    return (struct norm_channels){saved,         saved + n,     saved + 2 * n,
                                  saved + 3 * n, saved + 4 * n, saved + 5 * n};
}

static struct norm_rows rows_of(const struct gpu_place *p) {
    size_t channels = (size_t)p->step->shape.channels, rows = p->step->values / channels;
    return (struct norm_rows){rows, channels, norm_slices(rows, channels), p->step->element};
}

/* Folds until few enough slices are left for one thread a channel; returns where they stand. */
static const double *fold(const struct gpu_place *p, struct norm_rows *at, struct error *error) {
    size_t columns = 2 * at->channels;
    double *from = gpu_run_scratch(p->run), *spare = from + at->slices * columns;
    while (at->slices > NORM_FOLD) {
        size_t groups = (at->slices + NORM_FOLD - 1) / NORM_FOLD;
        const struct norm_fold arguments = {at->slices, columns, from, spare};
        if (!device_launch(p->device, norm_fold, &arguments, groups * columns, error))
            return NULL;
        double *folded = spare;
        spare = from;
        from = folded;
        at->slices = groups;
    }
    return from;
}

static bool norm_train(const struct gpu_place *p, struct error *error) {
    struct norm_rows at = rows_of(p);
    const struct norm_moments moments = {at, p->input, gpu_run_scratch(p->run)};
    if (!device_launch(p->device, norm_moments, &moments, at.slices * at.channels / 4, error))
        return false;
    const double *partial = fold(p, &at, error);
    const struct norm_statistics statistics = {
        .at = at,
        .partial = partial,
        .weight = gpu_place_value(p->run, p->node, 0),
        .bias = gpu_place_value(p->run, p->node, 1),
        .running_mean = gpu_place_value(p->run, p->node, 2),
        .running_variance = gpu_place_value(p->run, p->node, 3),
        .of = channels_of(p),
    };
    return partial != NULL &&
           device_launch(p->device, norm_statistics, &statistics, at.channels, error);
}

static bool norm_run(const struct gpu_place *p, struct error *error) {
    const struct norm_running running = {
        .weight = gpu_place_value(p->run, p->node, 0),
        .bias = gpu_place_value(p->run, p->node, 1),
        .running_mean = gpu_place_value(p->run, p->node, 2),
        .running_variance = gpu_place_value(p->run, p->node, 3),
        .of = channels_of(p),
    };
    return device_launch(p->device, norm_running, &running, (size_t)p->step->shape.channels, error);
}

bool gpu_norm_forward(const struct gpu_place *p, struct error *error) {
    bool training = p->run->plan->key.training && !p->node->frozen;
    if (!(training ? norm_train(p, error) : norm_run(p, error)))
        return false;
    const struct norm_channels of = channels_of(p);
    const struct norm_apply apply = {
        .channels = (size_t)p->step->shape.channels,
        .element = p->step->element,
        .relu = p->node->relu,
        .x = p->input,
        .residual = gpu_place_output(p->run, p->node->residual),
        .scale = of.scale,
        .shift = of.shift,
        .y = p->output,
    };
    return device_launch(p->device, norm_apply, &apply, p->step->values / 4, error);
}

bool gpu_norm_back(const struct gpu_place *p, struct error *error) {
    struct norm_rows at = rows_of(p);
    const struct norm_channels of = channels_of(p);
    bool residual = p->node->residual >= 0, store = residual || p->second != NULL;
    enum norm_mask mask = !p->node->relu ? NORM_MASK_NONE : residual ? NORM_MASK_Y : NORM_MASK_X;
    const struct norm_reduce reduce = {
        .at = at,
        .mask = mask,
        .store = store,
        .x = p->input,
        .y = p->output,
        .second = p->second,
        .first = p->first,
        .scale = of.scale,
        .shift = of.shift,
        .partial = gpu_run_scratch(p->run),
    };
    if (!device_launch(p->device, norm_reduce, &reduce, at.slices * at.channels / 4, error))
        return false;
    const double *partial = fold(p, &at, error);
    const struct norm_gradients gradients = {
        .at = at,
        .frozen = p->node->frozen,
        .partial = partial,
        .weight = gpu_place_value(p->run, p->node, 0),
        .weight_gradient = gpu_place_gradient(p->run, p->node, 0),
        .bias_gradient = gpu_place_gradient(p->run, p->node, 1),
        .of = of,
    };
    if (partial == NULL ||
        !device_launch(p->device, norm_gradients, &gradients, at.channels, error))
        return false;
    if (p->input_gradient == NULL)
        return true;
    const struct norm_finish finish = {
        .channels = at.channels,
        .element = p->step->element,
        .mask = store ? NORM_MASK_NONE : mask,
        .x = p->input,
        .gradient = p->first,
        .of = of,
        .dx = p->input_gradient,
    };
    return device_launch(p->device, norm_finish, &finish, p->step->values / 4, error);
}
