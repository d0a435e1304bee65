/* What failed rests before it is handed out again, and then to another worker first. */
#include "tests/coordinator/tickets.h"

/* Experiment 1, which is there, failed by a worker at time 0; returns when it has rested. */
static int64_t fail_taken(struct scheduler *scheduler, const struct worker *worker) {
    assert_int_equal(take(scheduler, worker), 1);
    struct job *job = scheduler_find(scheduler, 1);
    assert_true(lease_fail(&job->lease, true));
    lease_rest(&job->lease, 1, 0);
    scheduler_settle(scheduler, job);
    return job->lease.rest_until_ms;
}

/* The same of one that asks for nothing. */
static int64_t fail_first(struct scheduler *scheduler, const struct worker *worker) {
    add(scheduler, 1, 0, BACKEND_ANY, 0);
    return fail_taken(scheduler, worker);
}

static void what_rests_is_handed_out_to_nobody_and_holds_up_nobody(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w"), other = able("v");
    int64_t rested_ms = fail_first(&scheduler, &worker);
    add(&scheduler, 2, 0, BACKEND_ANY, 0);
    assert_int_equal(take_at(&scheduler, &other, rested_ms - 1), 2);
    assert_int_equal(take_at(&scheduler, &worker, rested_ms - 1), 0);
    add(&scheduler, 3, 0, BACKEND_ANY, 0);
    assert_int_equal(take_at(&scheduler, &worker, rested_ms), 1); /* at its own place again */
    scheduler_clear(&scheduler);
}

static void another_worker_comes_first_for_what_one_has_failed(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w"), other = able("v");
    int64_t rested_ms = fail_first(&scheduler, &worker);
    other.seen_ms = rested_ms - 1000; /* as long ago as may be */
    assert_true(scheduler_put_worker(&scheduler, &worker));
    assert_true(scheduler_put_worker(&scheduler, &other));
    assert_int_equal(take_at(&scheduler, &worker, rested_ms), 0);
    assert_int_equal(take_at(&scheduler, &other, rested_ms), 1);
    scheduler_clear(&scheduler);
}

static void who_failed_it_has_it_again_when_no_other_takes_it(void **state) {
    (void)state;
    struct worker worker = able("w");
    for (int lack = 0; lack < 4; lack++) {
        struct scheduler scheduler = {0};
        struct worker other = able("v");
        int64_t rested_ms = fail_first(&scheduler, &worker), now_ms = rested_ms;
        other.seen_ms = rested_ms;
        if (lack == 0)
            other.seen_ms = rested_ms - 1001; /* it is lost */
        else if (lack == 1)
            other.draining = true;
        else if (lack == 2)
            other.memory_bytes = -1; /* it cannot */
        else
            now_ms = other.seen_ms = rested_ms + LEASE_PREFER_MS; /* it is busy, or does not ask */
        assert_true(scheduler_put_worker(&scheduler, &other));
        assert_int_equal(take_at(&scheduler, &worker, now_ms), 1);
        scheduler_clear(&scheduler);
    }
}

static void what_has_rested_is_still_for_those_alone_who_can_do_it(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w"), small = worker_named("s", BACKEND_CPU, GIB);
    add(&scheduler, 1, 0, BACKEND_CUDA, 0);
    int64_t rested_ms = fail_taken(&scheduler, &worker);
    assert_int_equal(take_at(&scheduler, &small, rested_ms), 0);
    assert_int_equal(take_at(&scheduler, &worker, rested_ms), 1);
    scheduler_clear(&scheduler);
}

static void what_has_rested_comes_after_what_is_of_a_higher_priority(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w");
    int64_t rested_ms = fail_first(&scheduler, &worker);
    add(&scheduler, 2, 5, BACKEND_ANY, 0);
    assert_int_equal(take_at(&scheduler, &worker, rested_ms), 2);
    scheduler_clear(&scheduler);
}

static void who_has_rested_first_waits_for_no_older_one_that_rests(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w");
    for (int64_t id = 100; id > 0; id--) {
        struct ticket ticket = ticket_of(id, 0);
        ticket.lease.rest_until_ms = 10 * (101 - id); /* 100 has rested first, then 99 */
        assert_true(scheduler_add(&scheduler, &ticket));
    }
    assert_int_equal(take_at(&scheduler, &worker, 9), 0);
    assert_int_equal(take_at(&scheduler, &worker, 10), 100);
    scheduler_clear(&scheduler);
}

static void what_rests_can_be_paused_cancelled_and_given_another_priority(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w");
    int64_t rested_ms = fail_first(&scheduler, &worker);
    struct job *job = scheduler_find(&scheduler, 1);
    assert_true(scheduler_set_priority(&scheduler, job, 5));
    assert_true(lease_pause(&job->lease));
    scheduler_settle(&scheduler, job);
    assert_int_equal(take_at(&scheduler, &worker, rested_ms), 0);
    assert_true(lease_resume(&job->lease));
    scheduler_settle(&scheduler, job);
    assert_int_equal(take_at(&scheduler, &worker, rested_ms - 1), 0);
    assert_true(lease_cancel(&job->lease));
    scheduler_settle(&scheduler, job);
    assert_int_equal(take_at(&scheduler, &worker, rested_ms), 0);
    assert_int_equal(scheduler.resting.count, 0);
    scheduler_clear(&scheduler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rests_is_handed_out_to_nobody_and_holds_up_nobody),
        cmocka_unit_test(another_worker_comes_first_for_what_one_has_failed),
        cmocka_unit_test(who_failed_it_has_it_again_when_no_other_takes_it),
        cmocka_unit_test(what_has_rested_is_still_for_those_alone_who_can_do_it),
        cmocka_unit_test(what_has_rested_comes_after_what_is_of_a_higher_priority),
        cmocka_unit_test(who_has_rested_first_waits_for_no_older_one_that_rests),
        cmocka_unit_test(what_rests_can_be_paused_cancelled_and_given_another_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
