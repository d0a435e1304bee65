/* What a worker says and asks, when, and when again. */
#include "core/backoff.h"
#include "tests/worker/duty_steps.h"

/* The coordinator does not know the worker: it says hello, and is told that it has `moved`. */
static void meet_again(struct duty *duty, int64_t now_ms, bool moved) {
    expect_send(duty, 1, now_ms, DUTY_REPORT);
    take(duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_HELLO}, now_ms);
    now_ms = expect_wait(duty, 1, now_ms);
    expect_send(duty, 1, now_ms, DUTY_HELLO);
    take(duty,
         (struct duty_event){.kind = DUTY_WELCOMED, .heartbeat_ms = HEARTBEAT_MS, .moved = moved},
         now_ms);
    expect_send(duty, 0, now_ms, DUTY_HEARTBEAT);
    take(duty, (struct duty_event){.kind = DUTY_BEAT}, now_ms);
    if (moved) {
        expect_send(duty, 0, now_ms, DUTY_REQUEST);
        assert_int_equal(duty->idle_since_ms, now_ms);
    } else {
        expect_wait(duty, 0, now_ms);
    }
}

static void a_coordinator_with_another_database_is_asked_for_work_at_once(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    meet_again(&duty, 1, false);
    assert_true(duty_spools(&duty));
    make_busy(&duty);
    meet_again(&duty, 1, true);
    assert_false(duty_spools(&duty));
}

static void a_new_worker_says_hello_and_nothing_else_before_it_is_welcome(void **state) {
    (void)state;
    struct duty duty;
    duty_init(&duty, NEVER, SEED, 0);
    expect_send(&duty, 3, 0, DUTY_HELLO);
    assert_int_equal(expect_wait(&duty, 3, 1), DUTY_ANSWER_MS);
}

static void leftover_reports_go_before_a_request_for_work(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 1, 1, DUTY_REPORT);
    expect_wait(&duty, 1, 2);
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 3, .attempt = 1}, 3);
    expect_send(&duty, 0, 3, DUTY_REQUEST);
}

static void
without_work_the_request_is_repeated_after_the_time_that_the_answer_named(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_NOTHING, .retry_ms = 400}, 10);
    assert_int_equal(expect_wait(&duty, 0, 10), 410);
    expect_send(&duty, 0, 410, DUTY_REQUEST);
}

static void a_coordinator_that_comes_back_is_asked_at_once_whatever_it_named_before(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_NOTHING, .retry_ms = 60000}, 0);
    take(&duty, (struct duty_event){.kind = DUTY_UNSENT}, 1);
    int64_t now_ms = expect_wait(&duty, 0, 1);
    expect_send(&duty, 0, now_ms, DUTY_HELLO);
    take(&duty, (struct duty_event){.kind = DUTY_WELCOMED, .heartbeat_ms = HEARTBEAT_MS}, now_ms);
    expect_send(&duty, 0, now_ms, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT}, now_ms);
    expect_send(&duty, 0, now_ms, DUTY_REQUEST);
}

static void heartbeats_come_in_their_time_idle_or_busy(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_NOTHING, .retry_ms = 60000}, 0);
    assert_int_equal(expect_wait(&duty, 0, 1), HEARTBEAT_MS);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);

    make_busy(&duty);
    assert_int_equal(expect_wait(&duty, 0, 1), HEARTBEAT_MS);
    expect_send(&duty, 1, HEARTBEAT_MS, DUTY_HEARTBEAT);
}

static void reports_go_out_one_after_the_other_while_training(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 2, 1, DUTY_REPORT);
    expect_wait(&duty, 2, 2);
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2}, 3);
    expect_send(&duty, 1, 3, DUTY_REPORT);
}

static void no_new_work_is_asked_for_before_the_end_is_acknowledged(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, 5);
    expect_send(&duty, 1, 5, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2}, 6);
    expect_send(&duty, 0, 6, DUTY_REQUEST);
}

static void a_missing_answer_means_hello_again_while_training_goes_on(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 1, 10, DUTY_REPORT);
    int64_t until = expect_wait(&duty, 1, 10 + DUTY_ANSWER_MS);
    assert_true(duty_spools(&duty));
    expect_send(&duty, 1, until, DUTY_HELLO);
}

static void waits_between_tries_double_up_to_the_limit_and_differ_between_workers(void **state) {
    (void)state;
    struct duty duty, other;
    duty_init(&duty, NEVER, SEED, 0);
    duty_init(&other, NEVER, SEED + 1, 0);
    int64_t now = 0, most = BACKOFF_FIRST_MS;
    bool differ = false;
    for (int i = 0; i < 12; i++) {
        expect_send(&duty, 0, now, DUTY_HELLO);
        expect_send(&other, 0, now, DUTY_HELLO);
        take(&duty, (struct duty_event){.kind = DUTY_UNSENT}, now);
        take(&other, (struct duty_event){.kind = DUTY_UNSENT}, now);
        int64_t wait = expect_wait(&duty, 0, now) - now;
        int64_t other_wait = expect_wait(&other, 0, now) - now;
        assert_in_range(wait, most / 2, most);
        differ = differ || wait != other_wait;
        now += wait > other_wait ? wait : other_wait;
        most = most * 2 > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : most * 2;
    }
    assert_true(differ);
}

static void after_work_that_the_machine_could_not_do_it_asks_later_and_later(void **state) {
    (void)state;
    struct duty duty;
    int64_t now = 5, most = 5000;
    make_busy(&duty);
    for (int i = 0; i < 8; i++) {
        duty.heartbeat_due_ms = INT64_MAX;
        take(&duty, (struct duty_event){.kind = DUTY_ENDED, .hindered = true}, now);
        int64_t until = expect_wait(&duty, 0, now);
        assert_in_range(until - now, most / 2, most);
        most = most * 2 > 300000 ? 300000 : most * 2;
        expect_send(&duty, 0, until, DUTY_REQUEST);
        take(&duty, (struct duty_event){.kind = DUTY_ASSIGNED, .experiment = 8, .attempt = i + 1},
             until);
        expect(&duty, 0, until, DUTY_START);
        now = until;
    }
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, now); /* what went well ends that */
    expect_send(&duty, 0, now, DUTY_REQUEST);
}

static void a_coordinator_that_comes_back_is_not_asked_sooner_for_it(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    duty.heartbeat_due_ms = INT64_MAX;
    take(&duty, (struct duty_event){.kind = DUTY_ENDED, .hindered = true}, 5);
    int64_t until = expect_wait(&duty, 0, 5);
    take(&duty, (struct duty_event){.kind = DUTY_UNSENT}, 6);
    int64_t now = expect_wait(&duty, 0, 6);
    expect_send(&duty, 0, now, DUTY_HELLO);
    take(&duty, (struct duty_event){.kind = DUTY_WELCOMED, .heartbeat_ms = 1 << 30}, now);
    expect_send(&duty, 0, now, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT}, now);
    assert_int_equal(expect_wait(&duty, 0, now), until);
    expect_send(&duty, 0, until, DUTY_REQUEST);
}

static void when_there_is_room_again_it_asks_at_once(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED, .hindered = true}, 5);
    expect_wait(&duty, 0, 5);
    take(&duty, (struct duty_event){.kind = DUTY_ROOM}, 6);
    expect_send(&duty, 0, 6, DUTY_REQUEST);
}

static void a_refused_report_is_sent_again_or_dropped_as_the_refusal_says(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 1, 1, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_LATER}, 2);
    int64_t until = expect_wait(&duty, 1, 2);
    expect_send(&duty, 1, until, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_INVALID},
         until + 1);
    expect(&duty, 1, until + 1, DUTY_DROP_REPORT);
    expect_wait(&duty, 0, until + 1);
}

static void what_is_refused_again_waits_longer_until_something_is_taken(void **state) {
    (void)state;
    struct duty duty;
    int64_t now = 1, most = BACKOFF_FIRST_MS;
    make_busy(&duty);
    for (int i = 0; i < 6; i++) {
        duty.heartbeat_due_ms = INT64_MAX;
        expect_send(&duty, 1, now, DUTY_REPORT);
        take(&duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_LATER}, now);
        int64_t until = expect_wait(&duty, 1, now);
        assert_in_range(until - now, most / 2, most);
        most = most * 2 > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : most * 2;
        now = until;
    }
    expect_send(&duty, 2, now, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2}, now);
    expect_send(&duty, 1, now, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_LATER}, now);
    assert_in_range(expect_wait(&duty, 1, now) - now, 1, BACKOFF_FIRST_MS);
}

static void a_coordinator_that_forgot_the_worker_is_greeted_again(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_HELLO},
         HEARTBEAT_MS);
    int64_t until = expect_wait(&duty, 1, HEARTBEAT_MS);
    expect_send(&duty, 1, until, DUTY_HELLO);
    assert_true(duty_spools(&duty));
}

static void another_protocol_version_ends_the_program(void **state) {
    (void)state;
    struct duty duty;
    duty_init(&duty, NEVER, SEED, 0);
    expect_send(&duty, 0, 0, DUTY_HELLO);
    take(&duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_VERSION}, 1);
    assert_int_equal(expect(&duty, 0, 1, DUTY_EXIT).code, 1);
}

static void a_coordinator_that_never_let_the_worker_in_ends_it_with_code_3(void **state) {
    (void)state;
    static const struct duty_event events[] = {{.kind = DUTY_BARRED},
                                               {.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_KEY}};
    for (size_t i = 0; i < 2; i++) {
        struct duty duty;
        duty_init(&duty, NEVER, SEED, 0);
        expect_send(&duty, 0, 0, DUTY_HELLO);
        take(&duty, events[i], 0);
        assert_int_equal(expect(&duty, 0, 0, DUTY_EXIT).code, 3);
    }
}

static void a_worker_that_was_let_in_once_outlasts_a_change_of_keys(void **state) {
    (void)state;
    static const struct duty_event events[] = {{.kind = DUTY_BARRED},
                                               {.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_KEY}};
    for (size_t i = 0; i < 2; i++) {
        struct duty duty;
        make_busy(&duty);
        expect_send(&duty, 1, HEARTBEAT_MS, DUTY_HEARTBEAT);
        take(&duty, events[i], HEARTBEAT_MS);
        assert_int_equal(duty.work, DUTY_TRAINING);
        int64_t then_ms = expect_wait(&duty, 1, HEARTBEAT_MS);
        expect_send(&duty, 1, then_ms, DUTY_HELLO);
        take(&duty, events[i], then_ms); /* and asks later the second time */
        assert_in_range(expect_wait(&duty, 1, then_ms) - then_ms, BACKOFF_FIRST_MS,
                        2 * BACKOFF_FIRST_MS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coordinator_with_another_database_is_asked_for_work_at_once),
        cmocka_unit_test(a_new_worker_says_hello_and_nothing_else_before_it_is_welcome),
        cmocka_unit_test(leftover_reports_go_before_a_request_for_work),
        cmocka_unit_test(without_work_the_request_is_repeated_after_the_time_that_the_answer_named),
        cmocka_unit_test(a_coordinator_that_comes_back_is_asked_at_once_whatever_it_named_before),
        cmocka_unit_test(heartbeats_come_in_their_time_idle_or_busy),
        cmocka_unit_test(reports_go_out_one_after_the_other_while_training),
        cmocka_unit_test(no_new_work_is_asked_for_before_the_end_is_acknowledged),
        cmocka_unit_test(a_missing_answer_means_hello_again_while_training_goes_on),
        cmocka_unit_test(waits_between_tries_double_up_to_the_limit_and_differ_between_workers),
        cmocka_unit_test(after_work_that_the_machine_could_not_do_it_asks_later_and_later),
        cmocka_unit_test(a_coordinator_that_comes_back_is_not_asked_sooner_for_it),
        cmocka_unit_test(when_there_is_room_again_it_asks_at_once),
        cmocka_unit_test(a_refused_report_is_sent_again_or_dropped_as_the_refusal_says),
        cmocka_unit_test(what_is_refused_again_waits_longer_until_something_is_taken),
        cmocka_unit_test(a_coordinator_that_forgot_the_worker_is_greeted_again),
        cmocka_unit_test(another_protocol_version_ends_the_program),
        cmocka_unit_test(a_coordinator_that_never_let_the_worker_in_ends_it_with_code_3),
        cmocka_unit_test(a_worker_that_was_let_in_once_outlasts_a_change_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
