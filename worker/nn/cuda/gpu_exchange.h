/* gpu_exchange: what goes to the device and comes back with every batch: numbers, samples and
 * labels; losses and logits.
 *
 * On the device it is one block at one place, so that the same launches serve every step. On the
 * host there is a pinned block for each batch that may be under way: a batch is sent while those
 * before it are worked on, and what they give is copied back in order.
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_EXCHANGE_H
#define ASSAY_WORKER_NN_CUDA_GPU_EXCHANGE_H

#include "worker/nn/backend.h"
#include "worker/nn/cuda/device.h"
#include "worker/nn/cuda/gpu_run.h"

struct gpu_exchange {
    struct device *device; /* borrowed */
    char *block;           /* on the device */
    size_t room;           /* pictures */
    struct exchange_slot {
        char *block;  /* pinned */
        size_t room;  /* pictures */
        size_t count; /* of the batch that is under way */
    } slots[BACKEND_AHEAD];
    size_t sent, taken; /* batches so far; sent - taken are under way */
};

void gpu_exchange_init(struct device *device, struct gpu_exchange *exchange);
void gpu_exchange_free(struct gpu_exchange *exchange);

/* Sends the batch's numbers, for which there must be a slot. update is NULL in evaluation. */
bool gpu_exchange_send(struct gpu_exchange *exchange, const struct batch *batch,
                       const struct update *update, const struct loss *loss, struct error *error);
/* Where the launches find and leave what is exchanged. */
struct gpu_batch gpu_exchange_batch(const struct gpu_exchange *exchange);
/* Behind the launches: has the results copied back. The batch is under way from here on. */
bool gpu_exchange_return(struct gpu_exchange *exchange, size_t count, struct error *error);
/* The results of the oldest batch under way, which are waited for. */
bool gpu_exchange_take(struct gpu_exchange *exchange, float *losses, float *logits,
                       struct error *error);

#endif
