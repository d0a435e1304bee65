/* backoff: how long to wait before trying again what has failed. */
#ifndef ASSAY_CORE_BACKOFF_H
#define ASSAY_CORE_BACKOFF_H

#include <stdint.h>

/* The first wait, how many times as long each next one is, and the longest. */
struct backoff {
    int64_t first_ms, times, most_ms;
};

/* For who does not reach the other side of a socket, or a process that died. */
enum { BACKOFF_FIRST_MS = 250, BACKOFF_MOST_MS = 5000 };
static const struct backoff BACKOFF_LINK = {BACKOFF_FIRST_MS, 2, BACKOFF_MOST_MS};

/* The wait after this many failures before the last, of which a random part between a half and the
 * whole: it spreads those that failed together. `jitter` is the state of the draws, of any value;
 * the same state gives the same wait. */
int64_t backoff_ms(const struct backoff *backoff, uint64_t failures, uint64_t *jitter);

#endif
