/* flow: what a step of a network reads and writes, and when; the same on every backend.
 *
 * Time i is the forward step of node i, time 2 * node_count - 1 - i its backward step. From the
 * times at which each tensor is written and read follows where it may stand in one block of memory
 * (arena.h). Only nodes that gradients come down to have a backward step. In evaluation what the
 * average pool reads stands there to the end.
 */
#ifndef ASSAY_WORKER_NN_FLOW_H
#define ASSAY_WORKER_NN_FLOW_H

#include "worker/nn/arena.h"
#include "worker/nn/network.h"

enum { READERS_MAX = 2 };

/* What one node needs; numbers of tensors index flow->tensors, -1 is none. */
struct flow_step {
    int output; /* may be the input's own, where the node works in place */
    int saved;  /* what the node keeps beside its output, as the backend likes */
    /* Where what a convolution has in `saved` is made once more, for its weights' gradient: it is
     * not kept from forward to backward. */
    int late;
    /* Gradients of the output, one for each node that reads it, last reader first. Backward
     * overwrites the first. */
    int gradients[READERS_MAX];
    int gradient_count;
    int input_gradient; /* what backward writes; it is among the input's `gradients` */
};

/* How large a node's tensors are; 0: there is none. Gradients are as large as the outputs. */
struct flow_bytes {
    size_t output, saved;
};

/* Beside tensors. */
struct flow_needs {
    size_t scratch; /* bytes that every step may use */
    /* The gradients of convolutions' weights may come up to `lag` backward steps after their turn:
     * what they read stays as long, and they have scratch memory of their own. */
    int lag;
    size_t late_scratch;
};

struct flow {
    bool training;
    const struct network *network; /* borrowed */
    struct flow_step *steps;       /* node_count */
    struct arena_tensor *tensors;
    size_t tensor_count;
    int lag;
    int scratch, late_scratch; /* tensors; late_scratch is -1 where none is needed */
    size_t arena_bytes;
};

/* `bytes` has node_count entries. */
bool flow_new(const struct network *network, bool training, const struct flow_bytes *bytes,
              const struct flow_needs *needs, struct flow *flow, struct error *error);
void flow_free(struct flow *flow);

/* Bytes of `count` maps of a shape with elements of `element` bytes. ERROR_INPUT when that is more
 * than a sum of a few such numbers could hold. */
bool flow_map_bytes(const struct shape *shape, size_t count, size_t element, size_t *bytes,
                    struct error *error);

/* ERROR_INPUT when training would normalise over a single value a channel. */
bool flow_norm_allowed(const struct node *node, const struct shape *shape, size_t count,
                       bool training, struct error *error);

/* For messages: "layer1.0.conv1" or the kind of node. */
const char *node_name(const struct network *network, size_t node, char *name, size_t size);

#endif
