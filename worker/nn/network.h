/* network: a ResNet described once, as data; a backend runs the description.
 *
 * A network is a list of nodes in an order in which they can run (node 0 is the input) and a list
 * of parameters with torchvision's names. Shapes follow from the size of the pictures
 * (network_shapes), so one network serves any size. resnet18/34 are built of basic blocks,
 * resnet50/101/152 of bottlenecks (He et al. 2015; stride in the 3x3 convolution, as torchvision).
 * After fc (-> 1000): head "relu" is ReLU and Linear(1000, 2), head "dropout" is ReLU, Dropout(p)
 * and Linear(1000, 2), head "linear" is Linear(1000, 2) alone. Layers may be frozen
 * (network_freeze).
 */
#ifndef ASSAY_WORKER_NN_NETWORK_H
#define ASSAY_WORKER_NN_NETWORK_H

#include "core/error.h"
#include "core/experiment.h"

#include <stddef.h>

enum op {
    OP_INPUT,        /* float32 NCHW, 3 channels */
    OP_CONV,         /* no bias; one parameter: weight OIHW */
    OP_BATCH_NORM,   /* eps 1e-5, momentum 0.1; parameters weight, bias, running_mean, running_var;
                        optionally adds node `residual`'s output, optionally ends in ReLU */
    OP_MAX_POOL,     /* 3x3, stride 2, padding 1 */
    OP_AVERAGE_POOL, /* global: C x H x W -> C */
    OP_LINEAR,       /* parameters weight (out x in), bias; optionally ends in ReLU */
    OP_DROPOUT,      /* kept values scaled by 1 / (1 - p) in training, identity in evaluation */
};

enum { NETWORK_CLASSES = 2 };

struct node {
    enum op op;
    int input;    /* index of the node whose output is read; -1 for OP_INPUT */
    int residual; /* index of the node that is added before the ReLU, or -1 */
    bool relu;
    int in_channels, out_channels, kernel, stride, padding;
    double dropout;
    size_t parameter; /* index of the first parameter */
    bool frozen;      /* its parameters stay; batch norm uses and keeps its running statistics */
    bool backward;    /* a trained parameter is its own or its inputs': gradients come down to it */
};

enum parameter_kind {
    PARAMETER_WEIGHT, /* convolution or linear weight */
    PARAMETER_BIAS,   /* linear bias */
    PARAMETER_SCALE,  /* batch norm weight */
    PARAMETER_SHIFT,  /* batch norm bias */
    PARAMETER_MEAN,   /* running statistics: no gradient, no optimizer state */
    PARAMETER_VARIANCE,
};

struct parameter {
    char name[64]; /* torchvision's: "layer1.0.conv1.weight"; the last linear layer is "head.weight"
                    */
    enum parameter_kind kind;
    size_t rank, shape[4], count;
    bool trainable; /* has a gradient: neither frozen nor a running statistic */
    bool frozen;    /* of a frozen layer */
};

struct network {
    struct node *nodes;
    size_t node_count;
    struct parameter *parameters;
    size_t parameter_count;
};

struct shape {
    int channels, height, width;
};

/* What the stem gives, of which every layer has a multiple: torchvision's 64. It stands in a file
 * of its own (stem.c), so that a test program can be linked with another one (tests/narrow.c). */
extern const int network_stem_channels;

/* arch: resnet18|resnet34|resnet50|resnet101|resnet152. */
bool network_build(const char *arch, enum head head, double dropout, struct network *network,
                   struct error *error);
void network_free(struct network *network);
/* shapes has node_count entries. Fails, naming the smallest size, when a picture is too small. */
bool network_shapes(const struct network *network, int height, int width, struct shape *shapes,
                    struct error *error);
/* The node whose maps the average pool reads: the last that knows where in a picture things are. */
size_t network_pooled(const struct network *network);
/* -1 when there is none of that name. */
long network_find(const struct network *network, const char *name);

/* Whether `prefix` is the name or its first components: "layer1" is not of "layer10.0.bn1". */
bool network_is_part(const char *name, const char *prefix);
/* Freezes the layers whose names begin with one of the prefixes ("conv1", "layer1", "layer4.2").
 * Before any model is made of the network. ERROR_INPUT when a prefix is no layer's, or when nothing
 * would be left to train. */
bool network_freeze(struct network *network, char *const *prefixes, size_t count,
                    struct error *error);

/* Fills `values` (parameter->count floats) as PyTorch initialises it: convolutions He normal (fan
 * out), batch norm 1, 0, mean 0, variance 1; linear uniform in +-1/sqrt(fan in). Draws: Philox,
 * RANDOM_INITIAL, sample = a hash of the name, so that a parameter's start does not depend on its
 * neighbours. */
void network_initialise(const struct network *network, size_t parameter, uint64_t seed,
                        float *values);

#endif
