/* resume: which checkpoint a run goes on from, and its files brought into the run's folder.
 *
 * Candidates are the checkpoints "last" and "best" of the run's folder, the one that was named, and
 * its neighbours: every one of them is a whole state. The latest epoch wins whose best checkpoint
 * is there as well. What cannot be read is passed over with a warning, because training again gives
 * the same bits; a checkpoint of another experiment is an error, because then somebody is mistaken.
 */
#ifndef ASSAY_WORKER_RESUME_H
#define ASSAY_WORKER_RESUME_H

#include "core/text.h"
#include "worker/checkpoint.h"

/* DIR/checkpoint_best_loss.safetensors and so on; the caller frees, NULL when memory is out. */
char *checkpoint_path_best(const char *dir);
char *checkpoint_path_last(const char *dir);
char *checkpoint_path_epoch(const char *dir, uint32_t epoch);
/* The same for TensorBoard's events: DIR/tensorboard/NAME/... */
char *resume_board_path(const char *dir, const struct trainer_options *options,
                        const struct experiment *experiment);

/* Removes train.log and TensorBoard's events from the run's folder, for a checkpoint to come whose
 * run wrote others: they are then begun anew from its history. */
bool resume_drop_records(const struct trainer_options *options, const struct experiment *experiment,
                         struct error *error);

/* *checkpoint is NULL when there is nothing to go on from. When there is, `dir` holds it as "last"
 * afterwards, its best checkpoint as "best", the "epoch" checkpoints that are due up to it as far
 * as there were any, train.log and TensorBoard's events. options->resume may be NULL. warnings:
 * lines, each ended by \n. */
bool resume_find(const struct trainer_options *options, const struct experiment *experiment,
                 struct checkpoint **checkpoint, struct text *warnings, struct error *error);

#endif
