/* Workers that are drained, as requests on a clock of the test's own. */
#include "tests/coordinator/steer.h"

static const cJSON *drain(struct bench *bench, const char *worker) {
    return json_member(ask(bench, "drain", body_worker(worker), "worker_list"), "workers");
}

static const char *idle_stop(struct bench *bench, const char *worker) {
    return text_of(ask(bench, "heartbeat", body_worker(worker), "beat"), "stop");
}

static void a_worker_that_is_drained_hears_of_it_and_gets_nothing_more(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    hello(bench, "a");
    hello(bench, "b");
    ask(bench, "request", body_worker("a"), "assignment");
    const cJSON *told = drain(bench, "a");
    assert_int_equal(cJSON_GetArraySize(told), 1);
    assert_string_equal(text_of(told->child, "worker"), "a");
    assert_string_equal(text_of(told->child, "state"), "draining");
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "drain");
    assert_string_equal(idle_stop(bench, "b"), "null");
    end(bench, "a", 1, "given_back");
    state_is(bench, 1, "queued");
    assert_int_equal(number_of(show(bench, 1), "failures"), 0);
    gets_nothing(bench, "a");
    assert_string_equal(idle_stop(bench, "a"), "drain");
    ask(bench, "request", body_worker("b"), "assignment");
    wait_ms(bench, LEASE_MS + 1);
    assert_string_equal(text_of(drain(bench, "a")->child, "state"), "lost");
}

static void a_batch_that_fails_leaves_those_drained_who_were_and_no_others(void **state) {
    struct bench *bench = *state;
    hello(bench, "a");
    hello(bench, "b");
    drain(bench, "a");
    a_batch_fails(bench, "drain", body_worker("b"));
    a_batch_fails(bench, "hello", body_hello("a"));
    assert_string_equal(idle_stop(bench, "a"), "drain");
    assert_string_equal(idle_stop(bench, "b"), "null");
    hello(bench, "a");
    assert_string_equal(idle_stop(bench, "a"), "drain");
    begin(bench); /* nor one that says hello again in that batch */
    answer(bench, "drain", body_worker("b"));
    answer(bench, "hello", body_hello("b"));
    batch_fails(bench);
    assert_string_equal(idle_stop(bench, "b"), "null");
}

static void what_the_experiment_is_stopped_for_comes_before_the_drain(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    hello(bench, "a");
    hello(bench, "b");
    ask(bench, "request", body_worker("a"), "assignment");
    ask(bench, "request", body_worker("b"), "assignment");
    drain(bench, "a");
    drain(bench, "b");
    steer(bench, "cancel", 1, 1);
    steer(bench, "pause", 2, 1);
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "cancelled");
    assert_string_equal(stop_of_beat(bench, "b", 2, 1), "paused");
}

static void a_name_drains_all_of_its_slots_and_no_other_worker(void **state) {
    struct bench *bench = *state;
    static const char *const workers[] = {"a", "a/1", "a/2", "ab", "b"};
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++)
        hello(bench, workers[i]);
    assert_int_equal(cJSON_GetArraySize(drain(bench, "a/2")), 1);
    assert_string_equal(idle_stop(bench, "a/1"), "null");
    assert_int_equal(cJSON_GetArraySize(drain(bench, "a")), 3);
    assert_string_equal(idle_stop(bench, "a/1"), "drain");
    assert_string_equal(idle_stop(bench, "ab"), "null");
    ask(bench, "drain", body_worker("c"), "error");
    assert_string_equal(text_of(bench->answer.body, "code"), "not_found");
}

static void the_same_process_stays_drained_and_the_next_one_begins_anew(void **state) {
    struct bench *bench = *state;
    hello(bench, "a");
    drain(bench, "a");
    hello(bench, "a"); /* it had lost the coordinator for a moment */
    assert_string_equal(idle_stop(bench, "a"), "drain");
    cJSON *next = body_hello("a");
    cJSON_SetNumberValue(cJSON_GetObjectItem(next, "pid"), 2);
    ask(bench, "hello", next, "welcome");
    assert_string_equal(idle_stop(bench, "a"), "null");
}

static void a_worker_that_leaves_is_no_worker_to_wait_for(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    waits_for(bench, 1, "its turn");
    drain(bench, "a");
    waits_for(bench, 1, "no worker is connected");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(a_worker_that_is_drained_hears_of_it_and_gets_nothing_more),
        ON_BENCH(a_batch_that_fails_leaves_those_drained_who_were_and_no_others),
        ON_BENCH(what_the_experiment_is_stopped_for_comes_before_the_drain),
        ON_BENCH(a_name_drains_all_of_its_slots_and_no_other_worker),
        ON_BENCH(the_same_process_stays_drained_and_the_next_one_begins_anew),
        ON_BENCH(a_worker_that_leaves_is_no_worker_to_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
