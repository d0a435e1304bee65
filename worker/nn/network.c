/* torchvision.models.resnet as a table: the five depths differ in what core/arch.h says. */
#include "worker/nn/network.h"

#include "core/arch.h"
#include "core/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 1000 };

/* What grows while a network is written down; `failed` once memory has run out. */
struct builder {
    struct network *network;
    size_t node_room, parameter_room;
    bool failed;
};

static void add_parameter(struct builder *builder, const char *prefix, const char *suffix,
                          enum parameter_kind kind, size_t rank, const int shape[]) {
    struct network *network = builder->network;
    struct parameter *items = array_room(network->parameters, network->parameter_count + 1,
                                         &builder->parameter_room, sizeof *items);
    if (items == NULL) {
        builder->failed = true;
        return;
    }
    network->parameters = items;
    struct parameter *parameter = &items[network->parameter_count++];
    *parameter = (struct parameter){.kind = kind, .rank = rank, .count = 1};
    snprintf(parameter->name, sizeof parameter->name, "%s.%s", prefix, suffix);
    for (size_t i = 0; i < rank; i++) {
        parameter->shape[i] = (size_t)shape[i];
        parameter->count *= (size_t)shape[i];
    }
    parameter->trainable = kind != PARAMETER_MEAN && kind != PARAMETER_VARIANCE;
}

/* Returns the node's index. Its parameters are added after it by the caller. */
static int add_node(struct builder *builder, struct node node) {
    struct network *network = builder->network;
    struct node *items =
        array_room(network->nodes, network->node_count + 1, &builder->node_room, sizeof *items);
    if (items == NULL) {
        builder->failed = true;
        return 0;
    }
    network->nodes = items;
    node.parameter = network->parameter_count;
    items[network->node_count] = node;
    return (int)network->node_count++;
}

static int add_conv(struct builder *builder, const char *name, int input, int in, int out,
                    int kernel, int stride) {
    int node = add_node(builder, (struct node){.op = OP_CONV,
                                               .input = input,
                                               .residual = -1,
                                               .in_channels = in,
                                               .out_channels = out,
                                               .kernel = kernel,
                                               .stride = stride,
                                               .padding = kernel / 2});
    add_parameter(builder, name, "weight", PARAMETER_WEIGHT, 4,
                  (const int[]){out, in, kernel, kernel});
    return node;
}

static int add_batch_norm(struct builder *builder, const char *name, int input, int channels,
                          int residual, bool relu) {
    int node = add_node(builder, (struct node){.op = OP_BATCH_NORM,
                                               .input = input,
                                               .residual = residual,
                                               .relu = relu,
                                               .in_channels = channels,
                                               .out_channels = channels});
    add_parameter(builder, name, "weight", PARAMETER_SCALE, 1, &channels);
    add_parameter(builder, name, "bias", PARAMETER_SHIFT, 1, &channels);
    add_parameter(builder, name, "running_mean", PARAMETER_MEAN, 1, &channels);
    add_parameter(builder, name, "running_var", PARAMETER_VARIANCE, 1, &channels);
    return node;
}

static int add_linear(struct builder *builder, const char *name, int input, int in, int out,
                      bool relu) {
    int node = add_node(builder, (struct node){.op = OP_LINEAR,
                                               .input = input,
                                               .residual = -1,
                                               .relu = relu,
                                               .in_channels = in,
                                               .out_channels = out});
    add_parameter(builder, name, "weight", PARAMETER_WEIGHT, 2, (const int[]){out, in});
    add_parameter(builder, name, "bias", PARAMETER_BIAS, 1, &out);
    return node;
}

static int add_plain(struct builder *builder, enum op op, int input, int channels) {
    bool pool = op == OP_MAX_POOL;
    return add_node(builder, (struct node){.op = op,
                                           .input = input,
                                           .residual = -1,
                                           .in_channels = channels,
                                           .out_channels = channels,
                                           .kernel = pool ? 3 : 0,
                                           .stride = pool ? 2 : 0,
                                           .padding = pool ? 1 : 0});
}

/* conv<number>, bn<number> of a block; torchvision counts from 1. */
static int add_pair(struct builder *builder, const char *block, int number, int input, int in,
                    int out, int kernel, int stride, int residual, bool relu) {
    char name[48];
    snprintf(name, sizeof name, "%s.conv%d", block, number);
    int conv = add_conv(builder, name, input, in, out, kernel, stride);
    snprintf(name, sizeof name, "%s.bn%d", block, number);
    return add_batch_norm(builder, name, conv, out, residual, relu);
}

/* torchvision's BasicBlock (two 3x3) and Bottleneck (1x1, 3x3, 1x1). The shortcut's nodes stand
 * before the last pair, which adds them. */
static int add_block(struct builder *builder, const char *block, bool bottleneck, int input, int in,
                     int width, int out, int stride) {
    int shortcut = input;
    if (stride != 1 || in != out) {
        char name[48];
        snprintf(name, sizeof name, "%s.downsample.0", block);
        int conv = add_conv(builder, name, input, in, out, 1, stride);
        snprintf(name, sizeof name, "%s.downsample.1", block);
        shortcut = add_batch_norm(builder, name, conv, out, -1, false);
    }
    if (!bottleneck) {
        int first = add_pair(builder, block, 1, input, in, out, 3, stride, -1, true);
        return add_pair(builder, block, 2, first, out, out, 3, 1, shortcut, true);
    }
    int first = add_pair(builder, block, 1, input, in, width, 1, 1, -1, true);
    int second = add_pair(builder, block, 2, first, width, width, 3, stride, -1, true);
    return add_pair(builder, block, 3, second, width, out, 1, 1, shortcut, true);
}

static int add_stages(struct builder *builder, const struct arch *layout, int input,
                      int *channels) {
    int node = input;
    *channels = network_stem_channels;
    for (int stage = 0; stage < ARCH_STAGES; stage++) {
        int width = network_stem_channels << stage, out = layout->bottleneck ? 4 * width : width;
        for (int i = 0; i < layout->blocks[stage]; i++) {
            char block[32];
            snprintf(block, sizeof block, "layer%d.%d", stage + 1, i);
            int stride = stage > 0 && i == 0 ? 2 : 1;
            node =
                add_block(builder, block, layout->bottleneck, node, *channels, width, out, stride);
            *channels = out;
        }
    }
    return node;
}

/* How many parameters the node has. */
static size_t parameters_of(const struct node *node) {
    return node->op == OP_CONV ? 1 : node->op == OP_BATCH_NORM ? 4 : node->op == OP_LINEAR ? 2 : 0;
}

static void mark_backward(struct network *network) {
    for (size_t i = 0; i < network->node_count; i++) {
        struct node *node = &network->nodes[i];
        node->backward = (parameters_of(node) > 0 && !node->frozen) ||
                         (node->input >= 0 && network->nodes[node->input].backward) ||
                         (node->residual >= 0 && network->nodes[node->residual].backward);
    }
}

bool network_build(const char *arch, enum head head, double dropout, struct network *network,
                   struct error *error) {
    *network = (struct network){0};
    const struct arch *layout = arch_find(arch);
    if (layout == NULL)
        return error_set(error, ERROR_INPUT,
                         "unknown arch \"%s\"; choose resnet18, resnet34, resnet50, resnet101 or "
                         "resnet152",
                         arch);
    if (head == HEAD_DROPOUT && !(dropout >= 0 && dropout < 1))
        return error_set(error, ERROR_INPUT, "dropout %g must be at least 0 and less than 1",
                         dropout);
    struct builder builder = {.network = network};
    int channels = 3;
    int node = add_node(
        &builder,
        (struct node){
            .op = OP_INPUT, .input = -1, .residual = -1, .in_channels = 3, .out_channels = 3});
    node = add_conv(&builder, "conv1", node, channels, network_stem_channels, 7, 2);
    node = add_batch_norm(&builder, "bn1", node, network_stem_channels, -1, true);
    node = add_plain(&builder, OP_MAX_POOL, node, network_stem_channels);
    node = add_stages(&builder, layout, node, &channels);
    node = add_plain(&builder, OP_AVERAGE_POOL, node, channels);
    node = add_linear(&builder, "fc", node, channels, FEATURES, head != HEAD_LINEAR);
    if (head == HEAD_DROPOUT) {
        node = add_plain(&builder, OP_DROPOUT, node, FEATURES);
        if (!builder.failed)
            network->nodes[node].dropout = dropout;
    }
    add_linear(&builder, "head", node, FEATURES, NETWORK_CLASSES, false);
    if (builder.failed) {
        network_free(network);
        return error_machine(error, "out of memory for the description of %s", arch);
    }
    mark_backward(network);
    return true;
}

void network_free(struct network *network) {
    free(network->nodes);
    free(network->parameters);
    *network = (struct network){0};
}

/* Output side of a window: floor((side + 2 padding - kernel) / stride) + 1; 0 when none fits. */
static int window_side(const struct node *node, int side) {
    int room = side + 2 * node->padding - node->kernel;
    return room < 0 ? 0 : room / node->stride + 1;
}

static bool shapes_fit(const struct network *network, int height, int width, struct shape *shapes) {
    for (size_t i = 0; i < network->node_count; i++) {
        const struct node *node = &network->nodes[i];
        struct shape in = node->input < 0 ? (struct shape){3, height, width} : shapes[node->input];
        struct shape out = {node->out_channels, in.height, in.width};
        if (node->op == OP_CONV || node->op == OP_MAX_POOL) {
            out.height = window_side(node, in.height);
            out.width = window_side(node, in.width);
        } else if (node->op == OP_AVERAGE_POOL) {
            out.height = out.width = in.height > 0 && in.width > 0;
        }
        if (out.height < 1 || out.width < 1)
            return false;
        shapes[i] = out;
    }
    return true;
}

bool network_shapes(const struct network *network, int height, int width, struct shape *shapes,
                    struct error *error) {
    enum { SIDE_MAX = 32768 };
    if (height > SIDE_MAX || width > SIDE_MAX)
        return error_set(error, ERROR_INPUT, "pictures of %d x %d are too large; at most %d a side",
                         width, height, SIDE_MAX);
    if (height >= 1 && width >= 1 && shapes_fit(network, height, width, shapes))
        return true;
    int smallest = 1;
    while (smallest < SIDE_MAX && !shapes_fit(network, smallest, smallest, shapes))
        smallest++;
    return error_set(error, ERROR_INPUT,
                     "pictures of %d x %d are too small for the network; at least %d x %d", width,
                     height, smallest, smallest);
}

size_t network_pooled(const struct network *network) {
    size_t pool = network->node_count - 1;
    while (network->nodes[pool].op != OP_AVERAGE_POOL)
        pool--;
    return (size_t)network->nodes[pool].input;
}

long network_find(const struct network *network, const char *name) {
    for (size_t i = 0; i < network->parameter_count; i++)
        if (strcmp(network->parameters[i].name, name) == 0)
            return (long)i;
    return -1;
}

bool network_is_part(const char *name, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 && (name[length] == '.' || name[length] == '\0');
}

/* Whether the prefix names the node's layer or something that holds it: the parameter's name but
 * for its last component. */
static bool is_layer_of(const struct network *network, const struct node *node,
                        const char *prefix) {
    if (parameters_of(node) == 0)
        return false;
    const char *name = network->parameters[node->parameter].name;
    return network_is_part(name, prefix) && strlen(prefix) <= (size_t)(strrchr(name, '.') - name);
}

static void freeze_node(struct network *network, struct node *node) {
    node->frozen = true;
    for (size_t i = node->parameter; i < node->parameter + parameters_of(node); i++) {
        network->parameters[i].frozen = true;
        network->parameters[i].trainable = false;
    }
}

bool network_freeze(struct network *network, char *const *prefixes, size_t count,
                    struct error *error) {
    for (size_t f = 0; f < count; f++) {
        bool found = false;
        for (size_t i = 0; i < network->node_count; i++) {
            if (!is_layer_of(network, &network->nodes[i], prefixes[f]))
                continue;
            freeze_node(network, &network->nodes[i]);
            found = true;
        }
        if (!found)
            return error_set(error, ERROR_INPUT,
                             "model.freeze: the network has no layer \"%s\"; name a stage such as "
                             "\"layer1\", or a layer in one such as \"layer1.0.conv2\"",
                             prefixes[f]);
    }
    mark_backward(network);
    return network->nodes[network->node_count - 1].backward ||
           error_set(error, ERROR_INPUT,
                     "model.freeze: nothing is left to train; leave out at least \"head\"");
}
