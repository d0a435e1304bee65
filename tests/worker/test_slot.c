#include "worker/slot.h"

#include "core/backoff.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* As wait(2) has them: how a process ended. */
enum { EXITED_0 = 0, EXITED_1 = 1 << 8, EXITED_2 = 2 << 8, EXITED_3 = 3 << 8, KILLED = SIGKILL };

static uint64_t jitter = 1;

static struct slot running_since(int64_t start_ms) {
    struct slot slot = {0};
    slot_started(&slot, start_ms);
    return slot;
}

static void a_killed_slot_is_started_again_after_a_backoff(void **state) {
    (void)state;
    struct slot slot = running_since(1000);
    slot_ended(&slot, KILLED, false, 5000, &jitter);
    assert_int_equal(slot.state, SLOT_DUE);
    assert_in_range(slot.start_ms, 5000 + BACKOFF_FIRST_MS / 2, 5000 + BACKOFF_FIRST_MS);
}

static void one_that_could_not_go_on_is_started_again_too(void **state) {
    (void)state;
    struct slot slot = running_since(1000);
    slot_ended(&slot, EXITED_1, false, 5000, &jitter);
    assert_int_equal(slot.state, SLOT_DUE);
}

static void one_that_decided_to_end_is_over_with_its_code(void **state) {
    (void)state;
    static const int statuses[] = {EXITED_0, EXITED_2, EXITED_3}, codes[] = {0, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        struct slot slot = running_since(1000);
        slot_ended(&slot, statuses[i], false, 5000, &jitter);
        assert_int_equal(slot.state, SLOT_OVER);
        assert_int_equal(slot.code, codes[i]);
    }
}

static void the_backoff_grows_with_every_early_death(void **state) {
    (void)state;
    struct slot slot = {0};
    for (int i = 0; i < 5; i++) {
        slot_started(&slot, 1000);
        slot_ended(&slot, KILLED, false, 2000, &jitter);
        assert_in_range(slot.start_ms - 2000, (BACKOFF_FIRST_MS << i) / 2, BACKOFF_FIRST_MS << i);
    }
}

static void too_many_early_deaths_in_a_row_end_it_as_failed(void **state) {
    (void)state;
    struct slot slot = {0};
    for (int i = 0; i < SLOT_TRIES; i++) {
        assert_int_equal(slot.state, SLOT_DUE);
        slot_started(&slot, 1000);
        slot_ended(&slot, KILLED, false, 2000, &jitter);
    }
    assert_int_equal(slot.state, SLOT_OVER);
    assert_int_equal(slot.code, 1);
}

static void a_long_life_forgives_the_deaths_before_it(void **state) {
    (void)state;
    struct slot slot = {0};
    for (int i = 0; i < 3 * SLOT_TRIES; i++) {
        const int64_t end_ms = 90000 + (i % 5 == 0 ? SLOT_LIFE_MS : 1000);
        slot_started(&slot, 90000);
        slot_ended(&slot, KILLED, false, end_ms, &jitter);
        assert_int_equal(slot.state, SLOT_DUE);
        if (i % 5 == 0)
            assert_in_range(slot.start_ms - end_ms, BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS);
        else
            assert_int_equal(slot.failures, i % 5 + 1);
    }
}

static void one_that_dies_while_all_leave_is_not_started_again(void **state) {
    (void)state;
    struct slot slot = running_since(1000);
    slot_leave(&slot);
    assert_int_equal(slot.state, SLOT_RUNS);
    slot_ended(&slot, KILLED, true, 5000, &jitter);
    assert_int_equal(slot.state, SLOT_OVER);
    assert_int_equal(slot.code, 1);
}

static void one_that_waits_to_be_started_again_leaves_at_once(void **state) {
    (void)state;
    struct slot slot = running_since(1000);
    slot_ended(&slot, KILLED, false, 5000, &jitter);
    slot_leave(&slot);
    assert_int_equal(slot.state, SLOT_OVER);
    assert_int_equal(slot.code, 0);
}

static void the_cores_are_shared_out_each_to_one_slot(void **state) {
    (void)state;
    for (size_t cores = 1; cores <= 40; cores++)
        for (size_t count = 1; count <= cores; count++) {
            size_t next = 0;
            for (size_t i = 0; i < count; i++) {
                size_t first, many;
                slot_cores(i, count, cores, &first, &many);
                assert_int_equal(first, next);
                assert_in_range(many, cores / count, cores / count + 1);
                next += many;
            }
            assert_int_equal(next, cores);
        }
}

static void more_slots_than_cores_have_one_core_each(void **state) {
    (void)state;
    static const size_t expected[] = {0, 1, 0, 1, 0};
    for (size_t i = 0; i < 5; i++) {
        size_t first, many;
        slot_cores(i, 5, 2, &first, &many);
        assert_int_equal(first, expected[i]);
        assert_int_equal(many, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_slot_is_started_again_after_a_backoff),
        cmocka_unit_test(one_that_could_not_go_on_is_started_again_too),
        cmocka_unit_test(one_that_decided_to_end_is_over_with_its_code),
        cmocka_unit_test(the_backoff_grows_with_every_early_death),
        cmocka_unit_test(too_many_early_deaths_in_a_row_end_it_as_failed),
        cmocka_unit_test(a_long_life_forgives_the_deaths_before_it),
        cmocka_unit_test(one_that_dies_while_all_leave_is_not_started_again),
        cmocka_unit_test(one_that_waits_to_be_started_again_leaves_at_once),
        cmocka_unit_test(the_cores_are_shared_out_each_to_one_slot),
        cmocka_unit_test(more_slots_than_cores_have_one_core_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
