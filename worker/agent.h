/* agent: the coordinator's counterpart: asks for experiments, has them trained, reports.
 *
 * The thread that calls agent_run owns the socket and the spool; the trainer has a thread of its
 * own (trial.h). What to do next is decided in duty.h; this room asks and answers, and stint.h has
 * what is trained.
 *
 * A worker that was killed has told nobody. The next one in its folder, which has its name, sends
 * what is left in the spool and then ends the attempt as failed, so that the experiment is queued
 * again at once, and one that kills every worker comes to its max_attempts.
 *
 * Checkpoints and event files go to the coordinator beside all that (courier.h). A trial's end is
 * reported when they have arrived, or cannot (luggage.h).
 *
 * In DIR: lock, hashes.db, and for each database its spool.db and experiments/ (place.h).
 */
#ifndef ASSAY_WORKER_AGENT_H
#define ASSAY_WORKER_AGENT_H

#include "net/dealer.h"
#include "worker/trial.h"

#include <stdint.h>

struct agent_options {
    const char *connect, *dir;
    struct dealer_keys keys;
    const char *name;         /* NULL: the spool's */
    const char *backend;      /* "auto", "cpu", "cuda" */
    const char *data_root;    /* NULL: any */
    const char *weights_root; /* NULL: none beside data_root (trainer.h) */
    const char *shared;       /* the coordinator's artifacts folder, if seen from here; or NULL */
    const char *data_cache;   /* supply_source's */
    int64_t data_cache_bytes;
    int device, threads;
    uint64_t memory_bytes; /* for experiments, of all slots; 0: what the backend has */
    size_t slots;          /* how many such workers share the machine; 1: none but this one */
    const char *labels[WIRE_LABELS_MAX]; /* what experiments may ask for: "gpu-a" */
    size_t label_count;
    int64_t idle_exit_ms; /* negative: never */
    int leave_fd;         /* readable: stop training, give the experiment back, return */
    trial_function *train;
    /* one line for people, without its end; trouble: for stderr */
    void (*say)(void *context, bool trouble, const char *line);
    void *context;
};

/* Works until it is told to leave, has been idle for too long, or cannot go on. *code is the exit
 * code (duty.h: 0; 3 when there was no coordinator to ask for work, or none that lets this worker
 * in; 1 when it refused); false fills error. */
bool agent_run(const struct agent_options *options, int *code, struct error *error);

#endif
