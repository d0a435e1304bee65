/* schedule: the learning rate from epoch to epoch, as torch.optim.lr_scheduler has it.
 *
 * With lr the optimizer's rate and e the epoch, from 1:
 *   reduce_on_plateau  lr, multiplied by factor (down to min_lr) after more than `patience` epochs
 *                      in a row whose validation loss did not fall by 1e-4 of the least one
 *                      (ReduceLROnPlateau: mode min, threshold 1e-4 relative, cooldown 0, eps 1e-8)
 *   cosine             with W = warmup_epochs: lr e / (W + 1) while e <= W; then
 *                      min_lr + (lr - min_lr) (1 + cos(pi t / T)) / 2,
 *                      t = e - 1 - W, T = epochs - W
 *                      (SequentialLR: LinearLR from 1 / (W + 1), then CosineAnnealingLR)
 *   step               lr, multiplied by gamma after each step_size epochs (StepLR)
 *   constant           lr
 */
#ifndef ASSAY_CORE_SCHEDULE_H
#define ASSAY_CORE_SCHEDULE_H

#include "core/experiment.h"

#include <stdint.h>

/* What checkpoints carry. `best` is +infinity where the schedule looks at no loss. */
struct schedule_state {
    double lr; /* of the epoch to come */
    double best;
    uint32_t bad_epochs;
};

/* Before the first epoch. Of the experiment, train is read: its scheduler, epochs, and the
 * optimizer's lr. */
void schedule_begin(const struct experiment *experiment, struct schedule_state *state);
/* After epoch `epoch` (from 1) with this validation loss. NaN counts as no fall. */
void schedule_step(const struct experiment *experiment, uint32_t epoch, double loss,
                   struct schedule_state *state);

#endif
