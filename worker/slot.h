/* slot: one of several workers side by side on one machine: its share of the cores, and when it is
 * started again. Pure: slots.c around it has the processes and the clock.
 *
 * A process that ends with an exit code has decided so, and its slot is over: it was told to leave,
 * was idle for too long, or cannot be started like that. One that was killed, crashed or could not
 * go on (exit code 1) is started again after a backoff (backoff.h), until SLOT_TRIES in a row have
 * lived for less than SLOT_LIFE_MS.
 */
#ifndef ASSAY_WORKER_SLOT_H
#define ASSAY_WORKER_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLOT_TRIES = 10, SLOT_LIFE_MS = 60000 };

enum slot_state {
    SLOT_DUE,  /* to be started at start_ms */
    SLOT_RUNS, /* since start_ms */
    SLOT_OVER, /* with exit code `code` */
};

struct slot {
    enum slot_state state; /* zeroed: due at once */
    int64_t start_ms;
    unsigned failures; /* in a row */
    int code;
};

void slot_started(struct slot *slot, int64_t now_ms);
/* The process has ended, with what waitpid says of it. `leaving`: the worker was told to. `jitter`
 * as backoff_ms has it. */
void slot_ended(struct slot *slot, int status, bool leaving, int64_t now_ms, uint64_t *jitter);
/* The worker was told to leave: what does not run is not started any more. */
void slot_leave(struct slot *slot);

/* Which of the machine's `cores` are those of slot `index` (from 0) of `count`: *many of them, from
 * *first on. Each has one at least; where there are fewer cores than slots they share. */
void slot_cores(size_t index, size_t count, size_t cores, size_t *first, size_t *many);

#endif
