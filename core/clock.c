#include "core/clock.h"

#include <time.h>

static int64_t milliseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_unix_ms(void) {
    return milliseconds(CLOCK_REALTIME);
}

int64_t clock_steady_ms(void) {
    return milliseconds(CLOCK_MONOTONIC);
}

long clock_poll_ms(int64_t until_ms) {
    int64_t left_ms = until_ms - clock_steady_ms();
    return left_ms <= 0 ? 0 : left_ms < CLOCK_POLL_MS_MAX ? (long)left_ms : CLOCK_POLL_MS_MAX;
}

double clock_steady_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
