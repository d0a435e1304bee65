#include "worker/nn/cpu/plan.h"

#include "worker/nn/cpu/batch_norm.h"
#include "worker/nn/cpu/primitives.h"

#include <stdlib.h>

static bool convolution_step(struct plan *plan, const struct onednn *onednn,
                             const struct shape *shapes, size_t index, size_t *block,
                             struct error *error) {
    const struct node *node = &plan->network->nodes[index];
    struct convolution_shape shape = {
        .count = plan->count,
        .in = shapes[node->input],
        .out = shapes[index],
        .kernel = node->kernel,
        .stride = node->stride,
        .padding = node->padding,
        .plain_input = plan->network->nodes[node->input].op == OP_INPUT,
        .training = plan->training,
        .weights_gradient = !node->frozen,
        .input_gradient = plan->network->nodes[node->input].backward,
    };
    if (*block == 0 && !primitives_block(onednn, &shape, block, error))
        return false;
    shape.block = *block;
    plan->steps[index].map.block = *block;
    return convolution_new(onednn, &shape, &plan->steps[index].convolution, error);
}

/* What the node keeps beside its output. */
static size_t saved_bytes(const struct plan *plan, const struct node *node, const struct map *map) {
    if (node->op == OP_BATCH_NORM)
        return 4 * map->channels * sizeof(float);
    if (node->op == OP_MAX_POOL && plan->training && node->backward)
        return map_floats(map);
    return node->op == OP_DROPOUT && plan->training ? map_floats(map) * sizeof(float) : 0;
}

static bool step_new(struct plan *plan, const struct onednn *onednn, const struct shape *shapes,
                     size_t index, size_t *block, size_t *scratch, struct flow_bytes *bytes,
                     struct error *error) {
    const struct node *node = &plan->network->nodes[index];
    struct step *step = &plan->steps[index];
    size_t needed = 0;
    if (!flow_map_bytes(&shapes[index], plan->count, sizeof(float), &bytes->output, error))
        return false;
    step->map = (struct map){plan->count, (size_t)shapes[index].channels,
                             (size_t)shapes[index].height, (size_t)shapes[index].width, 1};
    if (node->op == OP_BATCH_NORM || node->op == OP_MAX_POOL)
        step->map.block = plan->steps[node->input].map.block;
    if (node->op == OP_INPUT) {
        bytes->output = 0; /* the batch's own memory */
    } else if (node->op == OP_CONV) {
        if (!convolution_step(plan, onednn, shapes, index, block, error))
            return false;
        needed = convolution_scratch(step->convolution);
    } else if (node->op == OP_BATCH_NORM) {
        if (!flow_norm_allowed(node, &shapes[index], plan->count, plan->training, error))
            return false;
        needed = batch_norm_partial(&step->map);
    }
    bytes->saved = saved_bytes(plan, node, &step->map);
    *scratch = needed > *scratch ? needed : *scratch;
    return true;
}

static bool build(struct plan *plan, const struct onednn *onednn, const struct shape *shapes,
                  struct error *error) {
    size_t nodes = plan->network->node_count, block = 0, scratch = 0;
    struct flow_bytes *bytes = calloc(nodes, sizeof *bytes);
    bool done = bytes != NULL || error_machine(error, "out of memory for a plan");
    char name[64];
    for (size_t i = 0; done && i < nodes; i++)
        done = step_new(plan, onednn, shapes, i, &block, &scratch, &bytes[i], error) ||
               error_context(error, "%s", node_name(plan->network, i, name, sizeof name));
    done = done && flow_new(plan->network, plan->training, bytes,
                            &(struct flow_needs){.scratch = scratch}, &plan->flow, error);
    free(bytes);
    return done;
}

bool plan_new(const struct onednn *onednn, const struct network *network, struct plan_key key,
              struct plan **result, struct error *error) {
    *result = NULL;
    bool done = false;
    struct plan *plan = calloc(1, sizeof *plan);
    struct shape *shapes = calloc(network->node_count, sizeof *shapes);
    if (plan == NULL || shapes == NULL) {
        error_machine(error, "out of memory for a plan");
        goto out;
    }
    *plan = (struct plan){.count = key.count,
                          .training = key.training,
                          .network = network,
                          .steps = calloc(network->node_count, sizeof(struct step))};
    if (plan->steps == NULL) {
        error_machine(error, "out of memory for a plan");
        goto out;
    }
    if (key.count == 0) {
        error_set(error, ERROR_INPUT, "the batch is empty");
        goto out;
    }
    done = network_shapes(network, key.height, key.width, shapes, error) &&
           build(plan, onednn, shapes, error);
out:
    free(shapes);
    if (!done) {
        plan_free(plan);
        return false;
    }
    *result = plan;
    return true;
}

void plan_free(struct plan *plan) {
    if (plan == NULL)
        return;
    for (size_t i = 0; plan->steps != NULL && i < plan->network->node_count; i++)
        convolution_free(plan->steps[i].convolution);
    free(plan->steps);
    flow_free(&plan->flow);
    free(plan);
}

bool plan_adopt(const struct plan *plan, struct parameters *parameters, struct error *error) {
    for (size_t i = 0; i < plan->network->node_count; i++)
        if (plan->steps[i].convolution != NULL &&
            !parameters_adopt(parameters, plan->network->nodes[i].parameter,
                              convolution_weights(plan->steps[i].convolution), error))
            return false;
    return true;
}
