#include "worker/nn/cuda/gpu_run.h"

#include "core/clock.h"
#include "core/random.h"
#include "worker/nn/cuda/gpu_norm.h"
#include "worker/nn/cuda/gpu_pointwise.h"

#include <stdlib.h>

void *gpu_run_input(const struct gpu_run *run) {
    return gpu_place_output(run, 0);
}

void *gpu_run_scratch(const struct gpu_run *run) {
    return gpu_place_tensor(run, run->plan->flow.scratch);
}

/* ---- convolution ---- */

static bool convolve(const struct gpu_place *p, enum pass pass, void *x, void *w, void *y,
                     struct error *error) {
    const struct flow *flow = &p->run->plan->flow;
    bool late = pass == PASS_WEIGHTS && gpu_plan_late(p->run->plan, p->step);
    void *scratch = gpu_place_tensor(p->run, late ? flow->late_scratch : flow->scratch);
    if (p->step->pointwise)
        return gpu_pointwise_run(p->device, &p->step->task, pass, x, w, y, scratch, error);
    return p->device->convolve(p->device, p->step->convolutions[pass], x, w, y, scratch, error);
}

/* What the device convolves: what the node reads or, of the input, its windows laid down as rows:
 * in `tensor`, made anew. NULL: it failed. */
static void *convolved(const struct gpu_place *p, int tensor, struct error *error) {
    if (tensor < 0)
        return p->input;
    const struct window_rows arguments = {
        .element = p->from->element,
        .count = (unsigned)p->run->plan->key.count,
        .height = (unsigned)p->from->shape.height,
        .width = (unsigned)p->from->shape.width,
        .channels = (unsigned)p->from->shape.channels,
        .to_height = (unsigned)p->step->shape.height,
        .to_width = (unsigned)p->step->shape.width,
        .kernel = (unsigned)p->node->kernel,
        .stride = (unsigned)p->node->stride,
        .padding = (unsigned)p->node->padding,
        .from = p->input,
        .to = gpu_place_tensor(p->run, tensor),
    };
    return device_launch(p->device, window_rows, &arguments, window_threads(&arguments), error)
               ? arguments.to
               : NULL;
}

static bool convolution_forward(const struct gpu_place *p, struct error *error) {
    void *x = convolved(p, p->flow->saved, error);
    return x != NULL &&
           convolve(p, PASS_FORWARD, x, gpu_weights_kernel(p->run->weights, p->node->parameter),
                    p->output, error);
}

static bool convolution_back(const struct gpu_place *p, struct error *error) {
    return p->input_gradient == NULL ||
           convolve(p, PASS_DATA, p->input_gradient,
                    gpu_weights_kernel(p->run->weights, p->node->parameter), p->first, error);
}

static bool convolution_weights(const struct gpu_place *p, struct error *error) {
    void *x = convolved(p, p->flow->late, error);
    return x != NULL && convolve(p, PASS_WEIGHTS, x,
                                 gpu_weights_kernel_gradient(p->run->weights, p->node->parameter),
                                 p->first, error);
}

/* ---- convolutions' weights: beside the steps that follow, up to GPU_LAG of them ---- */

static bool weights_forked(const struct gpu_run *run, size_t index) {
    const struct network *network = run->plan->network;
    const struct node *node = index < network->node_count ? &network->nodes[index] : NULL;
    return node != NULL && node->op == OP_CONV && node->backward && !node->frozen &&
           gpu_plan_late(run->plan, &run->plan->steps[index]) &&
           run->profile == NULL; /* which times node after node */
}

static bool weights_fork(const struct gpu_place *p, struct error *error) {
    if (p->node->frozen)
        return true;
    if (!weights_forked(p->run, p->index))
        return convolution_weights(p, error);
    return p->device->fork(p->device, error) && convolution_weights(p, error) &&
           p->device->fork_end(p->device, (int)(p->index % DEVICE_FORKS), error);
}

static bool weights_join(const struct gpu_run *run, size_t index, struct error *error) {
    struct device *device = run->plan->device;
    _Static_assert((int)GPU_LAG < (int)DEVICE_FORKS, "a place is forked to before it was joined");
    return !weights_forked(run, index) ||
           device->fork_join(device, (int)(index % DEVICE_FORKS), error);
}

/* ---- pools ---- */

static struct pool_map pool_of(const struct gpu_place *p) {
    return (struct pool_map){(unsigned)p->from->shape.height,   (unsigned)p->from->shape.width,
                             (unsigned)p->step->shape.height,   (unsigned)p->step->shape.width,
                             (unsigned)p->step->shape.channels, p->step->element};
}

static bool max_forward(const struct gpu_place *p, struct error *error) {
    const struct pool_max arguments = {pool_of(p), p->input, p->output,
                                       gpu_place_tensor(p->run, p->flow->saved)};
    return device_launch(p->device, pool_max, &arguments,
                         p->step->values / pack_width(p->step->element), error);
}

static bool max_back(const struct gpu_place *p, struct error *error) {
    const struct pool_max_back arguments = {pool_of(p), p->first, p->second,
                                            gpu_place_tensor(p->run, p->flow->saved),
                                            p->input_gradient};
    return p->input_gradient == NULL ||
           device_launch(p->device, pool_max_back, &arguments,
                         p->from->values / pack_width(p->from->element), error);
}

static bool average_forward(const struct gpu_place *p, struct error *error) {
    const struct shape *from = &p->from->shape;
    const struct pool_average arguments = {(size_t)from->height * (size_t)from->width,
                                           (size_t)from->channels, p->from->element, p->input,
                                           p->output};
    return device_launch(p->device, pool_average, &arguments, p->step->values / 4, error);
}

static bool average_back(const struct gpu_place *p, struct error *error) {
    const struct shape *from = &p->from->shape;
    const struct pool_average_back arguments = {(size_t)from->height * (size_t)from->width,
                                                (size_t)from->channels, p->from->element, p->first,
                                                p->input_gradient};
    return p->input_gradient == NULL ||
           device_launch(p->device, pool_average_back, &arguments, p->from->values / 4, error);
}

/* ---- the head ---- */

static struct device_product product_of(const struct gpu_place *p) {
    return (struct device_product){.tensor_cores = p->run->plan->tensor_cores,
                                   .m = p->run->plan->key.count,
                                   .n = (size_t)p->node->out_channels,
                                   .k = (size_t)p->node->in_channels};
}

static bool linear_forward(const struct gpu_place *p, struct error *error) {
    struct device_product product = product_of(p);
    product.transpose_b = true;
    product.a = p->input;
    product.b = gpu_place_value(p->run, p->node, 0);
    product.c = p->output;
    const struct linear_bias bias = {product.n, p->node->relu, gpu_place_value(p->run, p->node, 1),
                                     p->output};
    return p->device->multiply(p->device, &product, error) &&
           device_launch(p->device, linear_bias, &bias, p->step->values, error);
}

/* The weights' gradient is (gradient)^T (input), the input's (gradient) (weights). */
static bool linear_back(const struct gpu_place *p, struct error *error) {
    const struct device_product base = product_of(p);
    const struct linear_mask mask = {p->output, p->first};
    const struct linear_bias_gradient bias = {base.m, base.n, p->first,
                                              gpu_place_gradient(p->run, p->node, 1)};
    struct device_product weights = base, input = base;
    weights.transpose_a = true;
    weights.m = base.n;
    weights.n = base.k;
    weights.k = base.m;
    weights.a = p->first;
    weights.b = p->input;
    weights.c = gpu_place_gradient(p->run, p->node, 0);
    input.n = base.k;
    input.k = base.n;
    input.a = p->first;
    input.b = gpu_place_value(p->run, p->node, 0);
    input.c = p->input_gradient;
    return (!p->node->relu ||
            device_launch(p->device, linear_mask, &mask, p->step->values, error)) &&
           (p->node->frozen ||
            (device_launch(p->device, linear_bias_gradient, &bias, base.n, error) &&
             p->device->multiply(p->device, &weights, error))) &&
           (p->input_gradient == NULL || p->device->multiply(p->device, &input, error));
}

static bool dropout(const struct gpu_place *p, const void *from, void *to, struct error *error) {
    if (!p->run->plan->key.training || to == NULL) /* identity, in place */
        return true;
    const struct dropout_apply arguments = {
        .features = (size_t)p->step->shape.channels,
        .probability = p->node->dropout,
        .seed = p->run->seed,
        .purpose = RANDOM_DROPOUT,
        .numbers = p->run->batch.numbers,
        .samples = p->run->batch.samples,
        .from = from,
        .to = to,
    };
    return device_launch(p->device, dropout_apply, &arguments, p->step->values, error);
}

/* ---- node after node ---- */

static bool forward_node(const struct gpu_place *p, struct error *error) {
    switch (p->node->op) {
    case OP_INPUT: break;
    case OP_CONV: return convolution_forward(p, error);
    case OP_BATCH_NORM: return gpu_norm_forward(p, error);
    case OP_MAX_POOL: return max_forward(p, error);
    case OP_AVERAGE_POOL: return average_forward(p, error);
    case OP_LINEAR: return linear_forward(p, error);
    case OP_DROPOUT: return dropout(p, p->input, p->output, error);
    }
    return true;
}

static bool backward_node(const struct gpu_place *p, struct error *error) {
    switch (p->node->op) {
    case OP_INPUT: break;
    case OP_CONV: return weights_fork(p, error) && convolution_back(p, error);
    case OP_BATCH_NORM: return gpu_norm_back(p, error);
    case OP_MAX_POOL: return max_back(p, error);
    case OP_AVERAGE_POOL: return average_back(p, error);
    case OP_LINEAR: return linear_back(p, error);
    case OP_DROPOUT: return dropout(p, p->first, p->input_gradient, error);
    }
    return true;
}

/* One node, and its time when a profile is wanted. */
static bool node_run(const struct gpu_run *run, size_t index, bool forward, struct error *error) {
    const struct gpu_place place = gpu_place_of(run, index);
    char name[64];
    double began = run->profile == NULL ? 0 : clock_steady_seconds();
    if (!(forward ? forward_node(&place, error) : backward_node(&place, error)) ||
        (run->profile != NULL && !place.device->finish(place.device, error)))
        return error_context(error, "%s", node_name(run->plan->network, index, name, sizeof name));
    if (run->profile != NULL) {
        struct node_times *times = &run->profile->nodes[index];
        *(forward ? &times->forward : &times->backward) += 1e3 * (clock_steady_seconds() - began);
    }
    return true;
}

bool gpu_run_forward(const struct gpu_run *run, struct error *error) {
    for (size_t i = 1; i < run->plan->network->node_count; i++)
        if (!node_run(run, i, true, error))
            return false;
    return true;
}

bool gpu_run_loss(const struct gpu_run *run, struct error *error) {
    const struct gpu_place last = gpu_place_of(run, run->plan->network->node_count - 1);
    const struct loss_rows arguments = {
        .loss = run->loss,
        .numbers = run->batch.numbers,
        .logits = last.output,
        .labels = run->batch.labels,
        .losses = run->batch.losses,
        .kept = run->batch.logits,
        .gradient = last.first,
    };
    return device_launch(last.device, loss_rows, &arguments, run->plan->key.count, error);
}

bool gpu_run_maps(const struct gpu_run *run, float *maps, struct error *error) {
    const struct gpu_place pooled = gpu_place_of(run, network_pooled(run->plan->network));
    const struct gpu_step *step = pooled.step;
    size_t channels = (size_t)step->shape.channels, quads = channels / 4;
    size_t pixels = (size_t)step->shape.height * (size_t)step->shape.width;
    void *values = calloc(step->values, element_bytes(step->element));
    bool done = values != NULL || error_machine(error, "out of memory for maps");
    done = done && pooled.device->download(pooled.device, values, pooled.output,
                                           step->values * element_bytes(step->element), error);
    for (size_t at = 0; done && at < step->values / 4; at++) {
        const struct quad quad = quad_load(values, step->element, at);
        size_t row = at / quads, channel = at % quads * 4;
        for (size_t lane = 0; lane < 4; lane++)
            maps[(row / pixels * channels + channel + lane) * pixels + row % pixels] = quad.v[lane];
    }
    free(values);
    return done;
}

bool gpu_run_backward(const struct gpu_run *run, struct error *error) {
    const struct network *network = run->plan->network;
    for (size_t i = network->node_count; i-- > 1;)
        if (!weights_join(run, i + GPU_LAG + 1, error) ||
            (network->nodes[i].backward && !node_run(run, i, false, error)))
            return false;
    for (size_t i = GPU_LAG + 2; i-- > 1;)
        if (!weights_join(run, i, error))
            return false;
    return true;
}
