/* scheduler: which experiment a worker gets next, from plain values: no socket, no SQL, no clock.
 *
 * It holds the experiments that are queued or running (the database has all of them) and the
 * workers that said hello. A worker gets the queued experiment that it can run with the highest
 * priority, of those the oldest. What it decides is for the caller to store; after a failed commit
 * the caller empties it and fills it again from the database.
 */
#ifndef ASSAY_COORDINATOR_SCHEDULER_H
#define ASSAY_COORDINATOR_SCHEDULER_H

#include "coordinator/lease.h"

#include <stddef.h>

enum backend_need { BACKEND_ANY, BACKEND_CPU, BACKEND_CUDA };
bool backend_need_read(const char *name, enum backend_need *need); /* "any", "cpu", "cuda" */
const char *backend_need_name(enum backend_need need);

/* What the holder's last heartbeat said; for people only. */
struct job_progress {
    char phase[17]; /* "" when nothing was said yet */
    int64_t epoch, epochs, step, steps;
    double loss, images_per_second; /* NaN when undefined */
};

struct job {
    int64_t id;
    int priority;
    enum backend_need backend;
    int64_t memory_bytes;
    struct lease lease;
    struct job_progress progress;
};

struct worker {
    char name[LEASE_WORKER_MAX + 1], host[LEASE_WORKER_MAX + 1], device[LEASE_WORKER_MAX + 1];
    int64_t pid, threads, memory_bytes;
    enum backend_need backend; /* cpu or cuda */
    int64_t seen_ms;           /* of the leases' clock */
    int64_t seen_unix_ms;      /* for people */
};

/* Zero-initialise; free with scheduler_clear. */
struct scheduler {
    struct job *jobs; /* in order of id */
    size_t job_count, job_capacity;
    struct worker *workers;
    size_t worker_count, worker_capacity;
};
void scheduler_clear(struct scheduler *scheduler);

/* Copies the job in. Its id must not be there yet. False without memory. Pointers to jobs hold
 * until the next scheduler_add or scheduler_remove. */
bool scheduler_add(struct scheduler *scheduler, const struct job *job);
void scheduler_remove(struct scheduler *scheduler, int64_t id);
struct job *scheduler_find(struct scheduler *scheduler, int64_t id); /* or NULL */

/* Copies the worker in, over one of the same name. False without memory. */
bool scheduler_put_worker(struct scheduler *scheduler, const struct worker *worker);
void scheduler_remove_worker(struct scheduler *scheduler, const char *name);
struct worker *scheduler_worker(struct scheduler *scheduler, const char *name); /* or NULL */

/* The job that the worker holds, or NULL. */
struct job *scheduler_held(struct scheduler *scheduler, const char *worker);
bool scheduler_fits(const struct job *job, const struct worker *worker);
/* The queued job that the worker should get, or NULL. */
struct job *scheduler_next(struct scheduler *scheduler, const struct worker *worker);

/* Some job whose lease has expired, or NULL. */
struct job *scheduler_expired(struct scheduler *scheduler, int64_t now_ms);
/* Some worker that was not seen for longer than gone_ms and holds nothing, or NULL. */
struct worker *scheduler_gone(struct scheduler *scheduler, int64_t now_ms, int64_t gone_ms);
/* Every lease lasts lease_ms from now at least: after a pause in which nobody could be heard. */
void scheduler_renew_all(struct scheduler *scheduler, int64_t now_ms, int64_t lease_ms);

#endif
