/* lease: who may work on an experiment, as a state machine over plain values.
 *
 *            grant                    finish
 *   queued ---------> running ------------------> done
 *      ^                 |  fail, lost (at the last attempt, or no use)
 *      |                 +----------------------> failed
 *      +-----------------+
 *      give_back, fail, lost        cancel (from queued and running) -> cancelled
 *      retry (from failed and cancelled) -> queued
 *
 * What failed, or was given back because its machine could not do it, rests before it is granted
 * again, the longer the more often that has happened in a row (lease_rest).
 *
 * Beside that it may be paused: queued, it is not granted until it is resumed; running, its holder
 * is asked to give it back, and then it is queued and paused.
 *
 * `attempt` rises with every grant and is the fencing token: what a worker says counts only while
 * lease_held_by is true for its name and attempt. Nothing is changed by a function that returns
 * false. Times are milliseconds of a clock that does not go back.
 */
#ifndef ASSAY_COORDINATOR_LEASE_H
#define ASSAY_COORDINATOR_LEASE_H

#include <stdbool.h>
#include <stdint.h>

enum lease_state {
    LEASE_QUEUED,
    LEASE_RUNNING,
    LEASE_DONE,
    LEASE_FAILED,
    LEASE_CANCELLED,
    LEASE_PAUSED, /* what people see of a queued one that is paused; no lease's own state */
};
enum { LEASE_STATES = LEASE_PAUSED + 1, LEASE_WORKER_MAX = 256 };

struct lease {
    enum lease_state state;
    bool paused;          /* never when final */
    int64_t attempt;      /* grants so far */
    int64_t failures;     /* attempts in a row that failed or were lost before a new epoch */
    int64_t max_attempts; /* failures >= max_attempts: failed */
    int64_t hindrances;   /* attempts in a row that were given back as the machine could not */
    /* the holder while running; who ended it after that; while queued who failed it, if it did */
    char worker[LEASE_WORKER_MAX + 1];
    int64_t until_ms;      /* while running */
    int64_t rest_until_ms; /* while queued: not to be granted before; 0: at once */
};

/* How long others come before who failed it, once it has rested. */
enum { LEASE_PREFER_MS = 10 * 1000 };

const char *lease_state_name(enum lease_state state); /* "queued" */
bool lease_final(const struct lease *lease);          /* done, failed or cancelled */

bool lease_held_by(const struct lease *lease, const char *worker, int64_t attempt);
bool lease_expired(const struct lease *lease, int64_t now_ms);
void lease_renew(struct lease *lease, int64_t now_ms, int64_t lease_ms); /* never shortens */

bool lease_grant(struct lease *lease, const char *worker, int64_t now_ms, int64_t lease_ms);
bool lease_finish(struct lease *lease);
/* Counts a failure; queued again, or failed after the last one or when `retry` is false. */
bool lease_fail(struct lease *lease, bool retry);
bool lease_give_back(struct lease *lease); /* costs nothing */
/* The same; and its worker cannot do it now, through no fault of the experiment's. */
bool lease_hinder(struct lease *lease);
/* For what was queued again by lease_fail or lease_hinder: it rests from now on for 2 s, 8 s, 32 s
 * and so on, five minutes at most, of which a part between half and all that follows from
 * (experiment, attempt). */
void lease_rest(struct lease *lease, int64_t experiment, int64_t now_ms);
/* The holder has come further than anyone before: the failures so far count no more. */
void lease_progress(struct lease *lease);
bool lease_cancel(struct lease *lease);
/* What failed or was cancelled is queued again, its failures forgiven; attempts are counted on. */
bool lease_retry(struct lease *lease);
bool lease_pause(struct lease *lease);  /* false: paused already, or final */
bool lease_resume(struct lease *lease); /* false: not paused */

#endif
