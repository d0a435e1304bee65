#include "worker/nn/work.h"

#include <string.h>

/* ---- the layers ---- */

/* Of one step: what the counting of a node looks at. */
struct counting {
    const struct network *network;
    const struct shape *shapes;
    double count, element;
};

static double values(const struct counting *c, int node) {
    const struct shape *shape = &c->shapes[node];
    return c->count * shape->channels * shape->height * shape->width;
}

/* Behind the average pool there are rows of floats. */
static bool is_row(const struct counting *c, int node) {
    enum op op = c->network->nodes[node].op;
    return op == OP_AVERAGE_POOL || op == OP_LINEAR || op == OP_DROPOUT;
}

static double bytes(const struct counting *c, int node) {
    return values(c, node) * (is_row(c, node) ? (double)sizeof(float) : c->element);
}

/* Bytes of the gradients of a node's output: one for each node that reads it and sends one back. */
static double gradients(const struct counting *c, size_t index) {
    double readers = 0;
    for (size_t i = index + 1; i < c->network->node_count; i++) {
        const struct node *node = &c->network->nodes[i];
        readers += node->backward && (node->input == (int)index || node->residual == (int)index);
    }
    return readers * bytes(c, (int)index);
}

static bool takes_gradient(const struct counting *c, int node) {
    return node >= 0 && c->network->nodes[node].backward;
}

/* Convolutions and linear layers: each pass reads two of input, weights and output, and writes the
 * third. */
static void count_product(const struct counting *c, size_t index, struct node_work *work) {
    const struct node *node = &c->network->nodes[index];
    double weights = (double)node->in_channels * node->out_channels;
    double weight_bytes = weights * sizeof(float), bias_bytes = 0;
    if (node->op == OP_CONV) {
        weights *= (double)node->kernel * node->kernel;
        weight_bytes = weights * c->element;
    } else {
        bias_bytes = node->out_channels * (double)sizeof(float);
    }
    double pixels = values(c, (int)index) / node->out_channels;
    double in = bytes(c, node->input), out = bytes(c, (int)index);
    const struct work pass = {2 * pixels * weights, in + weight_bytes + out};
    work->passes[WORK_FORWARD] = (struct work){pass.flops, pass.bytes + bias_bytes};
    if (!node->backward)
        return;
    if (takes_gradient(c, node->input))
        work->passes[WORK_DATA] = pass;
    if (!node->frozen)
        work->passes[WORK_WEIGHTS] = (struct work){pass.flops, pass.bytes + bias_bytes};
}

/* Backward: the gradients of the output; the input, for the statistics' part and for where the ReLU
 * was open; the output where something was added before the ReLU, whose gradient is then one more.
 */
static void count_norm(const struct counting *c, size_t index, struct node_work *work) {
    const struct node *node = &c->network->nodes[index];
    double size = bytes(c, (int)index), residual = node->residual >= 0;
    work->passes[WORK_FORWARD].bytes = size * (2 + residual);
    if (!node->backward)
        return;
    work->passes[WORK_DATA].bytes = gradients(c, index);
    if (!node->frozen || (node->relu && residual == 0))
        work->passes[WORK_DATA].bytes += size;
    if (node->relu && residual > 0)
        work->passes[WORK_DATA].bytes += size;
    if (takes_gradient(c, node->residual))
        work->passes[WORK_DATA].bytes += size;
    if (takes_gradient(c, node->input))
        work->passes[WORK_DATA].bytes += size;
}

/* Pools and dropout: the max pool keeps a byte a value, which of its inputs it was. */
static void count_values(const struct counting *c, size_t index, struct node_work *work) {
    const struct node *node = &c->network->nodes[index];
    double in = bytes(c, node->input);
    double taps = node->op == OP_MAX_POOL && node->backward ? values(c, (int)index) : 0;
    work->passes[WORK_FORWARD].bytes = in + bytes(c, (int)index) + taps;
    if (takes_gradient(c, node->input))
        work->passes[WORK_DATA].bytes = in + gradients(c, index) + taps;
}

void work_count(const struct network *network, const struct shape *shapes, size_t count,
                enum precision precision, struct node_work *nodes) {
    const struct counting c = {network, shapes, (double)count, precision == PRECISION_BF16 ? 2 : 4};
    for (size_t i = 0; i < network->node_count; i++) {
        nodes[i] = (struct node_work){0};
        switch (network->nodes[i].op) {
        case OP_INPUT: break;
        case OP_CONV:
        case OP_LINEAR: count_product(&c, i, &nodes[i]); break;
        case OP_BATCH_NORM: count_norm(&c, i, &nodes[i]); break;
        case OP_MAX_POOL:
        case OP_AVERAGE_POOL:
        case OP_DROPOUT: count_values(&c, i, &nodes[i]); break;
        }
    }
}

struct work work_update(const struct network *network, size_t moments, enum precision precision) {
    struct work work = {0};
    for (size_t i = 0; i < network->parameter_count; i++) {
        const struct parameter *parameter = &network->parameters[i];
        bool narrow = precision == PRECISION_BF16 && parameter->rank == 4;
        double each =
            2 * sizeof(float) * (1 + (double)moments); /* value and moments, there and back */
        each += narrow ? 2 + 2 : sizeof(float);        /* the gradient, and the copy */
        if (parameter->trainable)
            work.bytes += each * (double)parameter->count;
    }
    return work;
}

/* ---- the machines ---- */

/* From NVIDIA's data sheets ("H100 Tensor Core GPU", "H200 Tensor Core GPU", "A100 80GB Tensor Core
 * GPU"): the SXM modules, TF32 and BF16 without sparsity, which is half of what the sheets print
 * with it. */
static const struct {
    const char *name, *device; /* what the driver calls it begins so */
    struct peak peak;
} sheets[] = {
    {"h100",
     "NVIDIA H100 80GB HBM3",
     {"H100 SXM, data sheet", {67e12, 494.7e12, 989.4e12}, 3.35e12}},
    {"h200", "NVIDIA H200", {"H200 SXM, data sheet", {67e12, 494.7e12, 989.4e12}, 4.8e12}},
    {"a100",
     "NVIDIA A100-SXM4-80GB",
     {"A100 SXM 80 GB, data sheet", {19.5e12, 156e12, 312e12}, 2.039e12}},
};

bool peak_find(const char *name, struct peak *peak) {
    for (size_t i = 0; i < sizeof sheets / sizeof sheets[0]; i++)
        if (strcmp(name, sheets[i].name) == 0 ||
            strncmp(name, sheets[i].device, strlen(sheets[i].device)) == 0) {
            *peak = sheets[i].peak;
            return true;
        }
    return false;
}

double work_floor_ms(const struct work *work, const struct peak *peak, enum precision precision) {
    double computing = work->flops > 0 ? work->flops / peak->flops[precision] : 0;
    double moving = work->bytes / peak->bytes;
    return 1e3 * (computing > moving ? computing : moving);
}
