/* How work and workers end: stopped, fenced, given back, told to leave, idle, early. */
#include "tests/worker/duty_steps.h"

static void a_worker_that_is_to_leave_leaves_a_coordinator_with_another_database_too(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    take(&duty, (struct duty_event){.kind = DUTY_SIGNAL}, 1);
    expect(&duty, 0, 1, DUTY_STOP);
    expect_send(&duty, 1, 1, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_HELLO}, 1);
    int64_t now_ms = expect_wait(&duty, 1, 1);
    expect_send(&duty, 1, now_ms, DUTY_HELLO);
    take(&duty,
         (struct duty_event){.kind = DUTY_WELCOMED, .heartbeat_ms = HEARTBEAT_MS, .moved = true},
         now_ms);
    expect_send(&duty, 0, now_ms, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT}, now_ms);
    expect_send(&duty, 0, now_ms, DUTY_GOODBYE);
    assert_int_equal(duty.leave_by_ms, now_ms + DUTY_LEAVE_MS);
}

static void cancelled_work_is_stopped_its_reports_dropped_and_new_work_asked_for(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .over = true}, HEARTBEAT_MS);
    expect(&duty, 2, HEARTBEAT_MS, DUTY_STOP);
    struct duty_action drop = expect(&duty, 2, HEARTBEAT_MS, DUTY_DROP_ATTEMPT);
    assert_int_equal(drop.experiment, 7);
    assert_int_equal(drop.attempt, 2);
    assert_false(duty_spools(&duty));
    expect_wait(&duty, 0, HEARTBEAT_MS);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, HEARTBEAT_MS + 50);
    expect_send(&duty, 0, HEARTBEAT_MS + 50, DUTY_REQUEST);
}

/* The signal and the answer come in one look, before anything is done about either. */
static void work_that_is_cancelled_as_the_worker_is_told_to_leave_is_stopped_too(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_SIGNAL}, HEARTBEAT_MS);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .over = true}, HEARTBEAT_MS);
    expect(&duty, 2, HEARTBEAT_MS, DUTY_STOP);
    expect(&duty, 2, HEARTBEAT_MS, DUTY_DROP_ATTEMPT);
    expect_wait(&duty, 0, HEARTBEAT_MS);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, HEARTBEAT_MS + 50);
    expect_send(&duty, 0, HEARTBEAT_MS + 50, DUTY_GOODBYE);
}

static void paused_work_is_stopped_and_given_back_and_new_work_asked_for(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .paused = true}, HEARTBEAT_MS);
    expect(&duty, 0, HEARTBEAT_MS, DUTY_STOP);
    assert_true(duty_spools(&duty)); /* the epoch that ends just now counts */
    /* said again until it has come back: once is enough */
    expect_send(&duty, 0, 2 * HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .paused = true}, 2 * HEARTBEAT_MS);
    expect_wait(&duty, 0, 2 * HEARTBEAT_MS);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, 2 * HEARTBEAT_MS);
    expect_send(&duty, 1, 2 * HEARTBEAT_MS, DUTY_REPORT); /* given back */
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2},
         2 * HEARTBEAT_MS);
    expect_send(&duty, 0, 2 * HEARTBEAT_MS, DUTY_REQUEST);
}

static void a_fenced_report_of_the_running_attempt_stops_it(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 1, 1, DUTY_REPORT);
    take(
        &duty,
        (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2, .over = true},
        2);
    expect(&duty, 1, 2, DUTY_STOP);
    expect(&duty, 1, 2, DUTY_DROP_ATTEMPT);
}

static void a_fenced_report_of_an_older_attempt_leaves_the_running_one_alone(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 1, 1, DUTY_REPORT);
    take(
        &duty,
        (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 1, .over = true},
        2);
    struct duty_action drop = expect(&duty, 1, 2, DUTY_DROP_ATTEMPT);
    assert_int_equal(drop.attempt, 1);
    assert_true(duty_spools(&duty));
    expect_wait(&duty, 0, 2);
}

static void refuse(struct duty *duty, enum duty_refusal refusal, int64_t now_ms) {
    take(duty, (struct duty_event){.kind = DUTY_REFUSED, .refusal = refusal}, now_ms);
}

/* The experiment may be gone altogether: that is an error, and no answer to the report. */
static void a_report_that_is_refused_for_good_ends_the_attempt_that_it_is_of(void **state) {
    (void)state;
    struct duty duty;
    struct duty_event over = {
        .kind = DUTY_REFUSED, .refusal = DUTY_REFUSED_OVER, .experiment = 3, .attempt = 1};
    make_busy(&duty);
    expect_send(&duty, 2, 1, DUTY_REPORT);
    take(&duty, over, 2);
    struct duty_action drop = expect(&duty, 2, 2, DUTY_DROP_ATTEMPT);
    assert_int_equal(drop.experiment, 3);
    assert_int_equal(drop.attempt, 1);
    assert_true(duty_spools(&duty));
    expect_send(&duty, 1, 2, DUTY_REPORT);
    over.experiment = 7;
    over.attempt = 2;
    take(&duty, over, 3);
    expect(&duty, 1, 3, DUTY_STOP);
    expect(&duty, 1, 3, DUTY_DROP_ATTEMPT);
    assert_false(duty_spools(&duty));
}

static void a_heartbeat_that_is_refused_for_good_ends_what_is_trained(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    refuse(&duty, DUTY_REFUSED_OVER, HEARTBEAT_MS);
    expect(&duty, 0, HEARTBEAT_MS, DUTY_STOP);
    struct duty_action drop = expect(&duty, 0, HEARTBEAT_MS, DUTY_DROP_ATTEMPT);
    assert_int_equal(drop.experiment, 7);
    assert_int_equal(drop.attempt, 2);
    assert_false(duty_spools(&duty));
}

static void anything_else_that_is_refused_for_good_is_said_again_later(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT); /* without work */
    refuse(&duty, DUTY_REFUSED_OVER, HEARTBEAT_MS);
    int64_t now_ms = expect_wait(&duty, 0, HEARTBEAT_MS);
    expect_send(&duty, 0, now_ms, DUTY_REQUEST);
    refuse(&duty, DUTY_REFUSED_OVER, now_ms);
    expect_send(&duty, 0, expect_wait(&duty, 0, now_ms), DUTY_REQUEST);
}

static void a_signal_stops_the_trainer_sends_what_is_spooled_and_says_goodbye(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    take(&duty, (struct duty_event){.kind = DUTY_SIGNAL}, 5);
    expect(&duty, 0, 5, DUTY_STOP);
    expect_wait(&duty, 0, 5);
    assert_true(duty_spools(&duty)); /* the end, given back, is still to come */
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, 80);
    expect_send(&duty, 1, 80, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2}, 81);
    expect_send(&duty, 0, 81, DUTY_GOODBYE);
    take(&duty, (struct duty_event){.kind = DUTY_FAREWELL}, 82);
    assert_int_equal(expect(&duty, 0, 82, DUTY_EXIT).code, 0);
}

static void work_that_is_assigned_after_the_signal_is_given_back_unstarted(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_SIGNAL}, 1);
    expect_wait(&duty, 0, 1);
    take(&duty, (struct duty_event){.kind = DUTY_ASSIGNED, .experiment = 7, .attempt = 2}, 2);
    struct duty_action back = expect(&duty, 0, 2, DUTY_GIVE_BACK);
    assert_int_equal(back.experiment, 7);
    expect_send(&duty, 1, 2, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2}, 3);
    expect_send(&duty, 0, 3, DUTY_GOODBYE);
}

static void leaving_does_not_wait_long_for_a_coordinator_that_is_away(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 1, 1, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_SIGNAL}, 2);
    expect(&duty, 1, 2, DUTY_STOP);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, 100);
    assert_true(expect_wait(&duty, 2, 100) <= 100 + DUTY_LEAVE_MS);
    expect(&duty, 2, 100 + DUTY_LEAVE_MS, DUTY_EXIT);
}

static void a_worker_that_was_never_welcome_and_has_nothing_to_send_leaves_at_once(void **state) {
    (void)state;
    struct duty duty;
    duty_init(&duty, NEVER, SEED, 0);
    expect_send(&duty, 0, 0, DUTY_HELLO);
    take(&duty, (struct duty_event){.kind = DUTY_SIGNAL}, 1);
    assert_int_equal(expect(&duty, 0, 1, DUTY_EXIT).code, 0);
}

static void an_idle_worker_says_goodbye_when_its_time_is_up(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, 300);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_NOTHING, .retry_ms = 5000}, 10);
    assert_int_equal(expect_wait(&duty, 0, 10), 300);
    expect_send(&duty, 0, 300, DUTY_GOODBYE);
}

static void idle_time_without_a_coordinator_ends_with_code_3(void **state) {
    (void)state;
    struct duty duty;
    duty_init(&duty, 300, SEED, 0);
    expect_send(&duty, 0, 0, DUTY_HELLO);
    assert_int_equal(expect_wait(&duty, 0, 10), 300);
    assert_int_equal(expect(&duty, 0, 300, DUTY_EXIT).code, 3);
}

/* One that was started again, for which 300 ms are too few to be asked anew. */
static void
a_coordinator_that_forgot_an_idle_worker_is_asked_once_more_before_it_leaves(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, 300);
    expect_send(&duty, 0, 299, DUTY_REQUEST);
    refuse(&duty, DUTY_REFUSED_HELLO, 301);
    int64_t now_ms = expect_wait(&duty, 0, 301);
    expect_send(&duty, 0, now_ms, DUTY_HELLO);
    take(&duty, (struct duty_event){.kind = DUTY_WELCOMED, .heartbeat_ms = HEARTBEAT_MS}, now_ms);
    expect_send(&duty, 0, now_ms, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT}, now_ms);
    expect_send(&duty, 0, now_ms, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_NOTHING, .retry_ms = 5000}, now_ms);
    expect_send(&duty, 0, now_ms, DUTY_GOODBYE);
    take(&duty, (struct duty_event){.kind = DUTY_FAREWELL}, now_ms);
    assert_int_equal(expect(&duty, 0, now_ms, DUTY_EXIT).code, 0);
}

/* Plays a worker without work until it ends; whatever it says is refused. Returns when. */
static int64_t refused_to_the_end(struct duty *duty, enum duty_refusal refusal, int *code) {
    for (int64_t now_ms = 0; now_ms < 100000;) {
        struct duty_action action = duty_next(duty, 0, now_ms);
        *code = action.code;
        if (action.kind == DUTY_EXIT)
            return now_ms;
        if (action.kind == DUTY_SEND)
            refuse(duty, refusal, now_ms);
        else
            now_ms = action.until_ms;
    }
    fail_msg("it never ends");
    return 0;
}

static void idle_time_at_a_coordinator_that_takes_nothing_ends_with_code_1(void **state) {
    (void)state;
    static const int64_t idle_exit_ms[] = {0, 300, 12000};
    for (size_t i = 0; i < 3; i++) {
        struct duty duty;
        int code = 0;
        make_welcome(&duty, idle_exit_ms[i]);
        assert_int_equal(refused_to_the_end(&duty, DUTY_REFUSED_LATER, &code),
                         idle_exit_ms[i] + DUTY_ANSWER_MS);
        assert_int_equal(code, 1);
        duty_init(&duty, idle_exit_ms[i], SEED, 0);
        assert_int_equal(refused_to_the_end(&duty, DUTY_REFUSED_LATER, &code),
                         idle_exit_ms[i] + DUTY_ANSWER_MS);
        assert_int_equal(code, 1);
    }
}

static void idle_time_behind_keys_that_do_not_count_any_more_ends_with_code_3(void **state) {
    (void)state;
    struct duty duty;
    int code = 0;
    make_welcome(&duty, 300);
    assert_int_equal(refused_to_the_end(&duty, DUTY_REFUSED_KEY, &code), 300);
    assert_int_equal(code, 3);
}

static void no_idle_time_at_all_asks_for_work_once_and_leaves(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, 0);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_ASSIGNED, .experiment = 7, .attempt = 2}, 1);
    expect(&duty, 0, 1, DUTY_START);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, 2);
    expect_send(&duty, 0, 2, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_NOTHING, .retry_ms = 5000}, 3);
    expect_send(&duty, 0, 3, DUTY_GOODBYE);
}

static void no_idle_time_at_all_leaves_the_coordinator_time_to_answer(void **state) {
    (void)state;
    struct duty duty;
    duty_init(&duty, 0, SEED, 0);
    expect_send(&duty, 0, 0, DUTY_HELLO);
    take(&duty, (struct duty_event){.kind = DUTY_UNSENT}, 0);
    int64_t until = expect_wait(&duty, 0, 0);
    expect_send(&duty, 0, until, DUTY_HELLO);
    assert_int_equal(expect(&duty, 0, DUTY_ANSWER_MS, DUTY_EXIT).code, 3);
}

static void training_is_not_idle_time(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, 300);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_ASSIGNED, .experiment = 7, .attempt = 2}, 1);
    expect(&duty, 0, 1, DUTY_START);
    assert_int_equal(expect_wait(&duty, 0, 2), HEARTBEAT_MS);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, 900);
    expect_send(&duty, 0, 900, DUTY_REQUEST);
}

static void a_worker_that_is_told_to_drain_gives_back_and_says_goodbye(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .drain = true}, HEARTBEAT_MS);
    expect(&duty, 0, HEARTBEAT_MS, DUTY_STOP);
    assert_true(duty_spools(&duty));
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, HEARTBEAT_MS + 1);
    expect_send(&duty, 1, HEARTBEAT_MS + 1, DUTY_REPORT);
    take(&duty, (struct duty_event){.kind = DUTY_ACKNOWLEDGED, .experiment = 7, .attempt = 2},
         HEARTBEAT_MS + 2);
    expect_send(&duty, 0, HEARTBEAT_MS + 2, DUTY_GOODBYE);
    take(&duty, (struct duty_event){.kind = DUTY_FAREWELL}, HEARTBEAT_MS + 3);
    assert_int_equal(expect(&duty, 0, HEARTBEAT_MS + 3, DUTY_EXIT).code, 0);
}

static void told_again_to_drain_it_has_no_more_time_to_leave(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 1, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .drain = true}, HEARTBEAT_MS);
    int64_t by_ms = duty.leave_by_ms;
    expect_send(&duty, 1, 2 * HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .drain = true}, 2 * HEARTBEAT_MS);
    assert_int_equal(duty.leave_by_ms, by_ms);
    assert_int_equal(by_ms, HEARTBEAT_MS + DUTY_LEAVE_MS);
}

/* The answer to the report that was sent, which is of experiment 7, attempt 2. */
static void acknowledge(struct duty *duty, int64_t attempt, int64_t stop_epoch, int64_t now_ms) {
    expect_send(duty, 1, now_ms, DUTY_REPORT);
    take(duty,
         (struct duty_event){.kind = DUTY_ACKNOWLEDGED,
                             .experiment = 7,
                             .attempt = attempt,
                             .stop_epoch = stop_epoch},
         now_ms);
}

static void a_run_that_is_to_end_early_is_shortened_once_and_goes_on(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    acknowledge(&duty, 2, 12, 0);
    assert_int_equal(expect(&duty, 0, 0, DUTY_SHORTEN).stop_epoch, 12);
    acknowledge(&duty, 2, 12, 0);
    expect_wait(&duty, 0, 0);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .stop_epoch = 12}, HEARTBEAT_MS);
    expect_wait(&duty, 0, HEARTBEAT_MS);
    assert_true(duty_spools(&duty));
}

static void a_heartbeat_can_say_so_first(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    expect_send(&duty, 0, HEARTBEAT_MS, DUTY_HEARTBEAT);
    take(&duty, (struct duty_event){.kind = DUTY_BEAT, .stop_epoch = 12}, HEARTBEAT_MS);
    assert_int_equal(expect(&duty, 0, HEARTBEAT_MS, DUTY_SHORTEN).stop_epoch, 12);
}

static void what_is_said_of_an_earlier_attempt_shortens_nothing(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    acknowledge(&duty, 1, 12, 0);
    expect_wait(&duty, 0, 0);
}

static void who_gives_back_what_it_trains_does_not_shorten_it(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    take(&duty, (struct duty_event){.kind = DUTY_SIGNAL}, 0);
    expect(&duty, 0, 0, DUTY_STOP);
    acknowledge(&duty, 2, 12, 0);
    expect_wait(&duty, 0, 0);
}

static void what_ended_meanwhile_does_not_shorten_what_comes_next(void **state) {
    (void)state;
    struct duty duty;
    make_busy(&duty);
    acknowledge(&duty, 2, 12, 0);
    take(&duty, (struct duty_event){.kind = DUTY_ENDED}, 0);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(&duty, (struct duty_event){.kind = DUTY_ASSIGNED, .experiment = 8, .attempt = 1}, 0);
    expect(&duty, 0, 0, DUTY_START);
    expect_wait(&duty, 0, 0);
}

static void an_assignment_that_says_so_needs_no_shortening(void **state) {
    (void)state;
    struct duty duty;
    make_welcome(&duty, NEVER);
    expect_send(&duty, 0, 0, DUTY_REQUEST);
    take(
        &duty,
        (struct duty_event){.kind = DUTY_ASSIGNED, .experiment = 7, .attempt = 2, .stop_epoch = 12},
        0);
    expect(&duty, 0, 0, DUTY_START);
    acknowledge(&duty, 2, 12, 0);
    expect_wait(&duty, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_is_to_leave_leaves_a_coordinator_with_another_database_too),
        cmocka_unit_test(cancelled_work_is_stopped_its_reports_dropped_and_new_work_asked_for),
        cmocka_unit_test(work_that_is_cancelled_as_the_worker_is_told_to_leave_is_stopped_too),
        cmocka_unit_test(paused_work_is_stopped_and_given_back_and_new_work_asked_for),
        cmocka_unit_test(a_fenced_report_of_the_running_attempt_stops_it),
        cmocka_unit_test(a_fenced_report_of_an_older_attempt_leaves_the_running_one_alone),
        cmocka_unit_test(a_report_that_is_refused_for_good_ends_the_attempt_that_it_is_of),
        cmocka_unit_test(a_heartbeat_that_is_refused_for_good_ends_what_is_trained),
        cmocka_unit_test(anything_else_that_is_refused_for_good_is_said_again_later),
        cmocka_unit_test(a_signal_stops_the_trainer_sends_what_is_spooled_and_says_goodbye),
        cmocka_unit_test(work_that_is_assigned_after_the_signal_is_given_back_unstarted),
        cmocka_unit_test(leaving_does_not_wait_long_for_a_coordinator_that_is_away),
        cmocka_unit_test(a_worker_that_was_never_welcome_and_has_nothing_to_send_leaves_at_once),
        cmocka_unit_test(an_idle_worker_says_goodbye_when_its_time_is_up),
        cmocka_unit_test(idle_time_without_a_coordinator_ends_with_code_3),
        cmocka_unit_test(
            a_coordinator_that_forgot_an_idle_worker_is_asked_once_more_before_it_leaves),
        cmocka_unit_test(idle_time_at_a_coordinator_that_takes_nothing_ends_with_code_1),
        cmocka_unit_test(idle_time_behind_keys_that_do_not_count_any_more_ends_with_code_3),
        cmocka_unit_test(no_idle_time_at_all_asks_for_work_once_and_leaves),
        cmocka_unit_test(no_idle_time_at_all_leaves_the_coordinator_time_to_answer),
        cmocka_unit_test(training_is_not_idle_time),
        cmocka_unit_test(a_worker_that_is_told_to_drain_gives_back_and_says_goodbye),
        cmocka_unit_test(told_again_to_drain_it_has_no_more_time_to_leave),
        cmocka_unit_test(a_run_that_is_to_end_early_is_shortened_once_and_goes_on),
        cmocka_unit_test(a_heartbeat_can_say_so_first),
        cmocka_unit_test(what_is_said_of_an_earlier_attempt_shortens_nothing),
        cmocka_unit_test(who_gives_back_what_it_trains_does_not_shorten_it),
        cmocka_unit_test(what_ended_meanwhile_does_not_shorten_what_comes_next),
        cmocka_unit_test(an_assignment_that_says_so_needs_no_shortening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
