#include "worker/nn/flow.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A node adds at most two tensors going forward and two going back; and there is scratch memory. */
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

bool flow_map_bytes(const struct shape *shape, size_t count, size_t element, size_t *bytes,
                    struct error *error) {
    size_t product = 8;
    if (__builtin_mul_overflow(product, element, &product) ||
        __builtin_mul_overflow(product, count, &product) ||
        __builtin_mul_overflow(product, (size_t)shape->channels, &product) ||
        __builtin_mul_overflow(product, (size_t)shape->height, &product) ||
        __builtin_mul_overflow(product, (size_t)shape->width, &product) || product > PTRDIFF_MAX)
        return error_set(error, ERROR_INPUT,
                         "a batch of %zu maps of %d x %d x %d is too large; make it smaller", count,
                         shape->channels, shape->width, shape->height);
    *bytes = product / 8;
    return true;
}

bool flow_norm_allowed(const struct node *node, const struct shape *shape, size_t count,
                       bool training, struct error *error) {
    if (!training || node->frozen || count * (size_t)shape->height * (size_t)shape->width > 1)
        return true;
    return error_set(error, ERROR_INPUT,
                     "expected more than 1 value per channel when training, and this batch of one "
                     "small picture leaves one; use a larger batch or larger pictures");
}

static int forward_time(size_t node) {
    return (int)node;
}

static int backward_time(const struct flow *flow, size_t node) {
    return (int)(2 * flow->network->node_count - 1 - node);
}

static int tensor_new(struct flow *flow, size_t bytes, int time) {
    flow->tensors[flow->tensor_count] =
        (struct arena_tensor){.bytes = bytes, .first = time, .last = time};
    return (int)flow->tensor_count++;
}

static void touch(struct flow *flow, int tensor, int time) {
    if (tensor < 0) /* the input: the batch's own memory */
        return;
    struct arena_tensor *touched = &flow->tensors[tensor];
    assert(time >= touched->first); /* when it was made */
    touched->last = time > touched->last ? time : touched->last;
}

/* ---- the forward half ---- */

/* Whether the node's output may stand where its input stood: nothing goes back through it. */
static bool in_place(const struct flow *flow, const struct node *node) {
    if (node->op == OP_DROPOUT)
        return !flow->training;
    return node->op == OP_BATCH_NORM && flow->network->nodes[node->input].op == OP_CONV &&
           !(flow->training && node->backward);
}

static void forward_step(struct flow *flow, size_t index, const struct flow_bytes *bytes) {
    const struct node *node = &flow->network->nodes[index];
    struct flow_step *step = &flow->steps[index];
    int time = forward_time(index);
    *step = (struct flow_step){.output = -1, .saved = -1, .late = -1, .input_gradient = -1};
    if (node->op != OP_INPUT)
        touch(flow, flow->steps[node->input].output, time);
    if (node->residual >= 0)
        touch(flow, flow->steps[node->residual].output, time);
    if (node->op == OP_AVERAGE_POOL && !flow->training) /* its maps can be asked for afterwards */
        touch(flow, flow->steps[node->input].output, forward_time(flow->network->node_count - 1));
    if (in_place(flow, node))
        step->output = flow->steps[node->input].output;
    else if (bytes->output > 0)
        step->output = tensor_new(flow, bytes->output, time);
    if (bytes->saved > 0)
        step->saved = tensor_new(flow, bytes->saved, time);
}

/* ---- the backward half ---- */

static void give_gradient(struct flow *flow, int node, int tensor, int time) {
    struct flow_step *step = &flow->steps[node];
    assert(step->gradient_count < READERS_MAX);
    step->gradients[step->gradient_count++] = tensor;
    touch(flow, tensor, time);
}

/* A convolution's weights' gradient reads its input, or what is made of it once more, and its
 * output's gradient. */
static void keep_for_weights(struct flow *flow, const struct node *node, struct flow_step *step,
                             size_t made_bytes, int time) {
    int last = backward_time(flow, 0), late = time + flow->lag < last ? time + flow->lag : last;
    if (made_bytes > 0)
        step->late = tensor_new(flow, made_bytes, time);
    touch(flow, flow->steps[node->input].output, late);
    touch(flow, step->late, late);
    touch(flow, step->gradients[0], late);
}

static void backward_step(struct flow *flow, size_t index, const struct flow_bytes *bytes) {
    const struct node *node = &flow->network->nodes[index];
    struct flow_step *step = &flow->steps[index];
    int time = backward_time(flow, index);
    assert(step->gradient_count > 0);
    /* only these two add their readers' gradients */
    assert(step->gradient_count == 1 || node->op == OP_BATCH_NORM || node->op == OP_MAX_POOL);
    for (int i = 0; i < step->gradient_count; i++)
        touch(flow, step->gradients[i], time);
    if (node->op != OP_CONV)
        touch(flow, step->saved, time);
    if (node->op == OP_BATCH_NORM || (!node->frozen && node->op == OP_LINEAR))
        touch(flow, flow->steps[node->input].output, time);
    if (!node->frozen && node->op == OP_CONV)
        keep_for_weights(flow, node, step, bytes[index].saved, time);
    bool keeps_output = node->op == OP_BATCH_NORM ? node->residual >= 0 : node->op == OP_LINEAR;
    if (node->relu && keeps_output)
        touch(flow, step->output, time);
    if (node->residual >= 0 && flow->network->nodes[node->residual].backward)
        give_gradient(flow, node->residual, step->gradients[0], time);
    if (!flow->network->nodes[node->input].backward)
        return;
    bool reuses = node->op == OP_DROPOUT || (node->op == OP_BATCH_NORM && node->residual < 0);
    step->input_gradient =
        reuses ? step->gradients[0] : tensor_new(flow, bytes[node->input].output, time);
    give_gradient(flow, node->input, step->input_gradient, time);
}

/* To the end. */
static int scratch_new(struct flow *flow, size_t bytes, int time) {
    int tensor = tensor_new(flow, bytes, time);
    touch(flow, tensor, backward_time(flow, 0));
    return tensor;
}

bool flow_new(const struct network *network, bool training, const struct flow_bytes *bytes,
              const struct flow_needs *needs, struct flow *flow, struct error *error) {
    size_t nodes = network->node_count;
    *flow = (struct flow){.training = training,
                          .network = network,
                          .lag = needs->lag,
                          .late_scratch = -1,
                          .steps = calloc(nodes, sizeof *flow->steps),
                          .tensors = calloc(TENSORS_A_NODE * nodes + 2, sizeof *flow->tensors)};
    if (flow->steps == NULL || flow->tensors == NULL) {
        flow_free(flow);
        return error_machine(error, "out of memory for a plan");
    }
    for (size_t i = 0; i < nodes; i++)
        forward_step(flow, i, &bytes[i]);
    if (training) {
        int time = backward_time(flow, nodes - 1);
        give_gradient(flow, (int)nodes - 1, tensor_new(flow, bytes[nodes - 1].output, time), time);
        for (size_t i = nodes; i-- > 1;)
            if (network->nodes[i].backward)
                backward_step(flow, i, bytes);
    }
    flow->scratch = scratch_new(flow, needs->scratch, 0);
    if (needs->late_scratch > 0)
        flow->late_scratch = scratch_new(flow, needs->late_scratch, backward_time(flow, nodes - 1));
    if (arena_place(flow->tensors, flow->tensor_count, &flow->arena_bytes, error))
        return true;
    flow_free(flow);
    return false;
}

void flow_free(struct flow *flow) {
    free(flow->steps);
    free(flow->tensors);
    *flow = (struct flow){0};
}
