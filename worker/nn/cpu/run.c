#include "worker/nn/cpu/run.h"

#include "core/clock.h"
#include "worker/nn/cpu/batch_norm.h"
#include "worker/nn/cpu/head.h"
#include "worker/nn/cpu/pool.h"
#include "worker/nn/cpu/update.h"

#include <string.h>

static double now_ms(void) {
    return 1e3 * clock_steady_seconds();
}

static void *tensor_at(const struct run *run, int tensor) {
    return tensor < 0 ? NULL : run->arena + run->plan->flow.tensors[tensor].offset;
}

static const struct flow_step *flow_of(const struct run *run, const struct node *node) {
    return &run->plan->flow.steps[node - run->plan->network->nodes];
}

/* A node's output; the input's is the batch itself. */
static const float *output_of(const struct run *run, int node) {
    return run->plan->network->nodes[node].op == OP_INPUT
               ? run->batch->images
               : tensor_at(run, run->plan->flow.steps[node].output);
}

static float *value_of(const struct run *run, const struct node *node, size_t index) {
    return parameters_at(run->parameters, MODEL_VALUE, node->parameter + index);
}

static float *gradient_of(const struct run *run, const struct node *node, size_t index) {
    return parameters_at(run->parameters, MODEL_GRADIENT, node->parameter + index);
}

static struct batch_norm batch_norm_of(const struct run *run, const struct node *node,
                                       const struct step *step) {
    float *saved = tensor_at(run, flow_of(run, node)->saved);
    size_t channels = step->map.channels;
    return (struct batch_norm){.map = step->map,
                               .relu = node->relu,
                               .frozen = node->frozen,
                               .mean = saved,
                               .inverse = saved + channels,
                               .scale = saved + 2 * channels,
                               .shift = saved + 3 * channels,
                               .partial = tensor_at(run, run->plan->flow.scratch)};
}

static struct linear linear_of(const struct run *run, const struct node *node) {
    return (struct linear){run->plan->count, (size_t)node->in_channels, (size_t)node->out_channels,
                           node->relu};
}

static void dropout_forward(const struct run *run, const struct node *node,
                            const struct step *step) {
    if (!run->plan->training) /* identity, in place */
        return;
    const struct dropout dropout = {run->plan->count, step->map.channels, node->dropout,
                                    run->seed,        run->batch->epoch,  run->batch->samples};
    const struct flow_step *flow = flow_of(run, node);
    float *factors = tensor_at(run, flow->saved);
    dropout_draw(&dropout, factors);
    dropout_apply(map_floats(&step->map), output_of(run, node->input), factors,
                  tensor_at(run, flow->output));
}

static bool forward_node(const struct run *run, const struct node *node, const struct step *step,
                         struct error *error) {
    if (node->op == OP_INPUT)
        return true;
    const struct map *from = &run->plan->steps[node->input].map;
    const float *input = output_of(run, node->input);
    const float *residual = node->residual < 0 ? NULL : output_of(run, node->residual);
    const struct flow_step *flow = flow_of(run, node);
    float *output = tensor_at(run, flow->output);
    switch (node->op) {
    case OP_INPUT: break;
    case OP_CONV:
        return convolution_forward(step->convolution, input, value_of(run, node, 0), output,
                                   tensor_at(run, run->plan->flow.scratch), error);
    case OP_BATCH_NORM: {
        const struct batch_norm norm = batch_norm_of(run, node, step);
        if (run->plan->training && !node->frozen)
            batch_norm_forward(&norm, input, residual, value_of(run, node, 0),
                               value_of(run, node, 1), value_of(run, node, 2),
                               value_of(run, node, 3), output);
        else
            batch_norm_evaluate(&norm, input, residual, value_of(run, node, 0),
                                value_of(run, node, 1), value_of(run, node, 2),
                                value_of(run, node, 3), output);
        break;
    }
    case OP_MAX_POOL:
        max_pool_forward(from, &step->map, input, output, tensor_at(run, flow->saved));
        break;
    case OP_AVERAGE_POOL: average_pool_forward(from, input, output); break;
    case OP_LINEAR: {
        const struct linear linear = linear_of(run, node);
        linear_forward(&linear, input, value_of(run, node, 0), value_of(run, node, 1), output);
        break;
    }
    case OP_DROPOUT: dropout_forward(run, node, step); break;
    }
    return true;
}

static bool stops(const struct run *run, struct error *error) {
    if (run->stop == NULL || !run->stop(run->stop_context))
        return false;
    error_set(error, ERROR_FAILED, "stopped");
    return true;
}

bool run_forward(const struct run *run, struct error *error) {
    const struct network *network = run->plan->network;
    char name[64];
    for (size_t i = 0; i < network->node_count; i++) {
        double start = run->profile == NULL ? 0 : now_ms();
        if (stops(run, error))
            return false;
        if (!forward_node(run, &network->nodes[i], &run->plan->steps[i], error))
            return error_context(error, "%s", node_name(network, i, name, sizeof name));
        if (run->profile != NULL)
            run->profile->nodes[i].forward += now_ms() - start;
    }
    return true;
}

void run_loss(const struct run *run, float *losses, float *logits) {
    const struct step *last = &run->plan->steps[run->plan->network->node_count - 1];
    const struct flow_step *flow = &run->plan->flow.steps[run->plan->network->node_count - 1];
    const float *outputs = tensor_at(run, flow->output);
    memcpy(logits, outputs, map_floats(&last->map) * sizeof(float));
    cross_entropy(run->loss, run->plan->count, outputs, run->batch->labels, losses,
                  run->plan->training ? tensor_at(run, flow->gradients[0]) : NULL);
}

void run_maps(const struct run *run, float *maps) {
    size_t pooled = network_pooled(run->plan->network);
    const struct map *map = &run->plan->steps[pooled].map;
    const float *blocked = output_of(run, (int)pooled);
    size_t pixels = map->height * map->width;
    for (size_t plane = 0; plane < map->count * map->channels; plane++) {
        size_t channel = plane % map->channels;
        const float *from = blocked + map_at(map, plane / map->channels, channel / map->block) +
                            channel % map->block;
        for (size_t pixel = 0; pixel < pixels; pixel++)
            maps[plane * pixels + pixel] = from[pixel * map->block];
    }
}

/* ---- backward: gradients of the node's parameters and of its input ---- */

static bool convolution_back(const struct run *run, const struct node *node,
                             const struct step *step, struct error *error) {
    const struct flow_step *flow = flow_of(run, node);
    const float *gradient = tensor_at(run, flow->gradients[0]);
    void *scratch = tensor_at(run, run->plan->flow.scratch);
    return (flow->input_gradient < 0 ||
            convolution_backward_data(step->convolution, gradient, value_of(run, node, 0),
                                      tensor_at(run, flow->input_gradient), scratch, error)) &&
           (node->frozen ||
            convolution_backward_weights(step->convolution, output_of(run, node->input), gradient,
                                         gradient_of(run, node, 0), scratch, error));
}

static void batch_norm_back(const struct run *run, const struct node *node,
                            const struct step *step) {
    const struct batch_norm norm = batch_norm_of(run, node, step);
    const struct flow_step *flow = flow_of(run, node);
    const struct batch_norm_gradients gradients = {
        .x = output_of(run, node->input),
        .y = tensor_at(run, flow->output),
        .first = tensor_at(run, flow->gradients[0]),
        .second = flow->gradient_count > 1 ? tensor_at(run, flow->gradients[1]) : NULL,
        .dx = tensor_at(run, flow->input_gradient),
        .weight = gradient_of(run, node, 0),
        .bias = gradient_of(run, node, 1),
    };
    batch_norm_backward(&norm, node->residual >= 0, value_of(run, node, 0), &gradients);
}

static bool backward_node(const struct run *run, const struct node *node, const struct step *step,
                          struct error *error) {
    const struct map *from = &run->plan->steps[node->input].map;
    const struct flow_step *flow = flow_of(run, node);
    float *gradient = tensor_at(run, flow->gradients[0]);
    float *input_gradient = tensor_at(run, flow->input_gradient);
    switch (node->op) {
    case OP_INPUT: break;
    case OP_CONV: return convolution_back(run, node, step, error);
    case OP_BATCH_NORM: batch_norm_back(run, node, step); break;
    case OP_MAX_POOL:
        max_pool_backward(from, &step->map, gradient,
                          flow->gradient_count > 1 ? tensor_at(run, flow->gradients[1]) : NULL,
                          tensor_at(run, flow->saved), input_gradient);
        break;
    case OP_AVERAGE_POOL: average_pool_backward(from, gradient, input_gradient); break;
    case OP_LINEAR: {
        const struct linear linear = linear_of(run, node);
        linear_backward(&linear, output_of(run, node->input), value_of(run, node, 0),
                        tensor_at(run, flow->output), gradient, gradient_of(run, node, 0),
                        gradient_of(run, node, 1), input_gradient);
        break;
    }
    case OP_DROPOUT:
        dropout_apply(map_floats(&step->map), gradient, tensor_at(run, flow->saved),
                      input_gradient);
        break;
    }
    return true;
}

/* Trainable parameters of a node come first: weight, then bias or shift. */
static void update_node(const struct run *run, const struct node *node,
                        const struct update *update) {
    size_t trainable = node->frozen                                         ? 0
                       : node->op == OP_CONV                                ? 1
                       : node->op == OP_BATCH_NORM || node->op == OP_LINEAR ? 2
                                                                            : 0;
    for (size_t i = node->parameter; i < node->parameter + trainable; i++)
        update_apply(update, run->parameters->stores[i].floats,
                     parameters_at(run->parameters, MODEL_VALUE, i),
                     parameters_at(run->parameters, MODEL_GRADIENT, i),
                     parameters_at(run->parameters, MODEL_MOMENT_M, i),
                     parameters_at(run->parameters, MODEL_MOMENT_V, i));
}

bool run_backward(const struct run *run, const struct update *update, struct error *error) {
    const struct network *network = run->plan->network;
    char name[64];
    for (size_t i = network->node_count; i-- > 1;) {
        const struct node *node = &network->nodes[i];
        if (!node->backward)
            continue;
        double start = run->profile == NULL ? 0 : now_ms();
        if (stops(run, error))
            return false;
        if (!backward_node(run, node, &run->plan->steps[i], error))
            return error_context(error, "%s", node_name(network, i, name, sizeof name));
        double middle = run->profile == NULL ? 0 : now_ms();
        update_node(run, node, update);
        if (run->profile != NULL) {
            run->profile->nodes[i].backward += middle - start;
            run->profile->optimizer += now_ms() - middle;
        }
    }
    return true;
}
