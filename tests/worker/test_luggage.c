/* When the end of a run is told although its files have not arrived. */
#include "worker/luggage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW = 5000 };

static const struct luggage_state on_its_way = {
    .waiting = 2, .counts = true, .done = true, .welcome = true};

static enum luggage_end at(const struct luggage_state *state, int64_t *until_ms, int64_t now_ms) {
    return luggage_end(state, until_ms, now_ms);
}

/* What is said when it has been waited for long enough; until then it is waited. */
static enum luggage_end after_all_patience(const struct luggage_state *state) {
    int64_t until_ms = 0;
    assert_int_equal(at(state, &until_ms, NOW), LUGGAGE_WAIT);
    assert_int_equal(until_ms, NOW + LUGGAGE_PATIENCE_MS);
    assert_int_equal(at(state, &until_ms, until_ms - 1), LUGGAGE_WAIT);
    return at(state, &until_ms, until_ms);
}

static void a_run_that_is_done_waits_for_its_files_for_ever(void **state) {
    int64_t until_ms = 0;
    (void)state;
    assert_int_equal(at(&on_its_way, &until_ms, INT64_MAX), LUGGAGE_WAIT);
    struct luggage_state away = on_its_way;
    away.welcome = false;
    assert_int_equal(at(&away, &until_ms, INT64_MAX), LUGGAGE_WAIT);
    struct luggage_state arrived = on_its_way;
    arrived.waiting = 0;
    assert_int_equal(at(&arrived, &until_ms, NOW), LUGGAGE_TELL);
}

static void a_run_of_others_waits_for_nothing(void **state) {
    struct luggage_state revoked = on_its_way;
    int64_t until_ms = 0;
    (void)state;
    revoked.counts = false;
    assert_int_equal(at(&revoked, &until_ms, NOW), LUGGAGE_TELL);
}

static void a_worker_that_leaves_gives_a_run_back_whose_files_are_not_there(void **state) {
    struct luggage_state leaving = on_its_way;
    int64_t until_ms = 0;
    (void)state;
    leaving.leaving = true;
    assert_int_equal(after_all_patience(&leaving), LUGGAGE_GIVE_BACK);
    leaving.welcome = false; /* nobody takes them: at once */
    assert_int_equal(at(&leaving, &until_ms, NOW), LUGGAGE_GIVE_BACK);
}

static void without_room_a_run_is_done_all_the_same(void **state) {
    struct luggage_state refused = on_its_way;
    (void)state;
    refused.refused = true;
    assert_int_equal(after_all_patience(&refused), LUGGAGE_TELL);
}

/* Room that lacked for a moment does not take from the patience with what lacks an hour later; and
 * who waits for it in between is not to wake up for what is over. */
static void patience_begins_anew_after_all_went_well(void **state) {
    struct luggage_state refused = on_its_way;
    int64_t until_ms = 0;
    (void)state;
    refused.refused = true;
    assert_int_equal(at(&refused, &until_ms, NOW), LUGGAGE_WAIT);
    assert_int_equal(at(&on_its_way, &until_ms, NOW + 1), LUGGAGE_WAIT);
    assert_int_equal(until_ms, 0);
    const int64_t later_ms = NOW + 180 * LUGGAGE_PATIENCE_MS;
    assert_int_equal(at(&refused, &until_ms, later_ms), LUGGAGE_WAIT);
    assert_int_equal(until_ms, later_ms + LUGGAGE_PATIENCE_MS);
}

static void a_run_that_stopped_or_failed_waits_a_while(void **state) {
    struct luggage_state failed = on_its_way;
    (void)state;
    failed.done = false;
    assert_int_equal(after_all_patience(&failed), LUGGAGE_TELL);
}

static void a_worker_that_ends_when_idle_does_not_wait_for_a_coordinator_for_ever(void **state) {
    struct luggage_state away = on_its_way;
    (void)state;
    away.welcome = false;
    away.may_idle = true;
    assert_int_equal(after_all_patience(&away), LUGGAGE_GIVE_BACK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_is_done_waits_for_its_files_for_ever),
        cmocka_unit_test(a_run_of_others_waits_for_nothing),
        cmocka_unit_test(a_worker_that_leaves_gives_a_run_back_whose_files_are_not_there),
        cmocka_unit_test(without_room_a_run_is_done_all_the_same),
        cmocka_unit_test(patience_begins_anew_after_all_went_well),
        cmocka_unit_test(a_run_that_stopped_or_failed_waits_a_while),
        cmocka_unit_test(a_worker_that_ends_when_idle_does_not_wait_for_a_coordinator_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
