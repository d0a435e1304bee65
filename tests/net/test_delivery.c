/* How one file is sent: rule by rule, and against a coordinator that loses, delays and forgets. */
#include "net/delivery_answer.h"

#include "core/backoff.h"
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 1000, PIECE = 300, SEED = 1 };

static struct delivery delivery;
static int64_t now;

static int set(void **state) {
    (void)state;
    now = 5000;
    delivery_init(&delivery, BYTES, SEED, now);
    return 0;
}

static struct delivery_action next_is(enum delivery_action_kind kind) {
    struct delivery_action action = delivery_next(&delivery, now);
    assert_int_equal(action.kind, kind);
    return action;
}

static void piece_is(int64_t offset, size_t length) {
    struct delivery_action action = next_is(DELIVERY_SEND);
    assert_int_equal(action.offset, offset);
    assert_int_equal(action.length, length);
}

static void take(enum delivery_event_kind kind) {
    const struct delivery_event event = {.kind = kind, .retry_ms = 100};
    delivery_take(&delivery, &event, now);
}

static void want(int64_t offset, unsigned credit) {
    const struct delivery_event event = {
        .kind = DELIVERY_WANT, .offset = offset, .credit = credit, .piece = PIECE};
    delivery_take(&delivery, &event, now);
}

/* Waits until just before it is to try again, then until then. */
static void it_is_offered_again_after_a_backoff(void) {
    struct delivery_action action = next_is(DELIVERY_WAIT);
    assert_true(action.until_ms > now && action.until_ms <= now + BACKOFF_MOST_MS);
    now = action.until_ms - 1;
    next_is(DELIVERY_WAIT);
    now++;
    next_is(DELIVERY_OFFER);
}

static void what_is_there_is_not_sent(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    next_is(DELIVERY_WAIT);
    take(DELIVERY_HAVE);
    next_is(DELIVERY_DONE);
}

static void as_many_pieces_are_under_way_as_there_is_credit(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    want(0, 2);
    piece_is(0, 300);
    piece_is(300, 300);
    next_is(DELIVERY_WAIT);
    want(300, 2);
    piece_is(600, 300);
    next_is(DELIVERY_WAIT);
    want(600, 2);
    piece_is(900, 100);
    want(900, 2);
    next_is(DELIVERY_WAIT);
    take(DELIVERY_SEALING);
    now += 99;
    next_is(DELIVERY_WAIT);
    now++;
    next_is(DELIVERY_OFFER);
    take(DELIVERY_HAVE);
    next_is(DELIVERY_DONE);
}

static void it_begins_where_it_is_wanted(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    want(950, 8);
    piece_is(950, 50);
    next_is(DELIVERY_WAIT);
}

static void another_offset_than_was_sent_means_offering_again(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    want(0, 4);
    piece_is(0, 300);
    piece_is(300, 300);
    want(0, 4); /* the first one was lost */
    it_is_offered_again_after_a_backoff();
    want(600, 4); /* and it was not, after all */
    piece_is(600, 300);
}

static void without_an_answer_it_is_offered_again(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    now += DELIVERY_ANSWER_MS;
    it_is_offered_again_after_a_backoff();
    want(0, 1);
    piece_is(0, 300);
    now += DELIVERY_ANSWER_MS - 1;
    next_is(DELIVERY_WAIT);
    now++;
    it_is_offered_again_after_a_backoff();
}

static void a_refusal_is_tried_again_and_the_end_of_the_attempt_is_not(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    take(DELIVERY_LATER);
    it_is_offered_again_after_a_backoff();
    take(DELIVERY_NEVER);
    next_is(DELIVERY_GIVEN_UP);
}

static void refusals_of_one_window_count_once(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    want(0, 4);
    for (int i = 0; i < 4; i++)
        next_is(DELIVERY_SEND);
    for (int i = 0; i < 4; i++)
        take(DELIVERY_LATER);
    assert_int_equal(delivery.failures, 1);
}

static void answers_that_make_no_sense_are_failures(void **state) {
    static const struct delivery_event events[] = {
        {.kind = DELIVERY_WANT, .offset = -1, .credit = 1, .piece = PIECE},
        {.kind = DELIVERY_WANT, .offset = BYTES + 1, .credit = 1, .piece = PIECE},
        {.kind = DELIVERY_WANT, .offset = 0, .credit = 0, .piece = PIECE},
        {.kind = DELIVERY_WANT, .offset = 0, .credit = 1, .piece = 0},
        {.kind = DELIVERY_WANT, .offset = 0, .credit = 1, .piece = INT64_MAX},
    };
    (void)state;
    next_is(DELIVERY_OFFER);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        delivery_take(&delivery, &events[i], now);
        it_is_offered_again_after_a_backoff();
    }
}

/* --- a simulated coordinator --- */

enum { CREDIT = 5, QUEUE = 64 };

/* What is on its way: requests to the coordinator, or its answers. */
struct way {
    struct delivery_event events[QUEUE]; /* of a request: offset; credit 0 for an offer */
    int64_t lengths[QUEUE], rounds[QUEUE];
    size_t count;
};

static void way_add(struct way *way, struct delivery_event event, int64_t length, int64_t round) {
    if (way->count == QUEUE)
        return; /* lost */
    way->events[way->count] = event;
    way->lengths[way->count] = length;
    way->rounds[way->count++] = round;
}

static void way_take(struct way *way) {
    way->count--;
    memmove(way->events, way->events + 1, way->count * sizeof way->events[0]);
    memmove(way->lengths, way->lengths + 1, way->count * sizeof way->lengths[0]);
    memmove(way->rounds, way->rounds + 1, way->count * sizeof way->rounds[0]);
}

/* The coordinator's rules (coordinator/uploads.c) for one request. */
static struct delivery_event serve(struct random_stream *draws,
                                   const struct delivery_event *request, int64_t length,
                                   int64_t *have, bool *known, bool *sealed) {
    struct delivery_event answer = {
        .kind = DELIVERY_WANT, .credit = CREDIT, .piece = PIECE, .retry_ms = 100};
    if (request->credit == 0) {
        *known = true;
        if (*have == BYTES && !*sealed && random_below(draws, 4) == 0)
            *have = 0; /* the sum was wrong */
        else if (*have == BYTES)
            *sealed = true;
    } else if (!*known) {
        answer.kind = DELIVERY_LATER;
        return answer;
    } else if (request->offset == *have) {
        *have += length;
    }
    answer.kind = *sealed ? DELIVERY_HAVE : *have == BYTES ? DELIVERY_SEALING : DELIVERY_WANT;
    answer.offset = *have;
    return answer;
}

/* Whatever is lost and forgotten on the way: in the end the file is there, and was sent in bounds.
 */
static void every_schedule_ends_with_the_file_there(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 2000; seed++) {
        struct random_stream draws;
        struct way there = {.count = 0}, back = {.count = 0};
        int64_t have = 0, round = 0;
        bool known = false, sealed = false;
        int steps = 0;
        random_open(&draws, seed, RANDOM_SHUFFLE, 0, 0);
        now = 0;
        delivery_init(&delivery, BYTES, seed, now);
        for (;; steps++) {
            struct delivery_action action = delivery_next(&delivery, now);
            if (action.kind == DELIVERY_DONE || steps > 100000)
                break;
            struct delivery_event request = {.credit = action.kind == DELIVERY_SEND,
                                             .offset = action.offset};
            if (action.kind == DELIVERY_OFFER)
                round++;
            if (action.kind != DELIVERY_WAIT && random_below(&draws, 20) > 0)
                way_add(&there, request, (int64_t)action.length, round);
            assert_true(delivery.under_way <= CREDIT);
            if (random_below(&draws, 50) == 0)
                known = false; /* it was started anew */
            if (there.count > 0 && random_below(&draws, 2) == 0) {
                struct delivery_event answer =
                    serve(&draws, &there.events[0], there.lengths[0], &have, &known, &sealed);
                if (random_below(&draws, 20) > 0)
                    way_add(&back, answer, 0, there.rounds[0]);
                way_take(&there);
            }
            if (back.count > 0 && random_below(&draws, 2) == 0) {
                if (back.rounds[0] >= round) /* by the request's number */
                    delivery_take(&delivery, &back.events[0], now);
                way_take(&back);
            }
            if (action.kind == DELIVERY_WAIT && there.count == 0 && back.count == 0)
                now = action.until_ms;
            else
                now++;
        }
        if (!sealed || steps > 100000)
            fail_msg("seed %u: not there after %d steps", seed, steps);
    }
}

static struct delivery_event answered(const char *name, const char *body) {
    struct wire_message message = {.body = cJSON_Parse(body)};
    snprintf(message.name, sizeof message.name, "%s", name);
    struct delivery_event event = delivery_answer(&message);
    wire_message_free(&message);
    return event;
}

static void an_answer_is_an_event_and_what_is_none_means_later(void **state) {
    (void)state;
    struct delivery_event want =
        answered("want", "{\"offset\": 5, \"credit\": 3, \"piece\": 262144}");
    assert_int_equal(want.kind, DELIVERY_WANT);
    assert_int_equal(want.offset, 5);
    assert_int_equal(want.credit, 3);
    assert_int_equal(want.piece, 262144);
    assert_int_equal(answered("have", "{}").kind, DELIVERY_HAVE);
    struct delivery_event sealing = answered("sealing", "{\"retry_ms\": 100}");
    assert_int_equal(sealing.kind, DELIVERY_SEALING);
    assert_int_equal(sealing.retry_ms, 100);
    assert_int_equal(answered("error", "{\"code\": \"fenced\"}").kind, DELIVERY_LATER);
    assert_int_equal(answered("beat", "{}").kind, DELIVERY_LATER);
}

/* On a slow link pieces that wait behind others are not late. */
static void an_answer_begins_the_wait_for_the_next_one(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    want(0, 2);
    piece_is(0, 300);
    piece_is(300, 300);
    now += DELIVERY_ANSWER_MS - 1;
    want(300, 2);
    piece_is(600, 300);
    now += DELIVERY_ANSWER_MS - 1;
    assert_int_equal(next_is(DELIVERY_WAIT).until_ms, now + 1);
    now++;
    it_is_offered_again_after_a_backoff();
}

static void the_wait_for_an_answer_begins_with_the_first_of_what_is_asked(void **state) {
    (void)state;
    now += DELIVERY_ANSWER_MS; /* it had to wait for its turn */
    next_is(DELIVERY_OFFER);
    assert_int_equal(next_is(DELIVERY_WAIT).until_ms, now + DELIVERY_ANSWER_MS);
    want(0, 2);
    now += DELIVERY_ANSWER_MS; /* the disk is slow */
    piece_is(0, PIECE);
    now += 100;
    piece_is(PIECE, PIECE);
    assert_int_equal(next_is(DELIVERY_WAIT).until_ms, now - 100 + DELIVERY_ANSWER_MS);
}

static void where_nothing_is_left_to_send_it_is_offered_again(void **state) {
    (void)state;
    next_is(DELIVERY_OFFER);
    want(BYTES, 1);
    next_is(DELIVERY_OFFER);
    take(DELIVERY_HAVE);
    next_is(DELIVERY_DONE);
}

static void a_piece_that_arrives_forgives_the_failures(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        next_is(DELIVERY_OFFER);
        take(DELIVERY_LATER);
        now = next_is(DELIVERY_WAIT).until_ms;
    }
    next_is(DELIVERY_OFFER);
    want(0, 1);
    piece_is(0, 300);
    want(300, 1);
    piece_is(300, 300);
    take(DELIVERY_LATER);
    assert_true(next_is(DELIVERY_WAIT).until_ms <= now + BACKOFF_FIRST_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_there_is_not_sent, set),
        cmocka_unit_test_setup(as_many_pieces_are_under_way_as_there_is_credit, set),
        cmocka_unit_test_setup(it_begins_where_it_is_wanted, set),
        cmocka_unit_test_setup(another_offset_than_was_sent_means_offering_again, set),
        cmocka_unit_test_setup(without_an_answer_it_is_offered_again, set),
        cmocka_unit_test_setup(a_refusal_is_tried_again_and_the_end_of_the_attempt_is_not, set),
        cmocka_unit_test_setup(refusals_of_one_window_count_once, set),
        cmocka_unit_test_setup(answers_that_make_no_sense_are_failures, set),
        cmocka_unit_test_setup(an_answer_begins_the_wait_for_the_next_one, set),
        cmocka_unit_test_setup(the_wait_for_an_answer_begins_with_the_first_of_what_is_asked, set),
        cmocka_unit_test_setup(where_nothing_is_left_to_send_it_is_offered_again, set),
        cmocka_unit_test_setup(a_piece_that_arrives_forgives_the_failures, set),
        cmocka_unit_test(every_schedule_ends_with_the_file_there),
        cmocka_unit_test(an_answer_is_an_event_and_what_is_none_means_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
