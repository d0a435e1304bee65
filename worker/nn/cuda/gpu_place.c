#include "worker/nn/cuda/gpu_place.h"

void *gpu_place_tensor(const struct gpu_run *run, int tensor) {
    return tensor < 0 ? NULL : run->arena + run->plan->flow.tensors[tensor].offset;
}

void *gpu_place_output(const struct gpu_run *run, int node) {
    return node < 0 ? NULL : gpu_place_tensor(run, run->plan->flow.steps[node].output);
}

float *gpu_place_value(const struct gpu_run *run, const struct node *node, size_t index) {
    return gpu_weights_at(run->weights, MODEL_VALUE, node->parameter + index);
}

float *gpu_place_gradient(const struct gpu_run *run, const struct node *node, size_t index) {
    return node->frozen ? NULL
                        : gpu_weights_at(run->weights, MODEL_GRADIENT, node->parameter + index);
}

struct gpu_place gpu_place_of(const struct gpu_run *run, size_t index) {
    const struct node *node = &run->plan->network->nodes[index];
    const struct flow_step *flow = &run->plan->flow.steps[index];
    return (struct gpu_place){
        .run = run,
        .device = run->plan->device,
        .index = index,
        .node = node,
        .step = &run->plan->steps[index],
        .from = node->input < 0 ? NULL : &run->plan->steps[node->input],
        .flow = flow,
        .input = gpu_place_output(run, node->input),
        .output = gpu_place_tensor(run, flow->output),
        .first = flow->gradient_count > 0 ? gpu_place_tensor(run, flow->gradients[0]) : NULL,
        .second = flow->gradient_count > 1 ? gpu_place_tensor(run, flow->gradients[1]) : NULL,
        .input_gradient = gpu_place_tensor(run, flow->input_gradient),
    };
}
