/* delivery: what comes next in sending one file to the coordinator, as a pure state machine over
 * (state, event, now), like worker/duty.h.
 *
 * The file is offered until the coordinator has it. While it is wanted its pieces are sent in
 * order, as many at a time as there is credit. Whatever does not go as it should (no answer for
 * DELIVERY_ANSWER_MS, another offset wanted than was sent, a refusal) has one remedy: after a
 * backoff it is offered again, and the answer says where to go on. Times are milliseconds of any
 * clock that does not go back.
 */
#ifndef ASSAY_NET_DELIVERY_H
#define ASSAY_NET_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DELIVERY_ANSWER_MS = 10000 };

enum delivery_event_kind {
    DELIVERY_HAVE,    /* it is there */
    DELIVERY_WANT,    /* offset, credit, piece */
    DELIVERY_SEALING, /* retry_ms */
    DELIVERY_LATER,   /* refused, or not understood: try again after a backoff */
    DELIVERY_NEVER,   /* it will not be taken: the attempt is over */
    DELIVERY_UNSENT,  /* there is no connection */
};

struct delivery_event {
    enum delivery_event_kind kind;
    int64_t offset, piece, retry_ms;
    unsigned credit;
};

enum delivery_action_kind {
    DELIVERY_WAIT,  /* until until_ms or an event */
    DELIVERY_OFFER, /* answers to what was sent before count no more */
    DELIVERY_SEND,  /* the piece of `length` bytes at `offset` */
    DELIVERY_DONE,
    DELIVERY_GIVEN_UP,
};

struct delivery_action {
    enum delivery_action_kind kind;
    int64_t offset, until_ms;
    size_t length;
};

struct delivery {
    int64_t bytes;
    bool offered; /* and no answer yet */
    bool sending; /* it is wanted, and nothing has gone wrong */
    bool over;
    enum delivery_action_kind end;   /* once over */
    int64_t next, acknowledged;      /* offsets: of the piece to send, of the first not written */
    int64_t piece;                   /* bytes of a piece */
    unsigned credit, under_way;      /* pieces */
    int64_t hold_until_ms, heard_ms; /* heard: when something came or was asked last */
    unsigned failures;               /* since something went well */
    uint64_t jitter;
};

void delivery_init(struct delivery *delivery, int64_t bytes, uint64_t seed, int64_t now_ms);
/* An answer to the offer or to the oldest piece under way, or that nothing could be sent. */
void delivery_take(struct delivery *delivery, const struct delivery_event *event, int64_t now_ms);
/* What to do now; the state already counts it as done. */
struct delivery_action delivery_next(struct delivery *delivery, int64_t now_ms);

#endif
