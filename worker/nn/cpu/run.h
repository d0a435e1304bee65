/* run: one batch through a plan, forward, loss, backward and update, node after node. */
#ifndef ASSAY_WORKER_NN_CPU_RUN_H
#define ASSAY_WORKER_NN_CPU_RUN_H

#include "worker/nn/cpu/plan.h"

struct run {
    const struct plan *plan;
    struct parameters *parameters;
    char *arena; /* plan->flow.arena_bytes */
    const struct batch *batch;
    const struct loss *loss;
    uint64_t seed;               /* for dropout */
    struct profile *profile;     /* or NULL */
    bool (*stop)(void *context); /* or NULL; as in struct model_options */
    void *stop_context;
};

/* Ends with the logits in the last step's output. A training plan also updates the running
 * statistics and keeps what the backward pass needs. */
bool run_forward(const struct run *run, struct error *error);
/* losses and logits as in struct backend. In a training plan the gradient of the loss is left where
 * run_backward begins. */
void run_loss(const struct run *run, float *losses, float *logits);
/* What the average pool read, as NCHW; of an evaluating plan. */
void run_maps(const struct run *run, float *maps);
/* Fills the parameters' gradients, and updates each parameter as soon as nothing needs its old
 * value any more. */
bool run_backward(const struct run *run, const struct update *update, struct error *error);

#endif
