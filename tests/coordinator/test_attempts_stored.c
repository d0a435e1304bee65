/* What stands of an attempt beside those of others, and after a restart. */
#include "tests/coordinator/bench.h"

static void what_an_epoch_has_forgiven_is_forgiven_after_a_restart_too(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    submit(bench, 1, 9, 2);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"failed\", \"error\": \"x\"}"));
    wait_for_rest(bench);
    take(bench, "a");
    fenced(bench, "a", 1, 2, "epoch", body_epoch(1, 0.5));
    coordinator_close(&bench->coordinator);
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    fenced(bench, "a", 1, 2, "end", body("{\"outcome\": \"failed\", \"error\": \"x\"}"));
    state_is(bench, 1, "queued");
    assert_int_equal(number_of(show(bench, 1), "failures"), 1);
}

static void the_end_of_an_attempt_is_that_of_no_other(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 9, 2);
    hello(bench, "a");
    hello(bench, "b");
    assert_int_equal(take(bench, "a"), 1);
    assert_int_equal(take(bench, "b"), 2);
    long long started_ms = number_of(show(bench, 1), "started_ms");
    wait_ms(bench, 100);
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"given_back\"}"));
    const cJSON *other = json_member(show(bench, 2), "attempts")->child;
    assert_string_equal(text_of(other, "outcome"), "running");
    assert_true(cJSON_IsNull(json_member(other, "ended_ms")));
    assert_int_equal(take(bench, "a"), 1);
    const cJSON *shown = show(bench, 1), *attempts = json_member(shown, "attempts");
    assert_int_equal(number_of(shown, "started_ms"), started_ms); /* the first time */
    assert_true(cJSON_IsNull(json_member(shown, "finished_ms")));
    assert_int_equal(cJSON_GetArraySize(attempts), 2);
    assert_string_equal(text_of(attempts->child, "outcome"), "given_back");
    assert_int_equal(number_of(attempts->child, "ended_ms"), bench->now.unix_ms);
    assert_string_equal(text_of(attempts->child->next, "outcome"), "running");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(what_an_epoch_has_forgiven_is_forgiven_after_a_restart_too),
        ON_BENCH(the_end_of_an_attempt_is_that_of_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
