/* optimizer: one update of the weights, as torch.optim makes it. Which optimizer, and with what, is
 * struct optimizer of the experiment; a backend carries it out.
 *
 * With w the weight, g its gradient, t the step:
 *   adam   g = g + weight_decay w; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
 *          w = w - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 *   adamw  w = (1 - lr weight_decay) w; then as adam with weight_decay 0
 *   sgd    g = g + weight_decay w; m = momentum m + g; w = w - lr m, or with nesterov
 *          w = w - lr (g + momentum m)
 * m and v begin at zero, so that sgd's first m is the gradient, as PyTorch has it (dampening 0).
 */
#ifndef ASSAY_WORKER_NN_OPTIMIZER_H
#define ASSAY_WORKER_NN_OPTIMIZER_H

#include "core/experiment.h"

#include <stddef.h>
#include <stdint.h>

struct update {
    struct optimizer optimizer; /* its lr is this step's */
    uint64_t step;              /* from 1 */
};

/* How many moments of a parameter it keeps: 2 (m and v), 1 (m), or 0 (sgd without momentum). */
size_t optimizer_moments(const struct optimizer *optimizer);

#endif
