/* work: what each layer of a network cannot do without: floating point operations and bytes, and
 * the time that follows from them on a machine of given rates, the floor.
 *
 * Operations are those of matrix products, where a multiplication and an addition are two; what is
 * done to each value on its way (normalising, adding, ReLU, pooling) is bound by memory and counted
 * as bytes alone. Bytes are those of every tensor that a pass reads or writes, each once, as if
 * all else stood in registers and caches: activations and their gradients in the precision's
 * element, from the average pool on in floats. Batch norm, the addition and the ReLU behind it are
 * one layer. A layer's floor is the longer of the two times, pass by pass; a step's is the sum over
 * its layers, which a machine that keeps activations in its caches from layer to layer can beat,
 * and so can minimal filtering (worker/nn/cpu/winograd.h): sums are counted as they are defined.
 */
#ifndef ASSAY_WORKER_NN_WORK_H
#define ASSAY_WORKER_NN_WORK_H

#include "worker/nn/network.h"

enum work_pass {
    WORK_FORWARD,
    WORK_DATA,    /* backward: the gradient of the input; of batch norm all that goes back */
    WORK_WEIGHTS, /* backward: the gradients of weights and bias */
};
enum { WORK_PASSES = 3 };

struct work {
    double flops, bytes;
};

struct node_work {
    struct work passes[WORK_PASSES]; /* zero where there is none */
};

/* One training step on `count` pictures. shapes and nodes have node_count entries. */
void work_count(const struct network *network, const struct shape *shapes, size_t count,
                enum precision precision, struct node_work *nodes);
/* The update of all trained weights, and of their bf16 copies. moments: optimizer_moments. */
struct work work_update(const struct network *network, size_t moments, enum precision precision);

/* What a machine does at most in a second. */
struct peak {
    char what[96];   /* the machine, and whose word it is */
    double flops[3]; /* of matrix products, by enum precision; 0: it has none of it */
    double bytes;    /* read from and written to memory */
};

/* name: "h100", "h200", "a100", or what a backend says of a device. False when nothing is known. */
bool peak_find(const char *name, struct peak *peak);

/* The floor of one pass, in milliseconds. */
double work_floor_ms(const struct work *work, const struct peak *peak, enum precision precision);

#endif
