/* assignment: from the coordinator's `assignment` answer to a trial under way.
 *
 * An assignment is trained in DIR/experiments/ID, with its configuration beside it as
 * experiment.json, and what a fork goes on from as from.json. What stands there already is gone on
 * from when both are the same and this is not its first attempt; else it belongs to another
 * database's experiment of that number, and is renamed to ID.1, ID.2 and so on.
 */
#ifndef ASSAY_WORKER_ASSIGNMENT_H
#define ASSAY_WORKER_ASSIGNMENT_H

#include "worker/trial.h"

/* Begins to train `body`, the answer's body, whose defaults it fills in; checkpoints that it names
 * come from `source` first (supply.h). `options` has what does not depend on the assignment.
 * *folder, which is made, is the caller's to free; it and body must live until trial_free. A
 * configuration that this version does not understand is ERROR_INPUT, and so are weights that stand
 * where options->data_root does not let this worker read; a checkpoint to go on from that stands
 * there is as one that is not there. */
bool assignment_start(cJSON *body, const char *dir, const char *host,
                      const struct supply_source *source, const struct trainer_options *options,
                      trial_function *train, char **folder, struct trial **trial,
                      struct error *error);

#endif
