#include "core/backoff.h"

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

int64_t backoff_ms(const struct backoff *backoff, uint64_t failures, uint64_t *jitter) {
    int64_t wait = backoff->first_ms;
    for (uint64_t i = 0; i < failures && wait < backoff->most_ms; i++)
        wait *= backoff->times;
    if (wait > backoff->most_ms)
        wait = backoff->most_ms;
    return wait / 2 + (int64_t)(draw(jitter) % (uint64_t)(wait / 2 + 1));
}
