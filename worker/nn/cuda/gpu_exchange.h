/* gpu_exchange: what goes to the device and comes back with every batch: numbers, samples and
 * labels; losses and logits.
 *
 * On the device what goes there is one block at one place, so that the same launches serve every
 * step. What comes back gathers in a ring with a place for each batch that may be under way, and is
 * copied to the host when somebody wants to read it, several batches at once, behind the last of
 * them: until it is taken nothing is waited for.
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_EXCHANGE_H
#define ASSAY_WORKER_NN_CUDA_GPU_EXCHANGE_H

#include "worker/nn/backend.h"
#include "worker/nn/cuda/device.h"
#include "worker/nn/cuda/gpu_run.h"

struct gpu_exchange {
    struct device *device; /* borrowed */
    size_t room;           /* pictures of a batch; of all that follows */
    char *block;           /* on the device: what goes there, then the ring of what comes back */
    char *orders;          /* pinned: what goes there, a place for each batch under way */
    float *results;        /* pinned: the ring of what comes back */
    size_t counts[BACKEND_AHEAD]; /* pictures, by the batch's place */
    /* Batches so far: sent - taken are under way; of those sent - asked have not been asked for
     * their results, and arrived - taken have them here. */
    size_t sent, asked, arrived, taken;
    /* Copies that may not be over: of each the number of the batch behind it, by its mark. */
    size_t copies, copies_over, ends[MARKS_RESULTS];
};

void gpu_exchange_init(struct device *device, struct gpu_exchange *exchange);
void gpu_exchange_free(struct gpu_exchange *exchange);

/* Sends the batch's numbers, for which there must be a place. update is NULL in evaluation. */
bool gpu_exchange_send(struct gpu_exchange *exchange, const struct batch *batch,
                       const struct update *update, const struct loss *loss, struct error *error);
/* Where the launches find and leave what is exchanged. */
struct gpu_batch gpu_exchange_batch(const struct gpu_exchange *exchange);
/* Behind the launches: unless the batch is held, has its results and those of all before it copied
 * back. The batch is under way from here on. */
bool gpu_exchange_return(struct gpu_exchange *exchange, const struct batch *batch,
                         struct error *error);
/* The results of the oldest batch under way, which are waited for. */
bool gpu_exchange_take(struct gpu_exchange *exchange, float *losses, float *logits,
                       struct error *error);

#endif
