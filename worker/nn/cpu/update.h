/* update: what worker/nn/optimizer.h describes, over one array. */
#ifndef ASSAY_WORKER_NN_CPU_UPDATE_H
#define ASSAY_WORKER_NN_CPU_UPDATE_H

#include "worker/nn/optimizer.h"

/* value, m and v are updated; all four arrays stand in one order, whatever it is. Moments that the
 * optimizer does not keep may be NULL. */
void update_apply(const struct update *update, size_t count, float *value, const float *gradient,
                  float *m, float *v);

#endif
