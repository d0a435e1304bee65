/* backoff: how long to wait before trying again what has failed. */
#ifndef ASSAY_WORKER_BACKOFF_H
#define ASSAY_WORKER_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 250, BACKOFF_MOST_MS = 5000 };

/* BACKOFF_FIRST_MS doubled for each of the failures before this one, at most BACKOFF_MOST_MS, of
 * which a random part between a half and the whole: it spreads workers that lost the coordinator
 * together. `jitter` is the state of the draws, of any value. */
int64_t backoff_ms(unsigned failures, uint64_t *jitter);

#endif
