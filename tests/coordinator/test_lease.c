#include "coordinator/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct lease queued(int64_t max_attempts) {
    return (struct lease){.state = LEASE_QUEUED, .max_attempts = max_attempts};
}

static struct lease granted(int64_t max_attempts) {
    struct lease lease = queued(max_attempts);
    assert_true(lease_grant(&lease, "w", 1000, 500));
    return lease;
}

static void a_grant_makes_a_new_attempt_with_a_whole_lease(void **state) {
    (void)state;
    struct lease lease = granted(3);
    assert_int_equal(lease.state, LEASE_RUNNING);
    assert_int_equal(lease.attempt, 1);
    assert_string_equal(lease.worker, "w");
    assert_false(lease_expired(&lease, 1499));
    assert_true(lease_expired(&lease, 1500));
}

static void only_the_holder_at_its_attempt_holds_it(void **state) {
    (void)state;
    struct lease lease = granted(3);
    assert_true(lease_held_by(&lease, "w", 1));
    assert_false(lease_held_by(&lease, "w", 0));
    assert_false(lease_held_by(&lease, "w", 2));
    assert_false(lease_held_by(&lease, "v", 1));
    lease_give_back(&lease);
    assert_false(lease_held_by(&lease, "w", 1));
}

static void what_runs_is_not_granted_again(void **state) {
    (void)state;
    struct lease lease = granted(3), before = lease;
    assert_false(lease_grant(&lease, "v", 2000, 500));
    assert_memory_equal(&lease, &before, sizeof lease);
}

static void renewing_lengthens_and_never_shortens(void **state) {
    (void)state;
    struct lease lease = granted(3);
    lease_renew(&lease, 1400, 500);
    assert_false(lease_expired(&lease, 1899));
    lease_renew(&lease, 1000, 500);
    assert_int_equal(lease.until_ms, 1900);
}

static void progress_forgives_the_failures_before_it(void **state) {
    (void)state;
    struct lease lease = granted(2);
    assert_true(lease_fail(&lease, true));
    assert_true(lease_grant(&lease, "w", 2000, 500));
    lease_progress(&lease);
    assert_true(lease_fail(&lease, true));
    assert_int_equal(lease.state, LEASE_QUEUED);
    assert_true(lease_grant(&lease, "w", 3000, 500));
    assert_true(lease_fail(&lease, true));
    assert_int_equal(lease.state, LEASE_FAILED);
}

/* How long it rests after so many failures in a row. */
static int64_t rest_after(int64_t failures, int64_t experiment) {
    struct lease lease = queued(1000);
    for (int64_t i = 0; i < failures; i++) {
        assert_true(lease_grant(&lease, "w", 0, 10));
        assert_int_equal(lease.rest_until_ms, 0);
        assert_true(lease_fail(&lease, true));
        lease_rest(&lease, experiment, 5000);
    }
    return lease.rest_until_ms - 5000;
}

static void what_fails_again_rests_longer_up_to_five_minutes(void **state) {
    (void)state;
    static const int64_t most_ms[] = {2000, 8000, 32000, 128000, 300000, 300000};
    bool differ = false;
    for (int64_t i = 0; i < 6; i++)
        assert_in_range(rest_after(i + 1, 7), most_ms[i] / 2, most_ms[i]);
    assert_in_range(rest_after(900, 7), 150000, 300000);
    for (int64_t id = 1; id <= 10; id++)
        differ = differ || rest_after(1, id) != rest_after(1, 7);
    assert_true(differ);                                  /* they do not all come back at once */
    assert_int_equal(rest_after(3, 7), rest_after(3, 7)); /* and the same again */
}

static void what_its_worker_could_not_do_counts_as_no_failure_and_rests(void **state) {
    (void)state;
    struct lease lease = granted(1);
    assert_true(lease_hinder(&lease));
    lease_rest(&lease, 7, 5000);
    assert_int_equal(lease.state, LEASE_QUEUED);
    assert_int_equal(lease.failures, 0);
    assert_in_range(lease.rest_until_ms, 6000, 7000);
    assert_true(lease_grant(&lease, "w", 9000, 10));
    lease_progress(&lease);
    assert_true(lease_give_back(&lease));
    lease_rest(&lease, 7, 5000); /* nothing to rest from */
    assert_int_equal(lease.rest_until_ms, 0);
}

static void what_is_queued_does_not_expire(void **state) {
    (void)state;
    struct lease lease = queued(3);
    lease_renew(&lease, 0, 10);
    assert_false(lease_expired(&lease, INT64_MAX));
}

static void a_failure_goes_back_to_the_queue_until_the_last(void **state) {
    (void)state;
    struct lease lease = queued(3);
    for (int64_t failure = 1; failure <= 3; failure++) {
        assert_true(lease_grant(&lease, "w", 0, 10));
        assert_int_equal(lease.attempt, failure);
        assert_true(lease_fail(&lease, true));
        assert_int_equal(lease.failures, failure);
        assert_int_equal(lease.state, failure < 3 ? LEASE_QUEUED : LEASE_FAILED);
    }
    assert_string_equal(lease.worker, "w"); /* who had it last */
    assert_false(lease_grant(&lease, "w", 0, 10));
}

static void a_failure_that_would_come_again_is_the_last(void **state) {
    (void)state;
    struct lease lease = granted(3);
    assert_true(lease_fail(&lease, false));
    assert_int_equal(lease.state, LEASE_FAILED);
    assert_int_equal(lease.failures, 1);
}

static void giving_back_costs_nothing_but_the_attempt_number(void **state) {
    (void)state;
    struct lease lease = queued(1);
    for (int64_t i = 1; i <= 100; i++) {
        assert_true(lease_grant(&lease, "w", 0, 10));
        assert_true(lease_give_back(&lease));
        assert_int_equal(lease.state, LEASE_QUEUED);
        assert_string_equal(lease.worker, "");
        assert_int_equal(lease.attempt, i);
        assert_int_equal(lease.failures, 0);
    }
}

static void final_states_are_final(void **state) {
    (void)state;
    for (int end = 0; end < 3; end++) {
        struct lease lease = granted(1);
        if (end == 0)
            lease_finish(&lease);
        else if (end == 1)
            lease_fail(&lease, true);
        else
            lease_cancel(&lease);
        assert_true(lease_final(&lease));
        struct lease before = lease;
        assert_false(lease_grant(&lease, "w", 0, 10));
        assert_false(lease_finish(&lease));
        assert_false(lease_fail(&lease, true));
        assert_false(lease_give_back(&lease));
        assert_false(lease_hinder(&lease));
        assert_false(lease_cancel(&lease));
        lease_renew(&lease, 1 << 20, 10);
        assert_memory_equal(&lease, &before, sizeof lease);
    }
}

static void only_what_runs_ends(void **state) {
    (void)state;
    struct lease lease = queued(3), before = lease;
    assert_false(lease_finish(&lease));
    assert_false(lease_fail(&lease, true));
    assert_false(lease_give_back(&lease));
    assert_false(lease_hinder(&lease));
    assert_memory_equal(&lease, &before, sizeof lease);
    assert_true(lease_cancel(&lease));
    assert_int_equal(lease.state, LEASE_CANCELLED);
}

static void what_is_cancelled_in_the_queue_was_ended_by_no_worker(void **state) {
    (void)state;
    struct lease lease = granted(3), running = granted(3);
    assert_true(lease_fail(&lease, true));
    assert_string_equal(lease.worker, "w"); /* who failed it */
    assert_true(lease_cancel(&lease));
    assert_string_equal(lease.worker, "");
    assert_true(lease_cancel(&running));
    assert_string_equal(running.worker, "w");
}

static void what_failed_or_was_cancelled_is_queued_again_with_its_failures_forgiven(void **state) {
    (void)state;
    struct lease lease = granted(1);
    assert_true(lease_fail(&lease, true));
    assert_true(lease_retry(&lease));
    assert_int_equal(lease.state, LEASE_QUEUED);
    assert_int_equal(lease.failures, 0);
    assert_string_equal(lease.worker, "");
    assert_true(lease_grant(&lease, "w", 2000, 500));
    assert_int_equal(lease.attempt, 2); /* a new fencing token */
    assert_true(lease_cancel(&lease));
    assert_true(lease_retry(&lease));
    assert_int_equal(lease.state, LEASE_QUEUED);
}

static void what_is_queued_running_or_done_is_not_retried(void **state) {
    (void)state;
    struct lease lease = queued(3);
    assert_false(lease_retry(&lease));
    assert_true(lease_grant(&lease, "w", 2000, 500));
    assert_false(lease_retry(&lease));
    assert_true(lease_finish(&lease));
    assert_false(lease_retry(&lease));
}

static void what_is_paused_is_not_granted(void **state) {
    (void)state;
    struct lease lease = queued(3);
    assert_true(lease_pause(&lease));
    assert_int_equal(lease.state, LEASE_QUEUED);
    assert_false(lease_grant(&lease, "w", 1000, 500));
    assert_false(lease_pause(&lease));
    assert_true(lease_resume(&lease));
    assert_false(lease_resume(&lease));
    assert_true(lease_grant(&lease, "w", 1000, 500));
}

static void paused_while_it_runs_it_is_the_holders_until_it_comes_back(void **state) {
    (void)state;
    struct lease lease = granted(3);
    assert_true(lease_pause(&lease));
    assert_int_equal(lease.state, LEASE_RUNNING);
    assert_true(lease_held_by(&lease, "w", 1));
    assert_true(lease_give_back(&lease));
    assert_int_equal(lease.state, LEASE_QUEUED);
    assert_true(lease.paused);
}

static void what_has_ended_is_paused_no_more(void **state) {
    (void)state;
    struct lease lease = granted(3);
    assert_true(lease_pause(&lease));
    assert_true(lease_finish(&lease));
    assert_false(lease.paused);
    assert_false(lease_pause(&lease));
    assert_false(lease_resume(&lease));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grant_makes_a_new_attempt_with_a_whole_lease),
        cmocka_unit_test(only_the_holder_at_its_attempt_holds_it),
        cmocka_unit_test(what_runs_is_not_granted_again),
        cmocka_unit_test(renewing_lengthens_and_never_shortens),
        cmocka_unit_test(progress_forgives_the_failures_before_it),
        cmocka_unit_test(what_fails_again_rests_longer_up_to_five_minutes),
        cmocka_unit_test(what_its_worker_could_not_do_counts_as_no_failure_and_rests),
        cmocka_unit_test(what_is_queued_does_not_expire),
        cmocka_unit_test(a_failure_goes_back_to_the_queue_until_the_last),
        cmocka_unit_test(a_failure_that_would_come_again_is_the_last),
        cmocka_unit_test(giving_back_costs_nothing_but_the_attempt_number),
        cmocka_unit_test(final_states_are_final),
        cmocka_unit_test(only_what_runs_ends),
        cmocka_unit_test(what_is_cancelled_in_the_queue_was_ended_by_no_worker),
        cmocka_unit_test(what_failed_or_was_cancelled_is_queued_again_with_its_failures_forgiven),
        cmocka_unit_test(what_is_queued_running_or_done_is_not_retried),
        cmocka_unit_test(what_is_paused_is_not_granted),
        cmocka_unit_test(paused_while_it_runs_it_is_the_holders_until_it_comes_back),
        cmocka_unit_test(what_has_ended_is_paused_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
