#include "worker/backoff.h"

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

int64_t backoff_ms(unsigned failures, uint64_t *jitter) {
    int64_t wait = BACKOFF_FIRST_MS;
    for (unsigned i = 0; i < failures && wait < BACKOFF_MOST_MS; i++)
        wait *= 2;
    if (wait > BACKOFF_MOST_MS)
        wait = BACKOFF_MOST_MS;
    return wait / 2 + (int64_t)(draw(jitter) % (uint64_t)(wait / 2 + 1));
}
