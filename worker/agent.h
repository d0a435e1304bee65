/* agent: the coordinator's counterpart: asks for experiments, has them trained, reports.
 *
 * The thread that calls agent_run owns the socket and the spool; the trainer has a thread of its
 * own (trial.h). What to do next is decided in duty.h; this room carries it out.
 *
 * In DIR: lock and spool.db (spool.h); experiments/ID/ for each assignment, with experiment.json,
 * the configuration it was trained by. A folder that holds another experiment of that number (the
 * database was a different one), or one that the coordinator knows no checkpoint of, is renamed to
 * ID.1, ID.2 and so on, so that no run goes on from another's checkpoint.
 */
#ifndef ASSAY_WORKER_AGENT_H
#define ASSAY_WORKER_AGENT_H

#include "worker/trial.h"

#include <stdint.h>

struct agent_options {
    const char *connect, *dir;
    const char *name;      /* NULL: the spool's */
    const char *backend;   /* "auto", "cpu", "cuda" */
    const char *data_root; /* NULL: any */
    int device, threads;
    int64_t idle_exit_ms; /* negative: never */
    int leave_fd;         /* readable: stop training, give the experiment back, return */
    trial_function *train;
    /* one line for people, without its end; trouble: for stderr */
    void (*say)(void *context, bool trouble, const char *line);
    void *context;
};

/* Works until it is told to leave, has been idle for too long, or cannot go on. *code is the exit
 * code (0, or 3 when the coordinator was never there); false fills error. */
bool agent_run(const struct agent_options *options, int *code, struct error *error);

#endif
