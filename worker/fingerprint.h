/* fingerprint: whether the pictures that a worker sees are those of the submission.
 */
#ifndef ASSAY_WORKER_FINGERPRINT_H
#define ASSAY_WORKER_FINGERPRINT_H

#include "core/experiment.h"
#include "core/split.h"
#include "worker/trainer_events.h"

/* Compares the pictures of `split`, below `root`, with the experiment's data.fingerprint; without
 * one there is nothing to do. Reads every picture that options->hashes does not know. ERROR_INPUT
 * says what differs. When `stop` says so it returns false with *stopped set and no error. */
bool fingerprint_check(const struct experiment *experiment, const char *root,
                       const struct split *split, const struct trainer_options *options,
                       const struct trainer_events *events, bool *stopped, struct error *error);

#endif
