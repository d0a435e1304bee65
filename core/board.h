/* board: what a run shows in TensorBoard: which tags, at which steps, and its hparams.
 *
 * The worker writes it as it trains and `assay tensorboard` from the coordinator's history; both
 * hand in the protocol's epoch reports and evaluations, so that a tag means one thing. A value that
 * is null there is left out.
 *
 *   loss_train                        of each step; step: training steps so far
 *   loss_train_epoch, loss_valid, and accuracy_, precision_, recall_ of train and valid,
 *   learning_rate                     of each epoch; step: the epoch
 *   loss_test_best, ... recall_test_last
 *                                     of the evaluations on test; step: the checkpoint's epoch
 */
#ifndef ASSAY_CORE_BOARD_H
#define ASSAY_CORE_BOARD_H

#include "core/tensorboard.h"

/* DIR/NAME/events.out.tfevents.assay, NAME being the experiment's as one folder's name. The caller
 * frees; NULL when memory is out. */
char *board_path(const char *dir, const char *name);

/* At the beginning: the hparams. */
void board_begin(struct tensorboard *board, const cJSON *config, const cJSON *variant);
void board_step(struct tensorboard *board, uint64_t iteration, double loss);
void board_epoch(struct tensorboard *board, const cJSON *report);
/* Epochs, from the first, whose steps are not known any more: loss_train is the mean of each, at
 * its last step. iteration: training steps up to the last of them, of which each has its share by
 * the pictures that it saw (before a fork, batches may have been others than config's); 0: unknown,
 * as many as config's batches are. */
void board_history(struct tensorboard *board, const cJSON *config, const cJSON *reports,
                   uint64_t iteration);
void board_evaluation(struct tensorboard *board, const cJSON *evaluation);

/* What the HPARAMS page compares, by dotted path: what varies in the experiment's matrix (the
 * value, or the label where the value is a list or an object; `variant` may be NULL), then the
 * settings of model and training. The caller deletes; NULL when memory is out. */
cJSON *board_hparams(const cJSON *config, const cJSON *variant);

#endif
