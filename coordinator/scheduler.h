/* scheduler: which experiment a worker gets next, from plain values: no socket, no SQL, no clock.
 *
 * It holds the experiments that are not finished (the database has all of them) and the workers
 * that said hello. The rule: of the experiments that are queued, not paused, wait for no other and
 * whose needs the worker meets, those of the highest priority; of these, those of the person who
 * has the fewest experiments running; of these, the oldest. One that has failed is left alone while
 * it rests (lease.h), and then, for LEASE_PREFER_MS, to other workers than the one who failed it,
 * if there are any that meet its needs.
 *
 * Experiments of one priority, person and need stand in one lane, in order of age, so that the
 * choice is among lanes; what waits for others stands at a barrier until it opens. No step is
 * longer than O(lanes + log n), with a hundred thousand in the queue, but for those that have just
 * rested.
 *
 * What it decides is for the caller to store; after a failed commit the caller empties it and fills
 * it again from the database.
 */
#ifndef ASSAY_COORDINATOR_SCHEDULER_H
#define ASSAY_COORDINATOR_SCHEDULER_H

#include "coordinator/lease.h"
#include "coordinator/list.h"
#include "coordinator/need.h"
#include "coordinator/queue.h"

/* What the holder's last heartbeat said; for people only. */
struct job_progress {
    char phase[17]; /* "" when nothing was said yet */
    int64_t epoch, epochs, step, steps;
    double loss, images_per_second; /* NaN when undefined */
};

struct person {
    char *name;
    size_t running; /* how many experiments of theirs */
};

struct lane {
    int priority;
    struct person *person;
    struct need need;
    size_t job_count; /* all of this kind, queued or not */
    struct queue queue;
};

/* One experiment in the scheduler's memory: stays where it is until it is removed. Change `lease`
 * and `progress` alone, and tell scheduler_settle of the former. */
struct job {
    int64_t id, barrier; /* 0: no barrier */
    struct lease lease;
    struct job_progress progress;
    struct lane *lane;
    struct queue *queue;    /* its lane's or its barrier's while it waits there, else NULL */
    size_t place;           /* in the queue */
    int64_t rests_until_ms; /* its place in `resting`; 0: it is not there */
    bool runs;              /* it is in `running` */
};

/* What holds back those who wait for others. */
struct barrier {
    int64_t id;
    size_t open; /* how many experiments are not done yet */
    size_t job_count;
    struct queue queue; /* of those who wait */
};

/* Zero-initialise; free with scheduler_clear. */
struct scheduler {
    struct list jobs;     /* struct job, in order of id */
    struct list running;  /* of these, in order of the holder's name */
    struct list resting;  /* of these, in order of the time until which they rest */
    struct list workers;  /* struct worker, in order of name */
    struct list lanes;    /* struct lane, the highest priority first */
    struct list persons;  /* struct person, in order of name; they stay until scheduler_clear */
    struct list barriers; /* struct barrier, in order of id: those that are not open yet */
};
void scheduler_clear(struct scheduler *scheduler);

/* An experiment on its way in; texts are copied. */
struct ticket {
    int64_t id, barrier; /* barrier: 0, or one that was open or was closed before */
    int priority;
    const char *person;
    struct need need;
    struct lease lease;
};
/* Its id must not be there yet. False without memory. */
bool scheduler_add(struct scheduler *scheduler, const struct ticket *ticket);
/* The job's lease has changed: it goes where it now belongs, out of the scheduler if it is final.
 */
void scheduler_settle(struct scheduler *scheduler, struct job *job);
bool scheduler_set_priority(struct scheduler *scheduler, struct job *job, int priority);
/* What it goes on from is on that host alone ("": it is for all of them). False without memory, as
 * above. */
bool scheduler_set_host(struct scheduler *scheduler, struct job *job, const char *host);
struct job *scheduler_find(const struct scheduler *scheduler, int64_t id); /* or NULL */

/* A barrier that holds back until `open` (at least 1) experiments are done. False without memory.
 */
bool scheduler_close_barrier(struct scheduler *scheduler, int64_t id, size_t open);
/* One of the experiments that the barrier waits for is done. */
void scheduler_step_barrier(struct scheduler *scheduler, int64_t id);

/* Copies the worker in, over one of the same name. False without memory. */
bool scheduler_put_worker(struct scheduler *scheduler, const struct worker *worker);
void scheduler_remove_worker(struct scheduler *scheduler, const char *name);
struct worker *scheduler_worker(const struct scheduler *scheduler, const char *name); /* or NULL */

/* The job that the worker holds, or NULL. */
struct job *scheduler_held(const struct scheduler *scheduler, const char *worker);
/* The queued job that the worker should get, or NULL. */
struct job *scheduler_next(struct scheduler *scheduler, const struct worker *worker,
                           const struct presence *present);

/* Some job whose lease has expired, or NULL. */
struct job *scheduler_expired(const struct scheduler *scheduler, int64_t now_ms);
/* When the first lease runs out; INT64_MAX when nothing runs. */
int64_t scheduler_next_expiry(const struct scheduler *scheduler);
/* How many workers are lost. */
size_t scheduler_lost(const struct scheduler *scheduler, const struct presence *present);
/* Whether others are lost than when this was asked last; who said hello since then was not. */
bool scheduler_see_lost(struct scheduler *scheduler, const struct presence *present);
/* Some worker that is lost and holds nothing, or NULL. */
struct worker *scheduler_gone(const struct scheduler *scheduler, const struct presence *present);
/* Every lease lasts lease_ms from now at least: after a pause in which nobody could be heard. */
void scheduler_renew_all(struct scheduler *scheduler, int64_t now_ms, int64_t lease_ms);

#endif
