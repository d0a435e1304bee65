/* Leases, and how attempts end. */
#include "tests/coordinator/bench.h"
#include "tests/temporary.h"

/* --- leases --- */

static void a_lost_workers_experiment_is_queued_again_and_its_reports_are_fenced(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    hello(bench, "b");
    take(bench, "a");
    assert_false(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5)));
    for (int i = 0; i < 4; i++) { /* two leases long: each beat renews it */
        wait_ms(bench, LEASE_MS / 2);
        assert_string_equal(stop_of_beat(bench, "a", 1, 1), "null");
    }
    static const int64_t silence_ms[] = {LEASE_MS * 2 / 5, LEASE_MS * 2 / 5, LEASE_MS / 5};
    for (size_t i = 0; i < 3; i++) { /* one lease long, and found out as it ends */
        wait_ms(bench, silence_ms[i]);
        ask(bench, "status", body("{}"), "coordinator");
    }
    const cJSON *details = show(bench, 1);
    assert_string_equal(text_of(details, "state"), "queued");
    assert_int_equal(number_of(details, "failures"), 1);
    assert_non_null(strstr(text_of(details, "error"), "worker a was lost in attempt 1"));
    assert_string_equal(text_of(json_member(details, "attempts")->child, "outcome"), "lost");
    assert_string_equal(text_of(details, "waits"), "retries in 2 s");
    assert_true(fenced(bench, "a", 1, 1, "epoch", body_epoch(2, 0.25)));
    wait_for_rest(bench);
    take(bench, "b");
    assert_int_equal(number_of(bench->answer.body, "attempt"), 2);
    assert_true(fenced(bench, "a", 1, 1, "epoch", body_epoch(2, 0.25)));
    assert_true(fenced(bench, "a", 1, 2, "epoch", body_epoch(2, 0.25)));
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "fenced");
    assert_int_equal(number_of(show(bench, 1), "epochs_done"), 1);
}

static void what_a_beat_says_of_the_progress_is_shown_until_the_attempt_is_over(void **state) {
    struct bench *bench = *state;
    static const char *const told[] = {
        "{\"phase\":\"train\",\"epoch\":2,\"epochs\":3,\"step\":4,\"steps\":5,\"loss\":0.5,"
        "\"images_per_second\":6.25}",
        "{\"phase\":\"valid\",\"epoch\":2,\"epochs\":3,\"step\":0,\"steps\":1,\"loss\":null,"
        "\"images_per_second\":null}",
    };
    submit(bench, 1, 3, 3);
    hello(bench, "a");
    take(bench, "a");
    assert_true(cJSON_IsNull(json_member(show(bench, 1), "progress")));
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        ask(bench, "heartbeat",
            body("{\"worker\": \"a\", \"experiment\": 1, \"attempt\": 1, \"progress\": %s}",
                 told[i]),
            "beat");
        stop_of_beat(bench, "a", 1, 1); /* one that says nothing of it changes nothing */
        cJSON *progress = cJSON_Duplicate(json_member(show(bench, 1), "progress"), true);
        assert_int_equal(number_of(progress, "epochs_done"), 1); /* beside what was said */
        cJSON_DeleteItemFromObject(progress, "epochs_done");
        char *shown = json_text(progress);
        assert_string_equal(shown, told[i]);
        free(shown);
        cJSON_Delete(progress);
    }
    assert_false(fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"given_back\"}")));
    assert_true(cJSON_IsNull(json_member(show(bench, 1), "progress")));
}

static void after_a_pause_of_the_coordinator_nobody_is_lost(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    static const int64_t pauses_ms[] = {10 * LEASE_MS, LEASE_MS / 2 + 1};
    for (size_t i = 0; i < 2; i++) {
        wait_ms(bench, pauses_ms[i]); /* no batch all that time: nobody could be heard */
        state_is(bench, 1, "running");
        wait_ms(bench, LEASE_MS / 2);
        state_is(bench, 1, "running");
    }
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "null");
}

static void a_restart_gives_every_lease_a_whole_new_time(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    submit(bench, 2, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    coordinator_close(&bench->coordinator);
    wait_ms(bench, 10 * LEASE_MS);
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    wait_ms(bench, LEASE_MS / 2);
    state_is(bench, 1, "running");
    assert_false(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5))); /* still known */
    hello(bench, "b");
    assert_int_equal(take(bench, "b"), 2);
}

/* Ray Tune issue 7989: the queue was gone when the head node started again. */
static void the_queue_is_there_when_the_coordinator_starts_again(void **state) {
    void *folder;
    struct bench *bench = *state;
    struct error error = {0};
    assert_int_equal(temporary_make(&folder), 0);
    char *path = temporary_path(&folder, "assay.db");
    coordinator_close(&bench->coordinator);
    store_close(bench->store);
    for (int life = 0; life < 2; life++) {
        if (!store_open(path, &bench->store, &error) ||
            !coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error))
            fail_msg("%s", error.message);
        if (life == 1)
            break;
        submit(bench, 5, 2, 3);
        hello(bench, "a");
        assert_int_equal(take(bench, "a"), 1);
        ask(bench, "priority", body("{\"ids\": [4], \"priority\": 7}"), "changed");
        ask(bench, "pause", body("{\"ids\": [2]}"), "changed");
        ask(bench, "cancel", body("{\"ids\": [5]}"), "changed");
        coordinator_close(&bench->coordinator); /* nothing is said or saved at the end */
        store_close(bench->store);
    }
    static const char *const states[] = {"running", "paused", "queued", "queued", "cancelled"};
    for (int id = 1; id <= 5; id++)
        state_is(bench, id, states[id - 1]);
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "null"); /* still its own */
    hello(bench, "b");
    hello(bench, "c");
    hello(bench, "d");
    assert_int_equal(take(bench, "b"), 4);
    assert_int_equal(take(bench, "c"), 3);
    ask(bench, "request", body_worker("d"), "nothing");
    free(path);
    temporary_remove(&folder);
}

static void the_last_lost_attempt_makes_it_failed_and_says_why(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 2);
    hello(bench, "a");
    for (int attempt = 1; attempt <= 2; attempt++) {
        wait_for_rest(bench);
        take(bench, "a");
        for (int i = 0; i < 2; i++) {
            wait_ms(bench, LEASE_MS / 2);
            ask(bench, "status", body("{}"), "coordinator");
        }
    }
    const cJSON *details = show(bench, 1);
    assert_string_equal(text_of(details, "state"), "failed");
    assert_int_equal(number_of(details, "attempt"), 2);
    assert_non_null(strstr(text_of(details, "error"), "not heard for 1.0 s; no attempt is left"));
    ask(bench, "request", body_worker("a"), "nothing");
}

static void a_new_epoch_forgives_the_failures_before_it(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 9, 2);
    hello(bench, "a");
    for (int attempt = 1; attempt <= 4; attempt++) {
        wait_for_rest(bench);
        take(bench, "a");
        fenced(bench, "a", 1, attempt, "epoch", body_epoch(1, 0.5));
        if (attempt <= 3)
            fenced(bench, "a", 1, attempt, "epoch", body_epoch(attempt, 0.5));
        fenced(bench, "a", 1, attempt, "end", body("{\"outcome\": \"failed\", \"error\": \"x\"}"));
        state_is(bench, 1, attempt < 4 ? "queued" : "failed");
    }
}

static void what_failed_rests_before_it_is_tried_again_and_says_for_how_long(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 9, 9);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"failed\", \"error\": \"x\"}"));
    ask(bench, "request", body_worker("a"), "nothing");
    assert_string_equal(text_of(show(bench, 1), "waits"), "retries in 2 s");
    wait_ms(bench, 2000);
    assert_string_equal(text_of(show(bench, 1), "waits"), "no worker is connected");
    take(bench, "a");
}

static void a_batch_that_fails_lets_nobody_forget_what_rests_and_how_far_runs_are(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 9, 9);
    hello(bench, "a");
    hello(bench, "b");
    take(bench, "a");
    take(bench, "b");
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"given_back\", \"error\": \"no room\"}"));
    wait_ms(bench, 2000);
    take(bench, "a");
    fenced(bench, "a", 1, 2, "end", body("{\"outcome\": \"given_back\", \"error\": \"no room\"}"));
    ask(bench, "heartbeat",
        body("{\"worker\": \"b\", \"experiment\": 2, \"attempt\": 1, \"progress\": {\"phase\": "
             "\"train\", \"epoch\": 2, \"epochs\": 9, \"step\": 4, \"steps\": 5, \"loss\": null, "
             "\"images_per_second\": null}}"),
        "beat");
    char *waits = strdup(text_of(show(bench, 1), "waits"));
    a_batch_fails(bench, "hello", body_hello("c"));
    assert_string_equal(text_of(show(bench, 1), "waits"), waits);
    ask(bench, "request", body_worker("a"), "nothing");
    assert_int_equal(number_of(json_member(show(bench, 2), "progress"), "step"), 4);
    /* and the third time in a row it rests for longer */
    wait_ms(bench, 8000 + LEASE_PREFER_MS);
    stop_of_beat(bench, "b", 2, 1);
    take(bench, "a");
    a_batch_fails(bench, "hello", body_hello("c"));
    fenced(bench, "a", 1, 3, "end", body("{\"outcome\": \"given_back\", \"error\": \"no room\"}"));
    wait_ms(bench, 15000);
    ask(bench, "request", body_worker("a"), "nothing");
    /* what happened in such a batch alone has not happened */
    a_batch_fails(bench, "report",
                  body_report("b", 2, 1, "end",
                              body("{\"outcome\": \"given_back\", \"error\": \"no room\"}")));
    state_is(bench, 2, "running");
    fenced(bench, "b", 2, 1, "end", body("{\"outcome\": \"given_back\", \"error\": \"no room\"}"));
    wait_ms(bench, 2000);
    assert_int_equal(take(bench, "a"), 2);
    free(waits);
}

static void after_a_batch_that_fails_others_still_come_first_for_what_one_has_failed(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 9, 9);
    hello(bench, "a");
    hello(bench, "b");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"failed\", \"error\": \"x\"}"));
    a_batch_fails(bench, "hello", body_hello("c"));
    wait_ms(bench, 2000);
    hello(bench, "b");
    ask(bench, "request", body_worker("a"), "nothing");
    assert_int_equal(take(bench, "b"), 1);
}

static void an_attempt_of_a_batch_that_fails_leaves_the_one_before_it_its_worker(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 9, 9);
    hello(bench, "a");
    hello(bench, "b");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"given_back\", \"error\": \"no room\"}"));
    wait_ms(bench, 2000 + LEASE_PREFER_MS);
    take(bench, "a");
    begin(bench);
    answer(bench, "goodbye", body_worker("a"));
    answer(bench, "request", body_worker("b"));
    assert_string_equal(bench->answer.name, "assignment");
    batch_fails(bench);
    assert_string_equal(text_of(show(bench, 1), "worker"), "a");
    assert_string_equal(stop_of_beat(bench, "a", 1, 2), "null");
}

static const char *state_of_first(struct bench *bench) {
    return text_of(json_member(ask(bench, "workers", NULL, "worker_list"), "workers")->child,
                   "state");
}

static void after_a_batch_that_fails_who_was_lost_is_lost_and_others_are_not(void **state) {
    struct bench *bench = *state;
    hello(bench, "a");
    wait_ms(bench, LEASE_MS);
    a_batch_fails(bench, "hello", body_hello("b"));
    wait_ms(bench, LEASE_MS);
    assert_string_equal(state_of_first(bench), "idle"); /* it was not to be heard meanwhile */
    wait_ms(bench, LEASE_MS + 1);
    assert_string_equal(state_of_first(bench), "lost");
    a_batch_fails(bench, "hello", body_hello("b"));
    assert_string_equal(state_of_first(bench), "lost");
    hello(bench, "a");
    assert_string_equal(state_of_first(bench), "idle");
}

static void what_the_machine_could_not_do_counts_as_no_failure_and_says_why(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 9, 1);
    hello(bench, "a");
    for (int attempt = 1; attempt <= 3; attempt++) {
        wait_for_rest(bench);
        take(bench, "a");
        fenced(bench, "a", 1, attempt, "end",
               body("{\"outcome\": \"given_back\", \"error\": \"no room\"}"));
        ask(bench, "request", body_worker("a"), "nothing");
    }
    const cJSON *shown = show(bench, 1);
    assert_string_equal(text_of(shown, "state"), "queued");
    assert_int_equal(number_of(shown, "failures"), 0);
    assert_string_equal(text_of(shown, "error"), "no room");
    assert_string_equal(text_of(shown, "worker"), "null");
    const cJSON *attempt = json_member(shown, "attempts")->child;
    assert_string_equal(text_of(attempt, "outcome"), "given_back");
    assert_string_equal(text_of(attempt, "error"), "no room");
}

/* --- how an attempt ends --- */

static void what_is_given_back_costs_nothing(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 1);
    hello(bench, "a");
    for (int attempt = 1; attempt <= 5; attempt++) {
        take(bench, "a");
        assert_int_equal(number_of(bench->answer.body, "attempt"), attempt);
        assert_false(fenced(bench, "a", 1, attempt, "end", body("{\"outcome\": \"given_back\"}")));
    }
    take(bench, "a");
    ask(bench, "goodbye", body_worker("a"), "farewell");
    const cJSON *details = show(bench, 1);
    assert_string_equal(text_of(details, "state"), "queued");
    assert_int_equal(number_of(details, "failures"), 0);
    const cJSON *workers = ask(bench, "workers", body("{}"), "worker_list");
    assert_int_equal(cJSON_GetArraySize(json_member(workers, "workers")), 0);
}

/* The process that said it is gone; another of its name has the experiment since. */
static void a_goodbye_that_comes_late_has_nothing_acknowledged_that_is_not_stored(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    ask(bench, "goodbye", body_worker("a"), "farewell");
    hello(bench, "a");
    assert_true(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5)));
    assert_true(fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"done\"}")));
    state_is(bench, 1, "queued");
    assert_int_equal(number_of(show(bench, 1), "failures"), 0);
}

/* Its name is the same, what it runs on is not: it could only fail what it is given. */
static void who_comes_back_with_less_is_not_given_again_what_asks_for_more(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 1);
    hello(bench, "a");
    take(bench, "a");
    hello(bench, "a");
    take(bench, "a"); /* with as much it goes on */
    assert_int_equal(number_of(bench->answer.body, "attempt"), 1);
    cJSON *less = body_hello("a");
    cJSON_SetNumberValue(cJSON_GetObjectItem(less, "memory_bytes"), 1048576);
    ask(bench, "hello", less, "welcome");
    ask(bench, "request", body_worker("a"), "nothing");
    const cJSON *details = show(bench, 1);
    assert_string_equal(text_of(details, "state"), "queued");
    assert_int_equal(number_of(details, "failures"), 0);
    assert_string_equal(text_of(json_member(details, "attempts")->child, "outcome"), "lost");
    assert_true(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5)));
    hello(bench, "b");
    take(bench, "b");
    assert_int_equal(number_of(bench->answer.body, "attempt"), 2);
}

static void an_end_may_be_reported_again(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 1, 3);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5));
    for (int i = 0; i < 3; i++) {
        assert_false(fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"done\"}")));
        assert_false(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.25)));
    }
    hello(bench, "b");
    assert_true(fenced(bench, "b", 1, 1, "end", body("{\"outcome\": \"failed\"}")));
    const cJSON *details = show(bench, 1);
    assert_string_equal(text_of(details, "state"), "done");
    assert_string_equal(text_of(details, "worker"), "a");
    assert_true(json_member(json_member(details, "latest"), "valid") != NULL);
    assert_int_equal(cJSON_GetArraySize(json_member(details, "history")), 1);
}

static void a_failure_and_what_was_given_back_may_be_reported_again(void **state) {
    static const char *const outcomes[] = {"failed", "given_back"};
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    hello(bench, "a");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(take(bench, "a"), i + 1);
        for (int times = 0; times < 2; times++)
            assert_false(
                fenced(bench, "a", i + 1, 1, "end", body("{\"outcome\": \"%s\"}", outcomes[i])));
    }
    assert_int_equal(cJSON_GetArraySize(json_member(show(bench, 1), "attempts")), 1);
}

static int64_t done_at(struct bench *bench, const char *phase, int epoch) {
    ask(bench, "heartbeat",
        body("{\"worker\": \"a\", \"experiment\": 1, \"attempt\": 2, \"progress\": {\"phase\": "
             "\"%s\", \"epoch\": %d, \"epochs\": 3, \"step\": 1, \"steps\": 5, \"loss\": null, "
             "\"images_per_second\": null}}",
             phase, epoch),
        "beat");
    return json_integer(json_member(show(bench, 1), "progress"), "epochs_done");
}

/* All three were reported, and their checkpoints are lost. */
static void an_attempt_that_trains_again_is_as_far_as_it_has_come_itself(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 3, 3);
    hello(bench, "a");
    take(bench, "a");
    for (int epoch = 1; epoch <= 3; epoch++)
        fenced(bench, "a", 1, 1, "epoch", body_epoch(epoch, 0.5));
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"given_back\"}"));
    take(bench, "a");
    assert_int_equal(done_at(bench, "fetch", 0), 3); /* what it goes on from, perhaps */
    assert_int_equal(done_at(bench, "train", 1), 0);
    assert_int_equal(done_at(bench, "train", 2), 1); /* the report is on its way */
    for (int epoch = 1; epoch <= 2; epoch++)
        assert_false(fenced(bench, "a", 1, 2, "epoch", body_epoch(epoch, 0.5)));
    assert_int_equal(done_at(bench, "valid", 1), 2);
    assert_int_equal(number_of(show(bench, 1), "epochs_done"), 3);
}

static void a_failure_without_a_reason_is_told_as_one(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 1, 2);
    hello(bench, "a");
    for (int attempt = 1; attempt <= 2; attempt++) {
        take(bench, "a");
        assert_false(fenced(bench, "a", 1, attempt, "end", body("{\"outcome\": \"failed\"}")));
        if (attempt == 1)
            assert_string_equal(text_of(show(bench, 1), "waits"), "retries in 2 s");
        wait_for_rest(bench);
    }
    state_is(bench, 1, "failed");
    assert_string_equal(text_of(show(bench, 1), "error"), "the worker gave no reason");
}

static void a_failure_counts_also_after_a_restart(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    submit(bench, 1, 1, 2);
    hello(bench, "a");
    for (int attempt = 1; attempt <= 2; attempt++) {
        take(bench, "a");
        fenced(bench, "a", 1, attempt, "end", body("{\"outcome\": \"failed\", \"error\": \"x\"}"));
        coordinator_close(&bench->coordinator);
        assert_true(
            coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
        state_is(bench, 1, attempt == 1 ? "queued" : "failed");
    }
}

static void a_failure_that_would_come_again_is_not_tried_again(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 1, 3);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "end",
           body("{\"outcome\": \"failed\", \"error\": \"no such folder\", \"retry\": false}"));
    state_is(bench, 1, "failed");
    assert_string_equal(text_of(show(bench, 1), "error"), "no such folder");
}

static void what_is_cancelled_stops_at_the_next_beat_and_takes_no_reports(void **state) {
    struct bench *bench = *state;
    submit(bench, 3, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    const cJSON *changed = ask(bench, "cancel", body("{\"ids\": [1, 2, 2]}"), "changed");
    assert_int_equal(cJSON_GetArraySize(json_member(changed, "ids")), 2);
    assert_string_equal(stop_of_beat(bench, "a", 1, 1), "cancelled");
    assert_true(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5)));
    assert_int_equal(number_of(show(bench, 1), "epochs_done"), 0);
    changed = ask(bench, "cancel", body("{\"ids\": [1, 2]}"), "changed");
    assert_int_equal(cJSON_GetArraySize(json_member(changed, "ids")), 0);
    assert_int_equal(take(bench, "a"), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(a_lost_workers_experiment_is_queued_again_and_its_reports_are_fenced),
        ON_BENCH(what_a_beat_says_of_the_progress_is_shown_until_the_attempt_is_over),
        ON_BENCH(after_a_pause_of_the_coordinator_nobody_is_lost),
        ON_BENCH(a_restart_gives_every_lease_a_whole_new_time),
        ON_BENCH(the_queue_is_there_when_the_coordinator_starts_again),
        ON_BENCH(the_last_lost_attempt_makes_it_failed_and_says_why),
        ON_BENCH(a_new_epoch_forgives_the_failures_before_it),
        ON_BENCH(what_failed_rests_before_it_is_tried_again_and_says_for_how_long),
        ON_BENCH(a_batch_that_fails_lets_nobody_forget_what_rests_and_how_far_runs_are),
        ON_BENCH(after_a_batch_that_fails_who_was_lost_is_lost_and_others_are_not),
        ON_BENCH(after_a_batch_that_fails_others_still_come_first_for_what_one_has_failed),
        ON_BENCH(an_attempt_of_a_batch_that_fails_leaves_the_one_before_it_its_worker),
        ON_BENCH(what_the_machine_could_not_do_counts_as_no_failure_and_says_why),
        ON_BENCH(what_is_given_back_costs_nothing),
        ON_BENCH(a_goodbye_that_comes_late_has_nothing_acknowledged_that_is_not_stored),
        ON_BENCH(who_comes_back_with_less_is_not_given_again_what_asks_for_more),
        ON_BENCH(an_end_may_be_reported_again),
        ON_BENCH(a_failure_and_what_was_given_back_may_be_reported_again),
        ON_BENCH(an_attempt_that_trains_again_is_as_far_as_it_has_come_itself),
        ON_BENCH(a_failure_without_a_reason_is_told_as_one),
        ON_BENCH(a_failure_counts_also_after_a_restart),
        ON_BENCH(a_failure_that_would_come_again_is_not_tried_again),
        ON_BENCH(what_is_cancelled_stops_at_the_next_beat_and_takes_no_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
