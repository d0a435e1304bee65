/* lookups: what the coordinator itself asks the database. */
#ifndef ASSAY_COORDINATOR_LOOKUPS_H
#define ASSAY_COORDINATOR_LOOKUPS_H

#include "coordinator/scheduler.h"
#include "coordinator/store.h"

/* How many experiments are in each state. */
bool lookup_counts(struct store *store, int64_t counts[LEASE_STATES], struct error *error);

/* The experiment's state by name, "" when there is none. */
bool lookup_state(struct store *store, int64_t id, char state[16], struct error *error);
/* True in *ended when this attempt was this worker's and it has reported its end. */
bool lookup_attempt_ended(struct store *store, int64_t id, int64_t attempt, const char *worker,
                          bool *ended, struct error *error);
/* True in *known when the epoch was reported before, by whatever attempt. */
bool lookup_epoch(struct store *store, int64_t id, int64_t epoch, bool *known, struct error *error);

/* Fills an empty scheduler with the queued and running experiments and the workers; leases and
 * workers count from now_ms. */
bool lookup_load(struct store *store, struct scheduler *scheduler, int64_t now_ms, int64_t lease_ms,
                 struct error *error);

#endif
