/* refuse: what every backend refuses, in the same words. */
#ifndef ASSAY_WORKER_NN_REFUSE_H
#define ASSAY_WORKER_NN_REFUSE_H

#include "worker/nn/backend.h"

/* Cross-entropy as it is in evaluation: no smoothing, no weights. */
extern const struct loss plain_loss;

/* Each false with an error when it is refused. */
bool labels_valid(const struct batch *batch, struct error *error);
bool state_readable(const struct network *network, enum model_state state, size_t parameter,
                    struct error *error);
bool state_writable(const struct network *network, enum model_state state, size_t parameter,
                    struct error *error);

#endif
