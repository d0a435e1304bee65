/* waiting: why an experiment of the queue does not run, in words for people. Pure. */
#ifndef ASSAY_COORDINATOR_WAITING_H
#define ASSAY_COORDINATOR_WAITING_H

#include "coordinator/scheduler.h"

enum { WAITING_TEXT = 256 };

/* What there is of those it comes after, when its barrier is not open; from the database. */
struct waiting_after {
    const char *words;     /* "a, b" */
    int64_t members, done; /* how many there are, and of these done */
    int64_t broken;        /* one that failed or was cancelled, or 0 */
    bool failed;           /* else cancelled */
};

/* "no worker with label gpu-a". Workers that are lost do not count. The text depends on the lane
 * alone. */
void waiting_for_worker(const struct scheduler *scheduler, const struct lane *lane,
                        const struct presence *present, char text[WAITING_TEXT]);
/* "retries in 12 s", or "in 4 min", rounded up. */
void waiting_for_rest(int64_t left_ms, char text[WAITING_TEXT]);
/* "after a, b: 2 of 5 done", or which of them failed or was cancelled. */
void waiting_for_others(const struct waiting_after *after, char text[WAITING_TEXT]);

#endif
