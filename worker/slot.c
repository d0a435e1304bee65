#include "worker/slot.h"

#include "core/backoff.h"
#include "core/error.h"

#include <sys/wait.h>

void slot_started(struct slot *slot, int64_t now_ms) {
    slot->state = SLOT_RUNS;
    slot->start_ms = now_ms;
}

static void over(struct slot *slot, int code) {
    slot->state = SLOT_OVER;
    slot->code = code;
}

void slot_ended(struct slot *slot, int status, bool leaving, int64_t now_ms, uint64_t *jitter) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : ERROR_FAILED;
    if (code != ERROR_FAILED || leaving) {
        over(slot, code);
        return;
    }
    if (now_ms - slot->start_ms >= SLOT_LIFE_MS)
        slot->failures = 0;
    slot->start_ms = now_ms + backoff_ms(&BACKOFF_LINK, slot->failures++, jitter);
    slot->state = SLOT_DUE;
    if (slot->failures == SLOT_TRIES)
        over(slot, code);
}

void slot_leave(struct slot *slot) {
    if (slot->state == SLOT_DUE)
        over(slot, 0);
}

void slot_cores(size_t index, size_t count, size_t cores, size_t *first, size_t *many) {
    if (cores < count) {
        *first = index % cores;
        *many = 1;
    } else {
        *first = index * cores / count;
        *many = (index + 1) * cores / count - *first;
    }
}
