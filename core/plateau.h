/* plateau: PyTorch's ReduceLROnPlateau(mode="min", threshold 1e-4 relative, cooldown 0, eps 1e-8).
 */
#ifndef ASSAY_CORE_PLATEAU_H
#define ASSAY_CORE_PLATEAU_H

#include <stdint.h>

struct plateau {
    double factor, min_lr; /* set by the experiment */
    uint32_t patience;
    double lr, best; /* state: carried in checkpoints */
    uint32_t bad_epochs;
};

/* best = +inf, lr as given. */
void plateau_init(struct plateau *plateau, double lr, double factor, uint32_t patience,
                  double min_lr);
/* After an epoch with this validation loss; the next epoch's rate is plateau->lr. NaN counts as
 * bad. */
void plateau_step(struct plateau *plateau, double loss);

#endif
