/* Pause, resume, retry, priority, dependencies, labels and the share between people, as requests on
 * a clock of the test's own. */
#include "coordinator/query.h"
#include "tests/coordinator/bench.h"

/* One experiment of a name, in a group of its own, with more keys in its config: "\"after\": []".
 */
static cJSON *named(const char *name, const char *more) {
    cJSON *experiment = body_experiment(name, name, 2, 3);
    cJSON *keys = body("{%s}", more);
    cJSON *config = cJSON_GetObjectItem(experiment, "config");
    while (keys->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(keys, keys->child);
        cJSON_DeleteItemFromObjectCaseSensitive(config, item->string);
        char *key = strdup(item->string);
        cJSON_AddItemToObject(config, key, item);
        free(key);
    }
    cJSON_Delete(keys);
    return experiment;
}

static int keys_made;

/* `submit` of these experiments (taken, up to NULL) by a person. */
static cJSON *submission_of(const char *person, cJSON *first, cJSON *second) {
    cJSON *submit = body("{\"key\": \"key number %d\", \"person\": \"%s\", \"experiments\": []}",
                         ++keys_made, person);
    cJSON *experiments = cJSON_GetObjectItem(submit, "experiments");
    cJSON_AddItemToArray(experiments, first);
    if (second != NULL)
        cJSON_AddItemToArray(experiments, second);
    return submit;
}

static void submit_named(struct bench *bench, const char *name, const char *more) {
    ask(bench, "submit", submission_of("ann@here", named(name, more), NULL), "submitted");
}

static void steer(struct bench *bench, const char *request, long long id, int changed) {
    const cJSON *ids =
        json_member(ask(bench, request, body("{\"ids\": [%lld]}", id), "changed"), "ids");
    assert_int_equal(cJSON_GetArraySize(ids), changed);
}

static void gets_nothing(struct bench *bench, const char *worker) {
    ask(bench, "request", body_worker(worker), "nothing");
}

static void end(struct bench *bench, const char *worker, long long id, const char *outcome) {
    const cJSON *details = show(bench, id);
    long long attempt = number_of(details, "attempt");
    assert_false(fenced(bench, worker, id, attempt, "end", body("{\"outcome\": \"%s\"}", outcome)));
}

static void waits_for(struct bench *bench, long long id, const char *expected) {
    assert_string_equal(text_of(show(bench, id), "waits"), expected);
}

static void start_again(struct bench *bench) {
    struct error error = {0};
    coordinator_close(&bench->coordinator);
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
}

/* --- pause and resume --- */

static void what_is_paused_in_the_queue_is_not_handed_out(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    steer(bench, "pause", 1, 1);
    steer(bench, "pause", 1, 0);
    state_is(bench, 1, "paused");
    waits_for(bench, 1, "paused");
    gets_nothing(bench, "a");
    start_again(bench);
    gets_nothing(bench, "a");
    assert_int_equal(number_of(ask(bench, "status", body("{}"), "coordinator"), "paused"), 1);
    assert_int_equal(number_of(ask(bench, "status", body("{}"), "coordinator"), "queued"), 0);
    steer(bench, "resume", 1, 1);
    steer(bench, "resume", 1, 0);
    assert_int_equal(take(bench, "a"), 1);
}

static void what_is_paused_while_it_runs_is_given_back_and_stays_paused(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    hello(bench, "a");
    assert_int_equal(take(bench, "a"), 1);
    steer(bench, "pause", 1, 1);
    state_is(bench, 1, "running"); /* until it comes back */
    start_again(bench);
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "paused");
    /* an epoch that ended just then is not lost */
    assert_false(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5)));
    end(bench, "a", 1, "given_back");
    state_is(bench, 1, "paused");
    assert_int_equal(number_of(show(bench, 1), "failures"), 0);
    assert_int_equal(take(bench, "a"), 2);
    end(bench, "a", 2, "done");
    gets_nothing(bench, "a");
    steer(bench, "resume", 1, 1);
    assert_int_equal(take(bench, "a"), 1);
    assert_int_equal(number_of(show(bench, 1), "epochs_done"), 1);
    assert_int_equal(number_of(show(bench, 1), "attempt"), 2);
}

static void resumed_before_it_came_back_it_goes_on_where_it_is(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    steer(bench, "pause", 1, 1);
    steer(bench, "resume", 1, 1);
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "null");
}

static void a_paused_one_whose_worker_is_lost_stays_paused(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    steer(bench, "pause", 1, 1);
    for (int i = 0; i < 4; i++) {
        wait_ms(bench, LEASE_MS / 3);
        ask(bench, "status", body("{}"), "coordinator");
    }
    state_is(bench, 1, "paused");
    steer(bench, "cancel", 1, 1);
    state_is(bench, 1, "cancelled");
}

/* --- retry --- */

/* Ray Tune issues 16891 and 30584: a failed trial could not be run again. */
static void what_has_failed_can_be_retried_with_its_attempts_forgiven(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 1);
    hello(bench, "a");
    take(bench, "a");
    end(bench, "a", 1, "failed");
    state_is(bench, 1, "failed");
    gets_nothing(bench, "a");
    steer(bench, "retry", 1, 1);
    steer(bench, "retry", 1, 0);
    state_is(bench, 1, "queued");
    assert_string_equal(text_of(show(bench, 1), "error"), "null");
    assert_int_equal(take(bench, "a"), 1);
    assert_int_equal(number_of(show(bench, 1), "attempt"), 2);
    end(bench, "a", 1, "failed"); /* and again only max_attempts times */
    state_is(bench, 1, "failed");
    gets_nothing(bench, "a");
}

/* Ray Tune issue 21825: a resumed trial began again at epoch 0. */
static void what_is_retried_keeps_its_epochs_and_goes_on_from_its_checkpoint(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 1);
    hello(bench, "a");
    take(bench, "a");
    assert_false(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5)));
    assert_false(fenced(bench, "a", 1, 1, "checkpoint",
                        body("{\"kind\": \"last\", \"epoch\": 1, \"path\": \"/p\","
                             " \"host\": \"here\"}")));
    steer(bench, "cancel", 1, 1);
    steer(bench, "retry", 1, 1);
    assert_int_equal(number_of(show(bench, 1), "epochs_done"), 1);
    start_again(bench);
    hello(bench, "b");
    const cJSON *assignment = ask(bench, "request", body_worker("b"), "assignment");
    assert_int_equal(number_of(json_member(assignment, "resume"), "epoch"), 1);
    assert_string_equal(text_of(json_member(assignment, "resume"), "path"), "/p");
    /* the worker that has not heard of the cancelling yet is fenced */
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "fenced");
    assert_true(fenced(bench, "a", 1, 1, "epoch", body_epoch(2, 0.5)));
}

static void what_is_queued_running_or_done_is_not_retried(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    steer(bench, "retry", 1, 0);
    take(bench, "a");
    steer(bench, "retry", 1, 0);
    end(bench, "a", 1, "done");
    steer(bench, "retry", 1, 0);
    state_is(bench, 1, "done");
}

/* --- priority and fair share --- */

static void a_higher_priority_is_served_first_also_after_a_restart(void **state) {
    struct bench *bench = *state;
    submit(bench, 3, 2, 3);
    hello(bench, "a");
    hello(bench, "b");
    const cJSON *changed =
        ask(bench, "priority", body("{\"ids\": [3], \"priority\": 7}"), "changed");
    assert_int_equal(cJSON_GetArraySize(json_member(changed, "ids")), 1);
    assert_int_equal(number_of(show(bench, 3), "priority"), 7);
    start_again(bench);
    assert_int_equal(take(bench, "a"), 3);
    assert_int_equal(take(bench, "b"), 1);
    end(bench, "b", 1, "done");
    changed = ask(bench, "priority", body("{\"ids\": [1], \"priority\": 7}"), "changed");
    assert_int_equal(cJSON_GetArraySize(json_member(changed, "ids")), 0); /* it is done */
}

static void two_people_share_the_workers_also_after_a_restart(void **state) {
    struct bench *bench = *state;
    for (int i = 0; i < 3; i++)
        submit_named(bench, "hers", "");
    ask(bench, "submit", submission_of("bob@there", named("his", ""), NULL), "submitted");
    assert_string_equal(text_of(show(bench, 4), "person"), "bob@there");
    hello(bench, "a");
    hello(bench, "b");
    hello(bench, "c");
    assert_int_equal(take(bench, "a"), 1);
    start_again(bench);
    assert_int_equal(take(bench, "b"), 4);
    assert_int_equal(take(bench, "c"), 2);
}

/* --- labels --- */

static void labels_are_matched_and_what_is_missing_is_named(void **state) {
    struct bench *bench = *state;
    submit_named(bench, "x", "\"resources\": {\"memory_gib\": 1, \"labels\": [\"gpu-b\", \"a\"]}");
    waits_for(bench, 1, "no worker is connected");
    hello(bench, "plain");
    gets_nothing(bench, "plain");
    waits_for(bench, 1, "no worker with label a");
    cJSON *labelled = body_hello("labelled");
    cJSON_AddItemToObject(labelled, "labels", body("[\"gpu-b\", \"c\", \"a\", \"a\"]"));
    ask(bench, "hello", labelled, "welcome");
    waits_for(bench, 1, "its turn");
    start_again(bench);
    gets_nothing(bench, "plain");
    assert_int_equal(take(bench, "labelled"), 1);
    waits_for(bench, 1, "null");
    const cJSON *workers = json_member(ask(bench, "workers", body("{}"), "worker_list"), "workers");
    const cJSON *labels = json_member(workers->child, "labels");
    assert_int_equal(cJSON_GetArraySize(labels), 3);
    assert_string_equal(cJSON_GetArrayItem(labels, 0)->valuestring, "a");
    assert_string_equal(cJSON_GetArrayItem(labels, 2)->valuestring, "gpu-b");
}

static void what_no_worker_can_do_says_so(void **state) {
    struct bench *bench = *state;
    submit_named(bench, "gpu", "\"resources\": {\"memory_gib\": 1, \"backend\": \"cuda\"}");
    submit_named(bench, "big", "\"resources\": {\"memory_gib\": 80}");
    hello(bench, "a");
    waits_for(bench, 1, "no worker with backend cuda");
    waits_for(bench, 2, "no worker with 80 GiB of memory");
    gets_nothing(bench, "a");
    wait_ms(bench, LEASE_MS * 2); /* a lost worker counts for nobody */
    waits_for(bench, 1, "no worker is connected");
}

/* --- dependencies --- */

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
    waits_for(bench, 3, "after e1, e2: experiment 1 failed");
    steer(bench, "retry", 1, 1);
    steer(bench, "cancel", 2, 1);
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

/* --- what is not there --- */

static void steering_what_is_not_there_is_not_found(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    static const char *const names[] = {"pause", "resume", "retry"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *error = ask(bench, names[i], body("{\"ids\": [1, 99]}"), "error");
        assert_string_equal(text_of(error, "code"), "not_found");
    }
    ask(bench, "priority", body("{\"ids\": [99], \"priority\": 1}"), "error");
    state_is(bench, 1, "queued");
}

/* As when the index by which one is found and its row are not at one. */
static void a_damaged_database_is_an_error_where_it_has_an_experiment_twice(void **state) {
    struct bench *bench = *state;
    struct query query;
    struct error error = {0};
    submit(bench, 1, 2, 3);
    begin(bench);
    query_open(&query, bench->coordinator.store,
               "UPDATE experiment SET state = 'failed', finished_ms = 1 WHERE id = 1");
    assert_true(query_run(&query, NULL));
    answer(bench, "retry", body("{\"ids\": [1]}"));
    assert_string_equal(bench->answer.name, "error");
    assert_false(coordinator_commit(&bench->coordinator, &error));
    assert_non_null(strstr(error.message, "the database is damaged"));
    state_is(bench, 1, "queued");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set, bench_strike)

/* --- drain --- */

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
}

/* One more request in it, before that. */
static void a_batch_fails(struct bench *bench, const char *name, cJSON *of_name) {
    struct error error = {0};
    begin(bench);
    answer(bench, name, of_name);
    error_set(&bench->coordinator.failure, ERROR_FAILED, "the disk is full");
    bench->coordinator.broken = true;
    assert_false(coordinator_commit(&bench->coordinator, &error));
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
        TEST(what_is_paused_in_the_queue_is_not_handed_out),
        TEST(what_is_paused_while_it_runs_is_given_back_and_stays_paused),
        TEST(resumed_before_it_came_back_it_goes_on_where_it_is),
        TEST(a_paused_one_whose_worker_is_lost_stays_paused),
        TEST(what_has_failed_can_be_retried_with_its_attempts_forgiven),
        TEST(what_is_retried_keeps_its_epochs_and_goes_on_from_its_checkpoint),
        TEST(what_is_queued_running_or_done_is_not_retried),
        TEST(a_higher_priority_is_served_first_also_after_a_restart),
        TEST(two_people_share_the_workers_also_after_a_restart),
        TEST(labels_are_matched_and_what_is_missing_is_named),
        TEST(what_no_worker_can_do_says_so),
        TEST(what_comes_after_a_group_waits_until_all_of_it_is_done),
        TEST(one_that_failed_or_was_cancelled_holds_up_and_is_named_until_it_is_retried),
        TEST(of_several_of_one_name_the_newest_counts),
        TEST(what_is_done_already_holds_up_nobody),
        TEST(in_one_submission_the_order_does_not_matter),
        TEST(after_a_name_that_there_is_not_nothing_is_queued),
        TEST(a_cycle_is_refused),
        TEST(a_cancelled_one_that_waited_for_others_waits_for_them_again),
        TEST(steering_what_is_not_there_is_not_found),
        TEST(a_worker_that_is_drained_hears_of_it_and_gets_nothing_more),
        TEST(a_damaged_database_is_an_error_where_it_has_an_experiment_twice),
        TEST(a_batch_that_fails_leaves_those_drained_who_were_and_no_others),
        TEST(what_the_experiment_is_stopped_for_comes_before_the_drain),
        TEST(a_name_drains_all_of_its_slots_and_no_other_worker),
        TEST(the_same_process_stays_drained_and_the_next_one_begins_anew),
        TEST(a_worker_that_leaves_is_no_worker_to_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
