/* pickup: what comes next in fetching one file from the coordinator, as a pure state machine over
 * (state, event, now): delivery.h the other way round.
 *
 * One piece is asked for at a time, from where the file is whole so far. Whatever does not go as it
 * should (no answer in time, another piece than was asked for, a refusal) has one remedy: after a
 * backoff it is asked for again. In time is PICKUP_ANSWER_MS, and after every time that was too
 * short twice as long, up to 16 times: a slow link must carry a piece before it is asked for again.
 * When all is there the caller checks its sum.
 */
#ifndef ASSAY_NET_PICKUP_H
#define ASSAY_NET_PICKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PICKUP_ANSWER_MS = 10000, PICKUP_LONGER_MOST = 4, PICKUP_WRONG_MOST = 3 };

enum pickup_event_kind {
    PICKUP_PIECE,  /* offset, length, bytes of the whole file */
    PICKUP_GONE,   /* the coordinator does not have it */
    PICKUP_LATER,  /* refused, or not understood: try again after a backoff */
    PICKUP_UNSENT, /* there is no connection */
};

struct pickup_event {
    enum pickup_event_kind kind;
    int64_t offset, bytes;
    size_t length;
};

enum pickup_action_kind {
    PICKUP_WAIT,  /* until until_ms or an event */
    PICKUP_ASK,   /* for the piece at `offset`; answers to what was asked before do not count */
    PICKUP_CHECK, /* all has come: pickup_checked is next */
    PICKUP_DONE,
    PICKUP_GIVEN_UP, /* it is not to be had: gone, or wrong every time */
};

struct pickup_action {
    enum pickup_action_kind kind;
    int64_t offset, until_ms;
};

struct pickup {
    int64_t bytes; /* of the whole; -1 until an answer says */
    bool told;     /* an answer has said */
    int64_t have;
    bool asked, checked, given_up;
    int64_t hold_until_ms, heard_ms;
    unsigned failures, wrong, longer; /* longer: doublings of the wait for an answer */
    uint64_t jitter;
};

/* bytes: -1 when it is not known; have: what came of it before. */
void pickup_init(struct pickup *pickup, int64_t bytes, int64_t have, uint64_t seed, int64_t now_ms);
/* The answer to what was asked last. True when the piece is to be written, at its offset. */
bool pickup_take(struct pickup *pickup, const struct pickup_event *event, int64_t now_ms);
/* What PICKUP_CHECK came to. What is wrong begins again from nothing, PICKUP_WRONG_MOST times, and
 * so does what an answer calls of another size than the one before it. */
void pickup_checked(struct pickup *pickup, bool right, int64_t now_ms);
struct pickup_action pickup_next(struct pickup *pickup, int64_t now_ms);

#endif
