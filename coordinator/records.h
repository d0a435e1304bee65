/* records: what is written to the database: submissions, what becomes of them, what workers report.
 *
 * Each function belongs inside a transaction of the store (store_begin); after a failure that
 * transaction has to be rolled back. Bodies are those of messages whose shape has been checked.
 */
#ifndef ASSAY_COORDINATOR_RECORDS_H
#define ASSAY_COORDINATOR_RECORDS_H

#include "coordinator/fork.h"
#include "coordinator/scheduler.h"
#include "coordinator/store.h"

#include <cjson/cJSON.h>

/* One experiment as submitted; texts are borrowed. */
struct submission {
    const char *name, *group, *config, *variant; /* the last two as JSON */
    int priority;
    struct need need;
    int64_t epochs, max_attempts;
    int64_t barrier;         /* or 0 */
    const struct fork *fork; /* or NULL */
};

/* Who submits, where and with which version of assay; "" where nobody said. */
struct submitter {
    const char *person, *host, *version;
};

bool record_key(struct store *store, const char *key, const struct submitter *submitter,
                int64_t now_ms, struct error *error);
/* A barrier without members; they follow when all experiments are there. */
bool record_barrier(struct store *store, const char *words, int64_t *id, struct error *error);
/* Its members: of each name that its words name, or that is of a group that they name, the newest
 * experiment. */
bool record_members(struct store *store, int64_t barrier, struct error *error);
/* Under a key that record_key has written. */
bool record_experiment(struct store *store, const char *key, const struct submission *submission,
                       int64_t now_ms, int64_t *id, struct error *error);

/* The job has just been granted: a new attempt begins. */
bool record_grant(struct store *store, const struct job *job, int64_t now_ms, struct error *error);
/* The job has just left running (or was cancelled in the queue). `outcome` is the attempt's:
 * "done", "failed", "given_back", "lost", "cancelled"; `why` is NULL or what went wrong. */
bool record_end(struct store *store, const struct job *job, const char *outcome, const char *why,
                int64_t now_ms, struct error *error);
/* The finished experiment is queued again. */
bool record_retry(struct store *store, int64_t id, struct error *error);
/* The job's `paused`, or its lane's priority, has changed. */
bool record_steering(struct store *store, const struct job *job, struct error *error);
/* Somebody did this to the experiment: "cancel", "pause", "resume", "retry", "priority". */
bool record_deed(struct store *store, int64_t id, const char *what, const char *person,
                 int64_t now_ms, struct error *error);
/* The job's failures were forgiven. */
bool record_progress(struct store *store, const struct job *job, struct error *error);

/* Which report this is; all are of one attempt of one experiment. */
struct report_key {
    int64_t experiment, attempt, now_ms;
};
/* Stores the report of a kind ("epoch", "scores", "evaluation", ...). What the same or a
 * later attempt has reported under the same natural key stays. */
bool record_report(struct store *store, const struct report_key *key, const char *kind,
                   const cJSON *body, struct error *error);

bool record_worker(struct store *store, const struct worker *worker, struct error *error);
bool record_worker_gone(struct store *store, const char *name, struct error *error);

#endif
