/* lookups: what the coordinator itself asks the database. */
#ifndef ASSAY_COORDINATOR_LOOKUPS_H
#define ASSAY_COORDINATOR_LOOKUPS_H

#include "coordinator/scheduler.h"
#include "coordinator/store.h"
#include "coordinator/waiting.h"
#include "core/wire.h"

/* Of the table experiment: those that are not finished. */
#define LOOKUP_UNFINISHED "status IN ('queued', 'paused', 'running')"

/* Which database this is, and which course of events it is in (schema/012_identity.sql). */
struct identity {
    char database[WIRE_IDENTITY_SIZE], history[WIRE_IDENTITY_SIZE];
};
bool lookup_identity(struct store *store, struct identity *identity, struct error *error);

/* How many experiments are in each status. */
bool lookup_counts(struct store *store, int64_t counts[LEASE_STATES], struct error *error);

/* The experiment's status by name, "" when there is none. */
bool lookup_state(struct store *store, int64_t id, char state[16], struct error *error);
/* True in *ended when this attempt was this worker's and it has reported its end. */
bool lookup_attempt_ended(struct store *store, int64_t id, int64_t attempt, const char *worker,
                          bool *ended, struct error *error);
/* The same, and that no attempt has come after it. */
bool lookup_latest_ended(struct store *store, int64_t id, int64_t attempt, const char *worker,
                         bool *ended, struct error *error);
/* How many epochs the experiment has, and true in *known when this one was reported before, by
 * whatever attempt. */
bool lookup_epoch(struct store *store, int64_t id, int64_t epoch, int64_t *epochs, bool *known,
                  struct error *error);

/* Fills an empty scheduler with the experiments that are not finished, their barriers and the
 * workers; leases and workers count from now_ms. */
bool lookup_load(struct store *store, struct scheduler *scheduler, int64_t now_ms, int64_t lease_ms,
                 struct error *error);
/* The state of the experiment's lease; left as it is when there is no such experiment. */
bool lookup_lease_state(struct store *store, int64_t id, enum lease_state *state,
                        struct error *error);
/* Adds one experiment, just queued again, from the database. */
bool lookup_add(struct store *store, struct scheduler *scheduler, int64_t id, struct error *error);

/* Calls `step` with each barrier that the experiment is a member of. */
bool lookup_barriers(struct store *store, int64_t member, struct scheduler *scheduler,
                     void (*step)(struct scheduler *scheduler, int64_t barrier),
                     struct error *error);
/* How many members of a barrier are not done. */
bool lookup_open(struct store *store, int64_t barrier, size_t *open, struct error *error);
/* What waiting_for_others tells of a barrier. words: for a buffer of the caller's. */
bool lookup_after(struct store *store, int64_t barrier, char *words, size_t words_size,
                  struct waiting_after *after, struct error *error);
/* True in *known when an experiment has this name or group. */
bool lookup_word(struct store *store, const char *word, bool *known, struct error *error);

#endif
