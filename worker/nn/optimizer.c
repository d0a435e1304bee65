#include "worker/nn/optimizer.h"

size_t optimizer_moments(const struct optimizer *optimizer) {
    if (optimizer->name != OPTIMIZER_SGD)
        return 2;
    return optimizer->momentum > 0 ? 1 : 0;
}
