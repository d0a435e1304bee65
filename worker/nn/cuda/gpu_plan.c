#include "worker/nn/cuda/gpu_plan.h"

#include "worker/nn/cuda/gpu_norm.h"
#include "worker/nn/cuda/gpu_pointwise.h"

#include <stdlib.h>

/* ---- how large things are ---- */

static bool is_row(enum op op) {
    return op == OP_AVERAGE_POOL || op == OP_LINEAR || op == OP_DROPOUT;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t saved_bytes(const struct gpu_plan *plan, const struct node *node,
                          const struct gpu_step *step) {
    if (node->op == OP_BATCH_NORM)
        return 6 * (size_t)step->shape.channels * sizeof(float) +
               (gpu_norm_keeps_open(plan, node) ? step->values / pack_width(step->element) : 0);
    return node->op == OP_MAX_POOL && plan->key.training && node->backward ? step->values : 0;
}

/* ---- convolutions ---- */

static bool pass_needed(const struct gpu_plan *plan, const struct node *node, enum pass pass) {
    if (pass == PASS_FORWARD)
        return true;
    if (!plan->key.training || !node->backward)
        return false;
    return pass == PASS_WEIGHTS ? !node->frozen : plan->network->nodes[node->input].backward;
}

/* Whether the convolution's windows are laid down as rows. */
static bool has_rows(const struct network *network, const struct node *node) {
    return network->nodes[node->input].op == OP_INPUT;
}

struct convolution_task gpu_plan_task(const struct network *network, const struct shape *shapes,
                                      size_t index, size_t count,
                                      const struct gpu_precision *precision) {
    const struct node *node = &network->nodes[index];
    struct convolution_task task = {
        .count = count,
        .in = shapes[node->input],
        .out = shapes[index],
        .kernel = node->kernel,
        .stride = node->stride,
        .padding = node->padding,
        .element = precision->element,
        .tensor_cores = precision->tensor_cores,
        .deterministic = precision->deterministic,
    };
    if (has_rows(network, node)) {
        unsigned pixels = (unsigned)(task.kernel * task.kernel);
        task.in = task.out;
        task.in.channels =
            (int)window_row(task.element, pixels, (unsigned)shapes[node->input].channels);
        task.kernel = 1;
        task.stride = 1;
        task.padding = 0;
    }
    return task;
}

/* *saved: of the windows' rows. */
static bool convolutions_new(struct gpu_plan *plan, const struct gpu_precision *precision,
                             const struct shape *shapes, size_t index, size_t *saved,
                             struct flow_needs *needs, struct error *error) {
    const struct node *node = &plan->network->nodes[index];
    struct gpu_step *step = &plan->steps[index];
    step->task = gpu_plan_task(plan->network, shapes, index, plan->key.count, precision);
    if (has_rows(plan->network, node) &&
        !flow_map_bytes(&step->task.in, plan->key.count, element_bytes(step->element), saved,
                        error))
        return false;
    step->pointwise = gpu_pointwise_takes(&step->task);
    for (int pass = 0; pass < PASSES; pass++) {
        size_t workspace = gpu_pointwise_scratch(&step->task);
        if (!pass_needed(plan, node, (enum pass)pass))
            continue;
        if (!step->pointwise &&
            !plan->device->convolution_new(plan->device, &step->task, (enum pass)pass,
                                           &step->convolutions[pass], &workspace, error))
            return false;
        size_t *scratch = pass == PASS_WEIGHTS && gpu_plan_late(plan, step) ? &needs->late_scratch
                                                                            : &needs->scratch;
        *scratch = larger(*scratch, workspace);
    }
    return true;
}

/* ---- the plan ---- */

static bool step_new(struct gpu_plan *plan, const struct gpu_precision *precision,
                     const struct shape *shapes, size_t index, struct flow_bytes *bytes,
                     struct flow_needs *needs, struct error *error) {
    const struct node *node = &plan->network->nodes[index];
    struct gpu_step *step = &plan->steps[index];
    step->shape = shapes[index];
    step->element = is_row(node->op) ? ELEMENT_F32 : precision->element;
    if (!flow_map_bytes(&step->shape, plan->key.count, sizeof(float), &bytes->output, error))
        return false;
    step->values = bytes->output / sizeof(float);
    bytes->output = step->values * element_bytes(step->element);
    bytes->saved = saved_bytes(plan, node, step);
    if (node->op == OP_BATCH_NORM) {
        const struct reduction sums = gpu_norm_sums(step);
        needs->scratch = larger(needs->scratch, reduction_bytes(&sums));
        return flow_norm_allowed(node, &step->shape, plan->key.count, plan->key.training, error);
    }
    return node->op != OP_CONV ||
           convolutions_new(plan, precision, shapes, index, &bytes->saved, needs, error);
}

static bool build(struct gpu_plan *plan, const struct gpu_precision *precision,
                  const struct shape *shapes, struct error *error) {
    size_t nodes = plan->network->node_count;
    struct flow_needs needs = {.lag = GPU_LAG};
    struct flow_bytes *bytes = calloc(nodes, sizeof *bytes);
    bool done = bytes != NULL || error_machine(error, "out of memory for a plan");
    char name[64];
    for (size_t i = 0; done && i < nodes; i++)
        done = step_new(plan, precision, shapes, i, &bytes[i], &needs, error) ||
               error_context(error, "%s", node_name(plan->network, i, name, sizeof name));
    done = done && flow_new(plan->network, plan->key.training, bytes, &needs, &plan->flow, error);
    free(bytes);
    return done;
}

bool gpu_plan_new(struct device *device, const struct network *network,
                  const struct gpu_precision *precision, const struct plan_key *key,
                  struct gpu_plan **result, struct error *error) {
    *result = NULL;
    if (key->count == 0)
        return error_set(error, ERROR_INPUT, "the batch is empty");
    struct gpu_plan *plan = calloc(1, sizeof *plan);
    struct gpu_step *steps = calloc(network->node_count, sizeof *steps);
    struct shape *shapes = calloc(network->node_count, sizeof *shapes);
    bool done = false;
    if (plan == NULL || steps == NULL || shapes == NULL) {
        error_machine(error, "out of memory for a plan");
        free(steps);
        goto out;
    }
    *plan = (struct gpu_plan){.key = *key,
                              .device = device,
                              .network = network,
                              .tensor_cores = precision->tensor_cores,
                              .steps = steps};
    done = network_shapes(network, key->height, key->width, shapes, error) &&
           build(plan, precision, shapes, error);
out:
    free(shapes);
    if (done)
        *result = plan;
    else
        gpu_plan_free(plan);
    return done;
}

void gpu_plan_free(struct gpu_plan *plan) {
    if (plan == NULL)
        return;
    if (plan->recording.launches != NULL) /* of the convolutions, too */
        plan->device->recording_free(plan->device, plan->recording.launches);
    for (size_t i = 0; plan->steps != NULL && i < plan->network->node_count; i++)
        for (int pass = 0; pass < PASSES; pass++)
            if (plan->steps[i].convolutions[pass] != NULL)
                plan->device->convolution_free(plan->device, plan->steps[i].convolutions[pass]);
    free(plan->steps);
    flow_free(&plan->flow);
    free(plan);
}
