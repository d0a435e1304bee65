#include "worker/nn/cuda/gpu_norm.h"

bool gpu_norm_keeps_open(const struct gpu_plan *plan, const struct node *node) {
    return plan->key.training && node->backward && node->relu && node->residual >= 0;
}

static struct norm_channels channels_of(const struct gpu_place *p) {
    float *saved = gpu_place_tensor(p->run, p->flow->saved);
    size_t n = (size_t)p->step->shape.channels;
    return (struct norm_channels){saved,         saved + n,     saved + 2 * n,
                                  saved + 3 * n, saved + 4 * n, saved + 5 * n};
}

/* What is kept of a ReLU behind a residual, for the way back; else NULL. */
static uint8_t *open_of(const struct gpu_place *p) {
    if (!gpu_norm_keeps_open(p->run->plan, p->node))
        return NULL;
    return (uint8_t *)(channels_of(p).offset + p->step->shape.channels);
}

static struct norm_map map_of(const struct gpu_place *p) {
    size_t channels = (size_t)p->step->shape.channels;
    return (struct norm_map){p->step->values / channels, (unsigned)channels, p->step->element};
}

struct reduction gpu_norm_sums(const struct gpu_step *step) {
    size_t channels = (size_t)step->shape.channels;
    return reduction_of(step->values / channels, channels, step->element);
}

static struct reduction sums_of(const struct gpu_place *p) {
    struct reduction at = gpu_norm_sums(p->step);
    at.partial = gpu_run_scratch(p->run);
    at.tickets = p->run->tickets;
    return at;
}

static bool norm_train(const struct gpu_place *p, struct error *error) {
    const struct norm_moments moments = {
        .at = sums_of(p),
        .x = p->input,
        .weight = gpu_place_value(p->run, p->node, 0),
        .bias = gpu_place_value(p->run, p->node, 1),
        .running_mean = gpu_place_value(p->run, p->node, 2),
        .running_variance = gpu_place_value(p->run, p->node, 3),
        .of = channels_of(p),
    };
    return device_launch(p->device, norm_moments, &moments, reduction_threads(&moments.at), error);
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
        .at = map_of(p),
        .relu = p->node->relu,
        .x = p->input,
        .residual = gpu_place_output(p->run, p->node->residual),
        .scale = of.scale,
        .shift = of.shift,
        .y = p->output,
        .open = open_of(p),
    };
    return device_launch(p->device, norm_apply, &apply, norm_threads(&apply.at), error);
}

bool gpu_norm_back(const struct gpu_place *p, struct error *error) {
    bool residual = p->node->residual >= 0, store = residual || p->second != NULL;
    enum norm_mask mask = !p->node->relu ? NORM_MASK_NONE : residual ? NORM_MASK_OPEN : NORM_MASK_X;
    const struct norm_reduce reduce = {
        .at = sums_of(p),
        .mask = mask,
        .store = store,
        .frozen = p->node->frozen,
        .x = p->input,
        .open = open_of(p),
        .second = p->second,
        .first = p->first,
        .weight = gpu_place_value(p->run, p->node, 0),
        .weight_gradient = gpu_place_gradient(p->run, p->node, 0),
        .bias_gradient = gpu_place_gradient(p->run, p->node, 1),
        .of = channels_of(p),
    };
    if (!device_launch(p->device, norm_reduce, &reduce, reduction_threads(&reduce.at), error))
        return false;
    if (p->input_gradient == NULL)
        return true;
    const struct norm_finish finish = {
        .at = map_of(p),
        .mask = store ? NORM_MASK_NONE : mask,
        .x = p->input,
        .gradient = p->first,
        .of = reduce.of,
        .dx = p->input_gradient,
    };
    return device_launch(p->device, norm_finish, &finish, norm_threads(&finish.at), error);
}
