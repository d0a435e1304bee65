/* Pause, resume, retry, priority, labels and the share between people, as requests on a clock of
 * the test's own. */
#include "coordinator/query.h"
#include "tests/coordinator/steer.h"

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
    submit_named(bench, "bf16",
                 "\"resources\": {\"memory_gib\": 1}, \"train\": {\"precision\": \"bf16\"}");
    hello(bench, "a");
    waits_for(bench, 1, "no worker with backend cuda");
    waits_for(bench, 2, "no worker with 80 GiB of memory");
    waits_for(bench, 3, "no worker with backend cuda");
    gets_nothing(bench, "a");
    wait_ms(bench, LEASE_MS * 2); /* a lost worker counts for nobody */
    waits_for(bench, 1, "no worker is connected");
}

/* One answer with experiments of two kinds of need, and that wait for two others, in turns. */
static void in_a_list_each_says_what_itself_waits_for(void **state) {
    struct bench *bench = *state;
    static const char *const expected[] = {
        "no worker with backend cuda",     "after gpu: 0 of 1 done",
        "no worker with 80 GiB of memory", "after big: 0 of 1 done",
        "no worker with backend cuda",     "after gpu, big: 0 of 2 done"};
    submit_named(bench, "gpu", "\"resources\": {\"memory_gib\": 1, \"backend\": \"cuda\"}");
    submit_named(bench, "after gpu", "\"after\": [\"gpu\"]");
    submit_named(bench, "big", "\"resources\": {\"memory_gib\": 80}");
    submit_named(bench, "after big", "\"after\": [\"big\"]");
    submit_named(bench, "gpu too", "\"resources\": {\"memory_gib\": 1, \"backend\": \"cuda\"}");
    submit_named(bench, "after both", "\"after\": [\"gpu\", \"big\"]");
    hello(bench, "a");
    const cJSON *listed = json_member(ask(bench, "list", body("{}"), "experiments"), "experiments");
    for (int i = 0; i < 6; i++)
        assert_string_equal(text_of(cJSON_GetArrayItem(listed, i), "waits"), expected[i]);
    listed = json_member(ask(bench, "list", body("{\"group\": \"nobody's\"}"), "experiments"),
                         "experiments");
    assert_int_equal(cJSON_GetArraySize(listed), 0);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(what_is_paused_in_the_queue_is_not_handed_out),
        ON_BENCH(what_is_paused_while_it_runs_is_given_back_and_stays_paused),
        ON_BENCH(resumed_before_it_came_back_it_goes_on_where_it_is),
        ON_BENCH(a_paused_one_whose_worker_is_lost_stays_paused),
        ON_BENCH(what_has_failed_can_be_retried_with_its_attempts_forgiven),
        ON_BENCH(what_is_retried_keeps_its_epochs_and_goes_on_from_its_checkpoint),
        ON_BENCH(what_is_queued_running_or_done_is_not_retried),
        ON_BENCH(a_higher_priority_is_served_first_also_after_a_restart),
        ON_BENCH(two_people_share_the_workers_also_after_a_restart),
        ON_BENCH(labels_are_matched_and_what_is_missing_is_named),
        ON_BENCH(what_no_worker_can_do_says_so),
        ON_BENCH(in_a_list_each_says_what_itself_waits_for),
        ON_BENCH(steering_what_is_not_there_is_not_found),
        ON_BENCH(a_damaged_database_is_an_error_where_it_has_an_experiment_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
