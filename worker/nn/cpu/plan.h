/* plan: everything about running a network on batches of one size that does not depend on the data.
 *
 * Compiled primitives, the layout of activations, and where in the arena each tensor stands, from
 * the times at which it is written and read. Time i is the forward step of node i, time
 * 2 * node_count - 1 - i its backward step.
 */
#ifndef ASSAY_WORKER_NN_CPU_PLAN_H
#define ASSAY_WORKER_NN_CPU_PLAN_H

#include "worker/nn/cpu/arena.h"
#include "worker/nn/cpu/convolution.h"
#include "worker/nn/cpu/map.h"
#include "worker/nn/cpu/parameters.h"

enum { READERS_MAX = 2 };

/* What one node needs; numbers of tensors index plan->tensors, -1 is none. */
struct step {
    struct convolution *convolution; /* OP_CONV */
    struct map map;                  /* of the output; after OP_AVERAGE_POOL plain rows */
    int output;                      /* may be the input's own, where the node works in place */
    int saved; /* batch norm: mean, inverse, scale, shift; max pool: taps; dropout: factors */
    /* Gradients of the output, one for each node that reads it, last reader first. Backward
     * overwrites the first. */
    int gradients[READERS_MAX];
    int gradient_count;
    int input_gradient; /* what backward writes; it is among the input's `gradients` */
};

struct plan {
    size_t count;
    int height, width;
    bool training;
    const struct network *network; /* borrowed */
    struct step *steps;            /* node_count */
    struct tensor *tensors;
    size_t tensor_count;
    int scratch; /* a tensor that every step may use */
    size_t arena_bytes;
};

struct plan_key {
    size_t count;
    int height, width;
    bool training;
};

/* Fails with ERROR_INPUT when the pictures are too small, or when training would normalise over a
 * single value a channel. */
bool plan_new(const struct onednn *onednn, const struct network *network, struct plan_key key,
              struct plan **plan, struct error *error);
void plan_free(struct plan *plan);

/* Brings the weights into the layouts that the plan's convolutions want. */
bool plan_adopt(const struct plan *plan, struct parameters *parameters, struct error *error);

/* For messages: "layer1.0.conv1" or the kind of node. */
const char *node_name(const struct network *network, size_t node, char *name, size_t size);

#endif
