/* assignment: from the coordinator's `assignment` answer to a trial under way.
 *
 * An assignment is trained in experiments/ID of its database's folder (place.h), with its
 * configuration beside it as experiment.json, and what a fork goes on from as from.json. What
 * stands there already is gone on from when both are the same and this is not its first attempt;
 * else it is of another experiment of that number (in a folder from before databases had
 * identities, or after a backup was restored), and is renamed to ID.1, ID.2 and so on.
 */
#ifndef ASSAY_WORKER_ASSIGNMENT_H
#define ASSAY_WORKER_ASSIGNMENT_H

#include "worker/trial.h"

struct assignment_place {
    const char *dir;    /* the worker's own, which assignments may have it read */
    const char *folder; /* of their database, in it */
    const char *host;   /* this machine */
};

/* Begins to train `body`, the answer's body, whose defaults it fills in; checkpoints that it names
 * come from `source` first (supply.h). `options` has what does not depend on the assignment.
 * *folder, which is made, is the caller's to free; it and body must live until trial_free. A
 * configuration that this version does not understand is ERROR_INPUT, and so are weights that lie
 * where options->data_root does not let this worker read. A checkpoint to go on from that lies
 * there, or belongs to another experiment, is treated as missing. */
bool assignment_start(cJSON *body, const struct assignment_place *place,
                      const struct supply_source *source, const struct trainer_options *options,
                      trial_function *train, char **folder, struct trial **trial,
                      struct error *error);

#endif
