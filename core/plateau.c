#include "core/plateau.h"

#include <math.h>

static const double threshold =
    1e-4; /* a fall counts when it is larger than this part of the best */
static const double smallest_step = 1e-8; /* smaller changes of the rate are not made */

void plateau_init(struct plateau *plateau, double lr, double factor, uint32_t patience,
                  double min_lr) {
    *plateau = (struct plateau){
        .factor = factor, .min_lr = min_lr, .patience = patience, .lr = lr, .best = INFINITY};
}

void plateau_step(struct plateau *plateau, double loss) {
    if (loss < plateau->best * (1.0 - threshold)) {
        plateau->best = loss;
        plateau->bad_epochs = 0;
    } else {
        plateau->bad_epochs++;
    }
    if (plateau->bad_epochs <= plateau->patience)
        return;
    plateau->bad_epochs = 0;
    double lr = fmax(plateau->lr * plateau->factor, plateau->min_lr);
    if (plateau->lr - lr > smallest_step)
        plateau->lr = lr;
}
