/* stopping: early stopping (stop.h) in the database: it is judged by how the others stand
 * (standings.h), what was decided is kept and told.
 *
 * A decision is made once, when a new epoch is stored and in the same transaction; after that the
 * experiment's holder is told the epoch to end after until it has ended, with every answer, and so
 * is whoever gets the experiment next. It ends as done.
 */
#ifndef ASSAY_COORDINATOR_STOPPING_H
#define ASSAY_COORDINATOR_STOPPING_H

#include "coordinator/store.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* The experiment's report of this epoch, the first one of it, has just been stored: decides, and
 * writes down that it is to stop if it is. The epochs that a fork has from its source decide
 * nothing.
 */
bool stopping_judge(struct store *store, int64_t experiment, int64_t epoch, int64_t now_ms,
                    struct error *error);

/* Adds "stop_epoch" to an answer for the holder when the experiment is to end after one. */
bool stopping_tell(struct store *store, int64_t experiment, cJSON *answer, struct error *error);

/* Adds "stopped" to a summary: null, or what was decided and why. */
bool stopping_view(struct store *store, int64_t experiment, cJSON *summary, struct error *error);

#endif
