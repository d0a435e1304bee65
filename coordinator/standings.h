/* standings: how the members of a group stand at each epoch (coordinator/stop.h), so that to judge
 * one takes a row a member and not all their epochs.
 *
 * They follow from the epochs that are stored, and are kept in temporary tables beside them:
 * changed and rolled back in the same transactions, made again after a start, no part of the file.
 * They are kept for a group and a metric from the first time that an experiment is judged by them;
 * once none of the group is queued or running any more, they make room for the next group's.
 */
#ifndef ASSAY_COORDINATOR_STANDINGS_H
#define ASSAY_COORDINATOR_STANDINGS_H

#include "coordinator/stop.h"
#include "coordinator/store.h"

/* The report of this epoch has been stored, for the first time or anew: what there is follows. */
bool standings_follow(struct store *store, int64_t experiment, int64_t epoch, struct error *error);

/* After this epoch: its own, as it began where it has not come there, and those of the others of
 * its group that have. The caller frees `others`. */
bool standings_at(struct store *store, int64_t experiment, enum stop_metric metric, int64_t epoch,
                  struct stop_standing *own, struct stop_standing **others, size_t *count,
                  struct error *error);

#endif
