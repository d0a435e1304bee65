/* What comes after other experiments, as requests on a clock of the test's own. */
#include "tests/coordinator/steer.h"

static void what_comes_after_a_group_waits_until_all_of_it_is_done(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3); /* of group "g" */
    submit_named(bench, "then", "\"after\": [\"g\"]");
    hello(bench, "a");
    hello(bench, "b");
    waits_for(bench, 3, "after g: 0 of 2 done");
    assert_int_equal(take(bench, "a"), 1);
    assert_int_equal(take(bench, "b"), 2);
    end(bench, "a", 1, "done");
    gets_nothing(bench, "a");
    waits_for(bench, 3, "after g: 1 of 2 done");
    start_again(bench);
    gets_nothing(bench, "a");
    end(bench, "b", 2, "done");
    waits_for(bench, 3, "its turn");
    assert_int_equal(take(bench, "a"), 3);
}

static void
one_that_failed_or_was_cancelled_holds_up_and_is_named_until_it_is_retried(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 1);
    submit_named(bench, "then", "\"after\": [\"e1\", \"e2\"]");
    hello(bench, "a");
    assert_int_equal(take(bench, "a"), 1);
    end(bench, "a", 1, "failed");
    steer(bench, "cancel", 2, 1);
    waits_for(bench, 3, "after e1, e2: experiment 1 failed");
    steer(bench, "retry", 1, 1);
    waits_for(bench, 3, "after e1, e2: experiment 2 was cancelled");
    assert_int_equal(take(bench, "a"), 1);
    end(bench, "a", 1, "done");
    gets_nothing(bench, "a");
    steer(bench, "retry", 2, 1);
    assert_int_equal(take(bench, "a"), 2);
    end(bench, "a", 2, "done");
    assert_int_equal(take(bench, "a"), 3);
}

static void of_several_of_one_name_the_newest_counts(void **state) {
    struct bench *bench = *state;
    submit_named(bench, "x", "");
    steer(bench, "cancel", 1, 1);
    submit_named(bench, "x", "");
    submit_named(bench, "then", "\"after\": [\"x\"]");
    hello(bench, "a");
    waits_for(bench, 3, "after x: 0 of 1 done");
    assert_int_equal(take(bench, "a"), 2);
    end(bench, "a", 2, "done");
    submit_named(bench, "x", ""); /* came later: nothing to `then` */
    assert_int_equal(take(bench, "a"), 3);
}

static void what_is_done_already_holds_up_nobody(void **state) {
    struct bench *bench = *state;
    submit_named(bench, "x", "");
    hello(bench, "a");
    take(bench, "a");
    end(bench, "a", 1, "done");
    submit_named(bench, "then", "\"after\": [\"x\"]");
    assert_int_equal(take(bench, "a"), 2);
}

static void in_one_submission_the_order_does_not_matter(void **state) {
    struct bench *bench = *state;
    ask(bench, "submit",
        submission_of("ann", named("then", "\"after\": [\"first\"]"), named("first", "")),
        "submitted");
    hello(bench, "a");
    assert_int_equal(take(bench, "a"), 2);
    end(bench, "a", 2, "done");
    assert_int_equal(take(bench, "a"), 1);
}

static void nothing_is(struct bench *bench, cJSON *of_submit, const char *code, const char *says) {
    const cJSON *error = ask(bench, "submit", of_submit, "error");
    assert_string_equal(text_of(error, "code"), code);
    if (strstr(text_of(error, "message"), says) == NULL)
        fail_msg("\"%s\" does not say %s", text_of(error, "message"), says);
    const cJSON *list = ask(bench, "list", body("{}"), "experiments");
    assert_null(json_member(list, "experiments")->child);
}

static void after_a_name_that_there_is_not_nothing_is_queued(void **state) {
    struct bench *bench = *state;
    nothing_is(bench,
               submission_of("ann", named("then", "\"after\": [\"fist\"]"), named("first", "")),
               "not_found", "\"fist\"");
}

static void a_cycle_is_refused(void **state) {
    struct bench *bench = *state;
    nothing_is(bench, submission_of("ann", named("x", "\"after\": [\"x\"]"), NULL), "invalid",
               "x would wait for itself");
    nothing_is(
        bench,
        submission_of("ann", named("x", "\"after\": [\"y\"]"), named("y", "\"after\": [\"x\"]")),
        "invalid", "would wait for itself");
}

static void a_cancelled_one_that_waited_for_others_waits_for_them_again(void **state) {
    struct bench *bench = *state;
    submit_named(bench, "x", "");
    submit_named(bench, "then", "\"after\": [\"x\"]");
    steer(bench, "cancel", 2, 1);
    steer(bench, "retry", 2, 1);
    hello(bench, "a");
    assert_int_equal(take(bench, "a"), 1);
    waits_for(bench, 2, "after x: 0 of 1 done");
    end(bench, "a", 1, "done");
    assert_int_equal(take(bench, "a"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(what_comes_after_a_group_waits_until_all_of_it_is_done),
        ON_BENCH(one_that_failed_or_was_cancelled_holds_up_and_is_named_until_it_is_retried),
        ON_BENCH(of_several_of_one_name_the_newest_counts),
        ON_BENCH(what_is_done_already_holds_up_nobody),
        ON_BENCH(in_one_submission_the_order_does_not_matter),
        ON_BENCH(after_a_name_that_there_is_not_nothing_is_queued),
        ON_BENCH(a_cycle_is_refused),
        ON_BENCH(a_cancelled_one_that_waited_for_others_waits_for_them_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
