#include "net/delivery.h"

#include "core/backoff.h"
#include "core/wire.h"

#include <string.h>

enum { CREDIT_MOST = 64 };

void delivery_init(struct delivery *delivery, int64_t bytes, uint64_t seed, int64_t now_ms) {
    *delivery = (struct delivery){
        .bytes = bytes, .jitter = seed, .hold_until_ms = now_ms, .heard_ms = now_ms};
}

/* From the offer on again, after `wait_ms`. */
static void begin_again(struct delivery *delivery, int64_t wait_ms, int64_t now_ms) {
    delivery->offered = false;
    delivery->sending = false;
    delivery->under_way = 0;
    delivery->hold_until_ms = now_ms + wait_ms;
}

static void fail(struct delivery *delivery, int64_t now_ms) {
    begin_again(delivery, backoff_ms(&BACKOFF_LINK, delivery->failures++, &delivery->jitter),
                now_ms);
}

static void end(struct delivery *delivery, enum delivery_action_kind how) {
    delivery->over = true;
    delivery->end = how;
}

static void take_want(struct delivery *delivery, const struct delivery_event *event,
                      int64_t now_ms) {
    if (event->offset < 0 || event->offset > delivery->bytes || event->piece < 1 ||
        event->piece > WIRE_BYTES_MAX || event->credit < 1) {
        fail(delivery, now_ms);
    } else if (delivery->offered) {
        delivery->offered = false;
        delivery->sending = true;
        delivery->next = delivery->acknowledged = event->offset;
        delivery->piece = event->piece;
        delivery->credit = event->credit < CREDIT_MOST ? event->credit : CREDIT_MOST;
    } else if (delivery->under_way > 0) {
        int64_t left = delivery->bytes - delivery->acknowledged;
        int64_t sent = left < delivery->piece ? left : delivery->piece;
        delivery->under_way--;
        delivery->acknowledged += sent;
        if (event->offset == delivery->acknowledged)
            delivery->failures = 0;
        else
            fail(delivery, now_ms);
    }
}

void delivery_take(struct delivery *delivery, const struct delivery_event *event, int64_t now_ms) {
    bool asked = delivery->offered || delivery->under_way > 0;
    if (delivery->over || (!asked && event->kind != DELIVERY_UNSENT))
        return; /* late: something went wrong since, and it is offered again anyway */
    delivery->heard_ms = now_ms;
    switch (event->kind) {
    case DELIVERY_HAVE: end(delivery, DELIVERY_DONE); break;
    case DELIVERY_NEVER: end(delivery, DELIVERY_GIVEN_UP); break;
    case DELIVERY_WANT: take_want(delivery, event, now_ms); break;
    case DELIVERY_SEALING:
        delivery->failures = 0;
        begin_again(delivery, event->retry_ms, now_ms);
        break;
    case DELIVERY_LATER:
    case DELIVERY_UNSENT: fail(delivery, now_ms); break;
    }
}

static struct delivery_action offer(struct delivery *delivery, int64_t now_ms) {
    delivery->offered = true;
    delivery->heard_ms = now_ms;
    return (struct delivery_action){.kind = DELIVERY_OFFER};
}

static struct delivery_action send_piece(struct delivery *delivery, int64_t now_ms) {
    int64_t left = delivery->bytes - delivery->next;
    struct delivery_action action = {
        .kind = DELIVERY_SEND,
        .offset = delivery->next,
        .length = (size_t)(left < delivery->piece ? left : delivery->piece),
    };
    if (delivery->under_way == 0)
        delivery->heard_ms = now_ms;
    delivery->next += (int64_t)action.length;
    delivery->under_way++;
    return action;
}

struct delivery_action delivery_next(struct delivery *delivery, int64_t now_ms) {
    if (delivery->over)
        return (struct delivery_action){.kind = delivery->end};
    bool waiting = delivery->offered || delivery->under_way > 0;
    if (waiting && now_ms >= delivery->heard_ms + DELIVERY_ANSWER_MS)
        fail(delivery, now_ms);
    if (!delivery->offered && !delivery->sending) {
        if (now_ms >= delivery->hold_until_ms)
            return offer(delivery, now_ms);
        return (struct delivery_action){.kind = DELIVERY_WAIT, .until_ms = delivery->hold_until_ms};
    }
    if (delivery->sending && delivery->next < delivery->bytes &&
        delivery->under_way < delivery->credit)
        return send_piece(delivery, now_ms);
    if (delivery->sending && delivery->under_way == 0) /* all was sent, nothing said of it */
        return offer(delivery, now_ms);
    return (struct delivery_action){.kind = DELIVERY_WAIT,
                                    .until_ms = delivery->heard_ms + DELIVERY_ANSWER_MS};
}
