/* plan: everything about running a network on batches of one size that does not depend on the data.
 *
 * Compiled primitives, the layout of activations, and the flow of tensors through the arena.
 */
#ifndef ASSAY_WORKER_NN_CPU_PLAN_H
#define ASSAY_WORKER_NN_CPU_PLAN_H

#include "worker/nn/cpu/convolution.h"
#include "worker/nn/cpu/map.h"
#include "worker/nn/cpu/parameters.h"
#include "worker/nn/flow.h"
#include "worker/nn/plan_cache.h"

/* What one node needs beside its step of the flow. */
struct step {
    struct convolution *convolution; /* OP_CONV */
    struct map map;                  /* of the output; after OP_AVERAGE_POOL plain rows */
};

/* Of flow's `saved`: batch norm keeps mean, inverse, scale, shift; max pool taps; dropout factors.
 */
struct plan {
    size_t count;
    bool training;
    const struct network *network; /* borrowed */
    struct step *steps;            /* node_count */
    struct flow flow;
};

/* Fails with ERROR_INPUT when the pictures are too small, or when training would normalise over a
 * single value a channel. */
bool plan_new(const struct onednn *onednn, const struct network *network, struct plan_key key,
              struct plan **plan, struct error *error);
void plan_free(struct plan *plan);

/* Brings the weights into the layouts that the plan's convolutions want. */
bool plan_adopt(const struct plan *plan, struct parameters *parameters, struct error *error);

#endif
