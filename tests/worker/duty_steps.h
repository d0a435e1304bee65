/* duty_steps: what the tests of duty have happen to it, and what they expect of it next. */
#ifndef ASSAY_TESTS_WORKER_DUTY_STEPS_H
#define ASSAY_TESTS_WORKER_DUTY_STEPS_H

#include "worker/duty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NEVER = -1, SEED = 1, HEARTBEAT_MS = 1000 };

static inline void take(struct duty *duty, struct duty_event event, int64_t now_ms) {
    duty_take(duty, &event, now_ms);
}

static inline void expect_send(struct duty *duty, size_t spooled, int64_t now_ms,
                               enum duty_message message) {
    struct duty_action action = duty_next(duty, spooled, now_ms);
    assert_int_equal(action.kind, DUTY_SEND);
    assert_int_equal(action.message, message);
}

static inline int64_t expect_wait(struct duty *duty, size_t spooled, int64_t now_ms) {
    struct duty_action action = duty_next(duty, spooled, now_ms);
    assert_int_equal(action.kind, DUTY_WAIT);
    assert_true(action.until_ms > now_ms);
    return action.until_ms;
}

static inline struct duty_action expect(struct duty *duty, size_t spooled, int64_t now_ms,
                                        enum duty_action_kind kind) {
    struct duty_action action = duty_next(duty, spooled, now_ms);
    assert_int_equal(action.kind, kind);
    return action;
}

/* Connected at time 0, first heartbeat answered: a request may be sent. */
static inline void make_welcome(struct duty *duty, int64_t idle_exit_ms) {
    duty_init(duty, idle_exit_ms, SEED, 0);
    expect_send(duty, 0, 0, DUTY_HELLO);
    take(duty, (struct duty_event){.kind = DUTY_WELCOMED, .heartbeat_ms = HEARTBEAT_MS}, 0);
    expect_send(duty, 0, 0, DUTY_HEARTBEAT);
    take(duty, (struct duty_event){.kind = DUTY_BEAT}, 0);
}

/* The same, training experiment 7 in attempt 2. */
static inline void make_busy(struct duty *duty) {
    make_welcome(duty, NEVER);
    expect_send(duty, 0, 0, DUTY_REQUEST);
    take(duty, (struct duty_event){.kind = DUTY_ASSIGNED, .experiment = 7, .attempt = 2}, 0);
    struct duty_action start = expect(duty, 0, 0, DUTY_START);
    assert_int_equal(start.experiment, 7);
    assert_int_equal(start.attempt, 2);
}

#endif
