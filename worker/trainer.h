/* trainer: one experiment from its first or its last finished epoch to the end.
 *
 * Runs on the caller's thread, tells what happens through callbacks and asks `stop` after every
 * step. In `dir` it writes checkpoint_best_loss.safetensors (whenever the validation loss falls),
 * checkpoint_epoch_NNN.safetensors (every checkpoint_every epochs), checkpoint_last.safetensors
 * (after every epoch: what a resumed run goes on from), train.log, tensorboard/ (core/board.h), and
 * at the end the scores of every picture as scores_best_valid.csv and so on.
 *
 * An epoch's checkpoint is copied when the epoch ends and written while the next one trains
 * (scribe.h). Crash rule: it is durable before the epoch is reported, and its metadata holds every
 * report so far; a resumed run reports them all again. Reports are idempotent, so none is lost and
 * none is doubled. A run that is stopped waits for what is being written. train.log and
 * TensorBoard's events are cut back to their length at the checkpoint. A run that ends early has
 * the checkpoints and evaluations of one that was as long.
 */
#ifndef ASSAY_WORKER_TRAINER_H
#define ASSAY_WORKER_TRAINER_H

#include "core/experiment.h"
#include "worker/trainer_events.h"

enum trainer_outcome { TRAINER_DONE, TRAINER_STOPPED, TRAINER_FAILED };

/* TRAINER_STOPPED: `stop` said so; what the current epoch did is dropped. TRAINER_FAILED fills
 * error. */
enum trainer_outcome trainer_run(const struct experiment *experiment,
                                 const struct trainer_options *options,
                                 const struct trainer_events *events, struct error *error);

#endif
