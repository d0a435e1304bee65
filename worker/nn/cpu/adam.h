/* adam: PyTorch's torch.optim.Adam over one array (Kingma and Ba 2015; L2 weight decay). */
#ifndef ASSAY_WORKER_NN_CPU_ADAM_H
#define ASSAY_WORKER_NN_CPU_ADAM_H

#include "worker/nn/backend.h"

/* value, m and v are updated; all four arrays stand in one order, whatever it is. */
void adam_update(const struct adam *adam, size_t count, float *value, const float *gradient,
                 float *m, float *v);

#endif
