/* pictures: what of an experiment's pictures this machine has: the root, the split, and whether
 * they are those of the submission. */
#ifndef ASSAY_WORKER_PICTURES_H
#define ASSAY_WORKER_PICTURES_H

#include "core/experiment.h"
#include "core/split.h"
#include "worker/trainer_events.h"

/* *root is the real data.root, inside options->data_root where that is given, for the caller to
 * free; the split is split_free's, also on failure. Checks data.fingerprint, and may be stopped as
 * fingerprint_check is. */
bool pictures_find(const struct experiment *experiment, const struct trainer_options *options,
                   const struct trainer_events *events, char **root, struct split *split,
                   bool *stopped, struct error *error);

#endif
