#include "net/pickup.h"

#include "core/backoff.h"

void pickup_init(struct pickup *pickup, int64_t bytes, int64_t have, uint64_t seed,
                 int64_t now_ms) {
    *pickup = (struct pickup){.bytes = bytes,
                              .have = bytes >= 0 && have > bytes ? 0 : have,
                              .jitter = seed,
                              .hold_until_ms = now_ms};
}

static void fail(struct pickup *pickup, int64_t now_ms) {
    pickup->asked = false;
    pickup->hold_until_ms = now_ms + backoff_ms(&BACKOFF_LINK, pickup->failures++, &pickup->jitter);
}

/* What came is of another file: from nothing again, so many times. */
static void begin_again(struct pickup *pickup) {
    pickup->have = 0;
    if (pickup->told)
        pickup->bytes = -1;
    pickup->told = false;
    pickup->given_up = ++pickup->wrong == PICKUP_WRONG_MOST;
}

/* A file that is shorter than what came of it before is another one, and so is one that an earlier
 * answer has called longer or shorter. */
static bool take_piece(struct pickup *pickup, const struct pickup_event *event) {
    int64_t length = (int64_t)event->length;
    if (pickup->told && event->bytes != pickup->bytes) {
        begin_again(pickup);
        return false;
    }
    if (event->offset != pickup->have || length < 1 ||
        (pickup->bytes >= 0 && event->bytes != pickup->bytes) ||
        length > event->bytes - event->offset)
        return false;
    pickup->told = pickup->told || pickup->bytes < 0;
    pickup->bytes = event->bytes;
    pickup->have += length;
    pickup->failures = 0;
    return true;
}

bool pickup_take(struct pickup *pickup, const struct pickup_event *event, int64_t now_ms) {
    if (!pickup->asked && event->kind != PICKUP_UNSENT)
        return false;
    pickup->asked = false;
    if (event->kind == PICKUP_PIECE && take_piece(pickup, event))
        return true;
    if (event->kind == PICKUP_GONE)
        pickup->given_up = true;
    else
        fail(pickup, now_ms);
    return false;
}

void pickup_checked(struct pickup *pickup, bool right, int64_t now_ms) {
    pickup->checked = right;
    if (right)
        return;
    begin_again(pickup);
    fail(pickup, now_ms);
}

static int64_t answer_by_ms(const struct pickup *pickup) {
    return pickup->heard_ms + ((int64_t)PICKUP_ANSWER_MS << pickup->longer);
}

struct pickup_action pickup_next(struct pickup *pickup, int64_t now_ms) {
    if (pickup->checked || pickup->given_up)
        return (struct pickup_action){.kind = pickup->checked ? PICKUP_DONE : PICKUP_GIVEN_UP};
    if (pickup->asked && now_ms >= answer_by_ms(pickup)) {
        pickup->longer += pickup->longer < PICKUP_LONGER_MOST;
        fail(pickup, now_ms);
    }
    if (pickup->asked)
        return (struct pickup_action){.kind = PICKUP_WAIT, .until_ms = answer_by_ms(pickup)};
    if (pickup->have == pickup->bytes)
        return (struct pickup_action){.kind = PICKUP_CHECK};
    if (now_ms < pickup->hold_until_ms)
        return (struct pickup_action){.kind = PICKUP_WAIT, .until_ms = pickup->hold_until_ms};
    pickup->asked = true;
    pickup->heard_ms = now_ms;
    return (struct pickup_action){.kind = PICKUP_ASK, .offset = pickup->have};
}
