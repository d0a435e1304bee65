#include "worker/nn/cpu/plan.h"

#include "worker/nn/cpu/batch_norm.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A node adds at most three tensors going forward and one going back; and there is the scratch. */
enum { TENSORS_A_NODE = 4 };

const char *node_name(const struct network *network, size_t index, char *name, size_t size) {
    static const char *const kinds[] = {"input",        "convolution", "batch norm", "max pool",
                                        "average pool", "linear",      "dropout"};
    const struct node *node = &network->nodes[index];
    bool has_parameters = node->op == OP_CONV || node->op == OP_BATCH_NORM || node->op == OP_LINEAR;
    snprintf(name, size, "%s",
             has_parameters ? network->parameters[node->parameter].name : kinds[node->op]);
    char *suffix = has_parameters ? strrchr(name, '.') : NULL;
    if (suffix != NULL)
        *suffix = '\0';
    return name;
}

static int forward_time(size_t node) {
    return (int)node;
}

static int backward_time(const struct plan *plan, size_t node) {
    return (int)(2 * plan->network->node_count - 1 - node);
}

static int tensor_new(struct plan *plan, size_t bytes, int time) {
    plan->tensors[plan->tensor_count] =
        (struct tensor){.bytes = bytes, .first = time, .last = time};
    return (int)plan->tensor_count++;
}

static void touch(struct plan *plan, int tensor, int time) {
    if (tensor < 0) /* the input: the batch's own memory */
        return;
    struct tensor *touched = &plan->tensors[tensor];
    touched->first = time < touched->first ? time : touched->first;
    touched->last = time > touched->last ? time : touched->last;
}

static size_t map_bytes(const struct map *map) {
    return map_floats(map) * sizeof(float);
}

/* The largest map is far below half of what size_t counts, so that sums of a few stay right. */
static bool map_checked(const struct map *map) {
    size_t product = 8 * sizeof(float);
    return !__builtin_mul_overflow(product, map->count, &product) &&
           !__builtin_mul_overflow(product, map->channels, &product) &&
           !__builtin_mul_overflow(product, map->height, &product) &&
           !__builtin_mul_overflow(product, map->width, &product) && product <= PTRDIFF_MAX;
}

/* ---- the forward half ---- */

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
    if (*block == 0 && !convolution_block(onednn, &shape, block, error))
        return false;
    shape.block = *block;
    plan->steps[index].map.block = *block;
    return convolution_new(onednn, &shape, &plan->steps[index].convolution, error);
}

static bool batch_norm_allowed(const struct plan *plan, size_t index, struct error *error) {
    const struct map *map = &plan->steps[index].map;
    if (!plan->training || plan->network->nodes[index].frozen ||
        map->count * map->height * map->width > 1)
        return true;
    return error_set(error, ERROR_INPUT,
                     "expected more than 1 value per channel when training, and this batch of one "
                     "%d x %d picture leaves one; use a larger batch or larger pictures",
                     plan->width, plan->height);
}

/* Whether the node's output may stand where its input stood: nothing goes back through it. */
static bool in_place(const struct plan *plan, const struct node *node) {
    if (node->op == OP_DROPOUT)
        return !plan->training;
    return node->op == OP_BATCH_NORM && plan->network->nodes[node->input].op == OP_CONV &&
           !(plan->training && node->backward);
}

static void forward_tensors(struct plan *plan, size_t index) {
    const struct node *node = &plan->network->nodes[index];
    struct step *step = &plan->steps[index];
    int time = forward_time(index);
    if (node->op == OP_INPUT)
        return;
    touch(plan, plan->steps[node->input].output, time);
    if (node->residual >= 0)
        touch(plan, plan->steps[node->residual].output, time);
    step->output = in_place(plan, node) ? plan->steps[node->input].output
                                        : tensor_new(plan, map_bytes(&step->map), time);
    if (node->op == OP_BATCH_NORM)
        step->saved = tensor_new(plan, 4 * step->map.channels * sizeof(float), time);
    else if (node->op == OP_MAX_POOL && plan->training && node->backward)
        step->saved = tensor_new(plan, map_floats(&step->map), time);
    else if (node->op == OP_DROPOUT && plan->training)
        step->saved = tensor_new(plan, map_bytes(&step->map), time);
}

static bool forward_step(struct plan *plan, const struct onednn *onednn, const struct shape *shapes,
                         size_t index, size_t *block, size_t *scratch, struct error *error) {
    const struct node *node = &plan->network->nodes[index];
    struct step *step = &plan->steps[index];
    *step = (struct step){.output = -1, .saved = -1, .input_gradient = -1};
    step->map = (struct map){plan->count, (size_t)shapes[index].channels,
                             (size_t)shapes[index].height, (size_t)shapes[index].width, 1};
    if (!map_checked(&step->map))
        return error_set(error, ERROR_INPUT, "a batch of %zu pictures of %d x %d is too large",
                         plan->count, plan->width, plan->height);
    if (node->op == OP_BATCH_NORM || node->op == OP_MAX_POOL)
        step->map.block = plan->steps[node->input].map.block;
    size_t needed = 0;
    if (node->op == OP_CONV) {
        if (!convolution_step(plan, onednn, shapes, index, block, error))
            return false;
        needed = convolution_scratch(step->convolution);
    } else if (node->op == OP_BATCH_NORM) {
        if (!batch_norm_allowed(plan, index, error))
            return false;
        needed = batch_norm_partial(&step->map);
    }
    *scratch = needed > *scratch ? needed : *scratch;
    forward_tensors(plan, index);
    return true;
}

/* ---- the backward half ---- */

static void give_gradient(struct plan *plan, int node, int tensor, int time) {
    struct step *step = &plan->steps[node];
    assert(step->gradient_count < READERS_MAX);
    step->gradients[step->gradient_count++] = tensor;
    touch(plan, tensor, time);
}

static void backward_step(struct plan *plan, size_t index) {
    const struct node *node = &plan->network->nodes[index];
    struct step *step = &plan->steps[index];
    const struct step *input = &plan->steps[node->input];
    int time = backward_time(plan, index);
    assert(step->gradient_count > 0);
    /* only these two add their readers' gradients */
    assert(step->gradient_count == 1 || node->op == OP_BATCH_NORM || node->op == OP_MAX_POOL);
    for (int i = 0; i < step->gradient_count; i++)
        touch(plan, step->gradients[i], time);
    touch(plan, step->saved, time);
    if (node->op == OP_BATCH_NORM ||
        (!node->frozen && (node->op == OP_CONV || node->op == OP_LINEAR)))
        touch(plan, input->output, time);
    bool keeps_output = node->op == OP_BATCH_NORM ? node->residual >= 0 : node->op == OP_LINEAR;
    if (node->relu && keeps_output)
        touch(plan, step->output, time);
    if (node->residual >= 0 && plan->network->nodes[node->residual].backward)
        give_gradient(plan, node->residual, step->gradients[0], time);
    if (!plan->network->nodes[node->input].backward)
        return;
    bool reuses = node->op == OP_DROPOUT || (node->op == OP_BATCH_NORM && node->residual < 0);
    step->input_gradient =
        reuses ? step->gradients[0] : tensor_new(plan, map_bytes(&input->map), time);
    give_gradient(plan, node->input, step->input_gradient, time);
}

static bool build(struct plan *plan, const struct onednn *onednn, const struct shape *shapes,
                  struct error *error) {
    size_t nodes = plan->network->node_count, block = 0, scratch = 0;
    char name[64];
    for (size_t i = 0; i < nodes; i++)
        if (!forward_step(plan, onednn, shapes, i, &block, &scratch, error))
            return error_context(error, "%s", node_name(plan->network, i, name, sizeof name));
    if (plan->training) {
        int logits = tensor_new(plan, map_bytes(&plan->steps[nodes - 1].map),
                                backward_time(plan, nodes - 1));
        give_gradient(plan, (int)nodes - 1, logits, backward_time(plan, nodes - 1));
        for (size_t i = nodes; i-- > 1;)
            if (plan->network->nodes[i].backward)
                backward_step(plan, i);
    }
    plan->scratch = tensor_new(plan, scratch, 0);
    touch(plan, plan->scratch, backward_time(plan, 0));
    return arena_place(plan->tensors, plan->tensor_count, &plan->arena_bytes, error);
}

bool plan_new(const struct onednn *onednn, const struct network *network, struct plan_key key,
              struct plan **result, struct error *error) {
    *result = NULL;
    bool done = false;
    struct plan *plan = calloc(1, sizeof *plan);
    struct shape *shapes = calloc(network->node_count, sizeof *shapes);
    if (plan == NULL || shapes == NULL) {
        error_set(error, ERROR_FAILED, "out of memory for a plan");
        goto out;
    }
    *plan = (struct plan){
        .count = key.count,
        .height = key.height,
        .width = key.width,
        .training = key.training,
        .network = network,
        .steps = calloc(network->node_count, sizeof(struct step)),
        .tensors = calloc(TENSORS_A_NODE * network->node_count + 2, sizeof(struct tensor))};
    if (plan->steps == NULL || plan->tensors == NULL) {
        error_set(error, ERROR_FAILED, "out of memory for a plan");
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
    free(plan->tensors);
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
