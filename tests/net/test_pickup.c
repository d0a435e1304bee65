/* One file on its way from the coordinator: what is asked for when. */
#include "net/pickup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect_ask(struct pickup *pickup, int64_t now_ms, int64_t offset) {
    struct pickup_action action = pickup_next(pickup, now_ms);
    assert_int_equal(action.kind, PICKUP_ASK);
    assert_int_equal(action.offset, offset);
}

static bool piece(struct pickup *pickup, int64_t offset, size_t length, int64_t bytes) {
    const struct pickup_event event = {
        .kind = PICKUP_PIECE, .offset = offset, .length = length, .bytes = bytes};
    return pickup_take(pickup, &event, 0);
}

/* Waits out the backoff; returns when the next thing may be done. */
static int64_t after_backoff(struct pickup *pickup, int64_t now_ms) {
    struct pickup_action action = pickup_next(pickup, now_ms);
    assert_int_equal(action.kind, PICKUP_WAIT);
    assert_true(action.until_ms > now_ms);
    return action.until_ms;
}

static void pieces_are_asked_for_until_the_whole_is_there(void **state) {
    struct pickup pickup;
    (void)state;
    pickup_init(&pickup, -1, 0, 1, 0);
    expect_ask(&pickup, 0, 0);
    assert_int_equal(pickup_next(&pickup, 0).kind, PICKUP_WAIT);
    assert_true(piece(&pickup, 0, 6, 10));
    expect_ask(&pickup, 0, 6);
    assert_true(piece(&pickup, 6, 4, 10));
    assert_int_equal(pickup_next(&pickup, 0).kind, PICKUP_CHECK);
    pickup_checked(&pickup, true, 0);
    assert_int_equal(pickup_next(&pickup, 0).kind, PICKUP_DONE);
}

static void what_came_before_is_gone_on_with(void **state) {
    struct pickup pickup;
    (void)state;
    pickup_init(&pickup, -1, 6, 1, 0);
    expect_ask(&pickup, 0, 6);
}

static void another_piece_than_was_asked_for_is_not_written(void **state) {
    static const struct {
        int64_t offset, bytes;
        size_t length;
    } wrong[] = {{0, 10, 4}, {6, 11, 4}, {6, 10, 5}, {6, 10, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct pickup pickup;
        pickup_init(&pickup, 10, 6, 1, 0);
        expect_ask(&pickup, 0, 6);
        assert_false(piece(&pickup, wrong[i].offset, wrong[i].length, wrong[i].bytes));
        expect_ask(&pickup, after_backoff(&pickup, 0), 6);
    }
}

static void an_answer_that_nobody_waits_for_is_not_written(void **state) {
    struct pickup pickup;
    (void)state;
    pickup_init(&pickup, 10, 0, 1, 0);
    assert_false(piece(&pickup, 0, 10, 10));
    expect_ask(&pickup, 0, 0);
}

static void without_an_answer_it_is_asked_again(void **state) {
    struct pickup pickup;
    (void)state;
    pickup_init(&pickup, 10, 0, 1, 0);
    expect_ask(&pickup, 0, 0);
    assert_int_equal(pickup_next(&pickup, PICKUP_ANSWER_MS - 1).kind, PICKUP_WAIT);
    expect_ask(&pickup, after_backoff(&pickup, PICKUP_ANSWER_MS), 0);
}

/* As over a link that takes a minute for a piece. */
static void what_takes_longer_than_is_waited_for_comes_once_the_wait_has_doubled(void **state) {
    struct pickup pickup;
    int64_t asked_ms = 0;
    (void)state;
    pickup_init(&pickup, 20, 0, 1, 0);
    for (int64_t wait_ms = PICKUP_ANSWER_MS; wait_ms < 60000; wait_ms *= 2) {
        expect_ask(&pickup, asked_ms, 0);
        assert_int_equal(pickup_next(&pickup, asked_ms + wait_ms - 1).kind, PICKUP_WAIT);
        asked_ms = after_backoff(&pickup, asked_ms + wait_ms);
    }
    expect_ask(&pickup, asked_ms, 0);
    assert_int_equal(pickup_next(&pickup, asked_ms + 60000).kind, PICKUP_WAIT);
    assert_true(piece(&pickup, 0, 10, 20));
    expect_ask(&pickup, asked_ms + 60000, 10);
    assert_int_equal(pickup_next(&pickup, asked_ms + 120000).kind, PICKUP_WAIT);
}

static void another_size_than_was_told_begins_again_and_is_given_up_in_the_end(void **state) {
    struct pickup pickup;
    int64_t now_ms = 0;
    (void)state;
    pickup_init(&pickup, -1, 0, 1, 0);
    for (int i = 1; i < PICKUP_WRONG_MOST; i++) {
        expect_ask(&pickup, now_ms, 0);
        assert_true(piece(&pickup, 0, 4, 10 + i));
        expect_ask(&pickup, now_ms, 4);
        assert_false(piece(&pickup, 4, 4, 10));
        now_ms = after_backoff(&pickup, 0);
    }
    expect_ask(&pickup, now_ms, 0);
    assert_true(piece(&pickup, 0, 4, 10));
    expect_ask(&pickup, now_ms, 4);
    assert_false(piece(&pickup, 4, 4, 11));
    assert_int_equal(pickup_next(&pickup, now_ms).kind, PICKUP_GIVEN_UP);
}

static void what_is_gone_is_given_up(void **state) {
    const struct pickup_event gone = {.kind = PICKUP_GONE};
    struct pickup pickup;
    (void)state;
    pickup_init(&pickup, -1, 0, 1, 0);
    expect_ask(&pickup, 0, 0);
    assert_false(pickup_take(&pickup, &gone, 0));
    assert_int_equal(pickup_next(&pickup, 0).kind, PICKUP_GIVEN_UP);
}

static void what_is_wrong_begins_again_and_is_given_up_in_the_end(void **state) {
    struct pickup pickup;
    int64_t now_ms = 0;
    (void)state;
    pickup_init(&pickup, -1, 0, 1, 0);
    for (int i = 1; i <= PICKUP_WRONG_MOST; i++) {
        expect_ask(&pickup, now_ms, 0);
        assert_true(piece(&pickup, 0, 3, 3));
        assert_int_equal(pickup_next(&pickup, now_ms).kind, PICKUP_CHECK);
        pickup_checked(&pickup, false, now_ms);
        if (i < PICKUP_WRONG_MOST)
            now_ms = after_backoff(&pickup, now_ms);
    }
    assert_int_equal(pickup_next(&pickup, now_ms).kind, PICKUP_GIVEN_UP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_asked_for_until_the_whole_is_there),
        cmocka_unit_test(what_came_before_is_gone_on_with),
        cmocka_unit_test(another_piece_than_was_asked_for_is_not_written),
        cmocka_unit_test(an_answer_that_nobody_waits_for_is_not_written),
        cmocka_unit_test(without_an_answer_it_is_asked_again),
        cmocka_unit_test(what_takes_longer_than_is_waited_for_comes_once_the_wait_has_doubled),
        cmocka_unit_test(another_size_than_was_told_begins_again_and_is_given_up_in_the_end),
        cmocka_unit_test(what_is_gone_is_given_up),
        cmocka_unit_test(what_is_wrong_begins_again_and_is_given_up_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
