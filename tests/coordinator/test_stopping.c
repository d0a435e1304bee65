/* Early stopping as requests: when it is decided, what is told to whom, and that it is decided
 * once, whatever is sent again and whoever dies. */
#include "tests/coordinator/bench.h"

#include <math.h>

enum { EPOCHS = 20 };

static const char median[] = "{\"rule\": \"median\", \"grace_epochs\": 3, \"min_peers\": 2}";
static const char asha[] = "{\"rule\": \"asha\", \"metric\": \"accuracy\", \"grace_epochs\": 2, "
                           "\"eta\": 2, \"min_peers\": 1}";

/* `count` experiments of the group "g" with this rule, each with a worker of its own: w1, w2, ...
 */
static void begin_group(struct bench *bench, int count, const char *stop) {
    ask(bench, "submit", body_with_stop(body_submit("a test's key", count, EPOCHS, 3), stop),
        "submitted");
    for (int i = 1; i <= count; i++) {
        char worker[16];
        snprintf(worker, sizeof worker, "w%d", i);
        hello(bench, worker);
        assert_int_equal(take(bench, worker), i);
    }
}

/* The answer's stop_epoch; 0 without one. */
static int told(const cJSON *answer) {
    const cJSON *epoch = json_member(answer, "stop_epoch");
    return epoch != NULL ? epoch->valueint : 0;
}

/* Reports an epoch of an experiment in an attempt, and what is told with the acknowledgement. */
static int reported(struct bench *bench, int id, int attempt, cJSON *of_epoch) {
    char worker[8];
    snprintf(worker, sizeof worker, "w%d", id);
    const cJSON *ack =
        ask(bench, "report", body_report(worker, id, attempt, "epoch", of_epoch), "ack");
    assert_false(cJSON_IsTrue(json_member(ack, "fenced")));
    return told(ack);
}

static int report(struct bench *bench, int id, int epoch, double loss) {
    return reported(bench, id, 1, body_epoch(epoch, loss));
}

/* Epochs from `first` to `last` with one loss; nothing may be told. */
static void report_all(struct bench *bench, int id, int first, int last, double loss) {
    for (int epoch = first; epoch <= last; epoch++)
        assert_int_equal(report(bench, id, epoch, loss), 0);
}

static int beat_of(struct bench *bench, int id, int attempt) {
    const cJSON *beat =
        ask(bench, "heartbeat",
            body("{\"worker\": \"w%d\", \"experiment\": %d, \"attempt\": %d}", id, id, attempt),
            "beat");
    assert_string_equal(text_of(beat, "stop"), "null");
    return told(beat);
}

static const cJSON *stopped_of(struct bench *bench, int id) {
    return json_member(show(bench, id), "stopped");
}

/* Two that are good, and a third that is stopped at epoch 3. */
static void stop_the_third(struct bench *bench) {
    begin_group(bench, 3, median);
    report_all(bench, 1, 1, 3, 0.5);
    report_all(bench, 2, 1, 3, 0.4);
    report_all(bench, 3, 1, 2, 0.9);
    assert_int_equal(report(bench, 3, 3, 0.8), 3);
}

static void who_is_worse_than_the_median_is_told_to_end(void **state) {
    struct bench *bench = *state;
    stop_the_third(bench);
    assert_int_equal(beat_of(bench, 3, 1), 3);
    assert_int_equal(beat_of(bench, 1, 1), 0);
    state_is(bench, 3, "running");
    const cJSON *stopped = stopped_of(bench, 3);
    assert_int_equal(number_of(stopped, "epoch"), 3);
    assert_string_equal(text_of(stopped, "rule"), "median");
    assert_string_equal(text_of(stopped, "metric"), "valid_loss");
    assert_true(fabs(json_member(stopped, "value")->valuedouble - 0.8) < 1e-12);
    assert_true(fabs(json_member(stopped, "threshold")->valuedouble - 0.45) < 1e-12);
    assert_int_equal(number_of(stopped, "peers"), 2);
    assert_int_equal(number_of(stopped, "decided_ms"), bench->now.unix_ms);
    assert_string_equal(text_of(stopped, "reason"),
                        "median rule, best valid_loss 0.8000 against 0.4500 of 2 others");
    assert_true(cJSON_IsNull(stopped_of(bench, 1)));
}

/* It had not heard of it yet. */
static void who_goes_on_after_it_was_stopped_is_not_judged_again(void **state) {
    struct bench *bench = *state;
    stop_the_third(bench);
    report_all(bench, 1, 4, 4, 0.5);
    report_all(bench, 2, 4, 4, 0.4);
    assert_int_equal(report(bench, 3, 4, 0.9), 3);
    assert_int_equal(number_of(stopped_of(bench, 3), "epoch"), 3);
    assert_int_equal(number_of(show(bench, 3), "epochs_done"), 4);
}

static void who_was_stopped_ends_as_done_with_its_reason(void **state) {
    struct bench *bench = *state;
    stop_the_third(bench);
    assert_false(fenced(bench, "w3", 3, 1, "end", body("{\"outcome\": \"done\"}")));
    state_is(bench, 3, "done");
    assert_string_equal(text_of(stopped_of(bench, 3), "rule"), "median");
}

static void before_the_grace_epochs_are_over_nobody_is_stopped(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 3, median);
    report_all(bench, 1, 1, 2, 0.5);
    report_all(bench, 2, 1, 2, 0.4);
    report_all(bench, 3, 1, 2, 0.9);
}

static void who_is_alone_at_its_epoch_is_not_stopped(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 3, median);
    report_all(bench, 1, 1, 2, 0.1);
    report_all(bench, 2, 1, 2, 0.1);
    report_all(bench, 3, 1, 5, 0.9);
}

static void at_the_last_epoch_there_is_nothing_to_stop(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 3, "{\"rule\": \"median\", \"grace_epochs\": 19, \"min_peers\": 1}");
    report_all(bench, 1, 1, EPOCHS, 0.1);
    for (int epoch = 1; epoch <= EPOCHS; epoch++)
        if (epoch != 19)
            assert_int_equal(report(bench, 3, epoch, 0.9), 0);
}

static void others_of_another_group_do_not_count(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 2, median);
    cJSON *submit = body_submit("another key", 1, EPOCHS, 3);
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(submit, "experiments")->child, "group",
                              cJSON_CreateString("h"));
    ask(bench, "submit", submit, "submitted");
    hello(bench, "w3");
    assert_int_equal(take(bench, "w3"), 3);
    report_all(bench, 1, 1, 5, 0.1);
    report_all(bench, 3, 1, 5, 0.1);
    report_all(bench, 2, 1, 5, 0.9);
}

static void without_a_rule_nobody_is_stopped(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 3, "null");
    report_all(bench, 1, 1, 5, 0.1);
    report_all(bench, 2, 1, 5, 0.1);
    report_all(bench, 3, 1, 5, 0.9);
}

static void the_rule_of_another_of_the_group_stops_nobody(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 1, median);
    ask(bench, "submit", body_submit("another key", 2, EPOCHS, 3), "submitted");
    hello(bench, "w2");
    hello(bench, "w3");
    assert_int_equal(take(bench, "w2"), 2);
    assert_int_equal(take(bench, "w3"), 3);
    report_all(bench, 1, 1, 5, 0.1);
    report_all(bench, 2, 1, 5, 0.1);
    report_all(bench, 3, 1, 5, 0.9);
}

/* `right` of 10 pictures. */
static cJSON *epoch_of_accuracy(int epoch, int right) {
    cJSON *of_epoch = body_epoch(epoch, 1), *valid = cJSON_GetObjectItem(of_epoch, "valid");
    cJSON_SetNumberValue(cJSON_GetObjectItem(valid, "true_negative"), right);
    cJSON_SetNumberValue(cJSON_GetObjectItem(valid, "false_negative"), 10 - right);
    return of_epoch;
}

static void at_a_rung_the_best_go_on(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 2, asha); /* rungs at 2, 4, 8, 16, by accuracy */
    for (int epoch = 1; epoch <= 4; epoch++)
        assert_int_equal(reported(bench, 1, 1, epoch_of_accuracy(epoch, 8)), 0);
    assert_int_equal(reported(bench, 2, 1, epoch_of_accuracy(1, 1)), 0);
    assert_int_equal(reported(bench, 2, 1, epoch_of_accuracy(2, 7)), 2);
    assert_string_equal(text_of(stopped_of(bench, 2), "reason"),
                        "asha rule, accuracy 0.7000 against 0.8000 of 1 other");
}

static void a_report_that_comes_twice_decides_nothing_new(void **state) {
    struct bench *bench = *state;
    stop_the_third(bench);
    long long decided_ms = number_of(stopped_of(bench, 3), "decided_ms");
    wait_ms(bench, 100);
    assert_int_equal(report(bench, 3, 3, 0.8), 3);
    assert_int_equal(report(bench, 3, 4, 0.7), 3); /* what it had trained when it heard */
    const cJSON *stopped = stopped_of(bench, 3);
    assert_int_equal(number_of(stopped, "epoch"), 3);
    assert_int_equal(number_of(stopped, "decided_ms"), decided_ms);
}

static void an_epoch_that_was_known_is_not_judged_again(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 3, median);
    report_all(bench, 3, 1, 5, 0.9); /* nobody to compare with yet */
    report_all(bench, 1, 1, 5, 0.1);
    report_all(bench, 2, 1, 5, 0.1);
    assert_int_equal(report(bench, 3, 5, 0.9), 0);
    assert_int_equal(report(bench, 3, 4, 0.9), 0);
}

/* What it goes on from was trained by another, which may have been the worst of all by now. */
static void a_fork_is_judged_by_the_epochs_that_it_trains_itself(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 3, median);
    report_all(bench, 3, 1, 5, 0.9); /* nobody to compare with yet */
    assert_false(fenced(bench, "w3", 3, 1, "checkpoint",
                        body("{\"kind\": \"last\", \"epoch\": 5, \"path\": \"/p\","
                             " \"host\": \"here\"}")));
    report_all(bench, 1, 1, 6, 0.1);
    report_all(bench, 2, 1, 6, 0.1);
    cJSON *fork = body_with_stop(body_submit("a fork's key", 1, EPOCHS, 3), median);
    cJSON_AddItemToObject(cJSON_GetObjectItem(fork, "experiments")->child, "from",
                          body("{\"experiment\": 3, \"checkpoint\": \"last\"}"));
    ask(bench, "submit", fork, "submitted");
    hello(bench, "w4");
    assert_int_equal(take(bench, "w4"), 4);
    report_all(bench, 4, 1, 5, 0.9);
    assert_int_equal(report(bench, 4, 6, 0.9), 6);
}

static void whoever_gets_it_next_is_told_with_the_assignment(void **state) {
    struct bench *bench = *state;
    stop_the_third(bench);
    assert_false(fenced(bench, "w3", 3, 1, "end", body("{\"outcome\": \"given_back\"}")));
    const cJSON *assignment = ask(bench, "request", body_worker("w3"), "assignment");
    assert_int_equal(number_of(assignment, "experiment"), 3);
    assert_int_equal(told(assignment), 3);
    /* what it says again of its checkpoint is acknowledged, and told the same */
    assert_int_equal(reported(bench, 3, 2, body_epoch(3, 0.8)), 3);
}

static void a_coordinator_that_starts_again_tells_the_same(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    stop_the_third(bench);
    coordinator_close(&bench->coordinator);
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    hello(bench, "w3");
    assert_int_equal(beat_of(bench, 3, 1), 3);
    assert_int_equal(report(bench, 3, 3, 0.8), 3);
}

/* The report and the decision are one transaction. */
static void a_decision_whose_commit_fails_has_not_happened(void **state) {
    struct bench *bench = *state;
    begin_group(bench, 3, median);
    report_all(bench, 1, 1, 3, 0.5);
    report_all(bench, 2, 1, 3, 0.4);
    report_all(bench, 3, 1, 2, 0.9);
    begin(bench);
    answer(bench, "report", body_report("w3", 3, 1, "epoch", body_epoch(3, 0.8)));
    assert_int_equal(told(bench->answer.body), 3);
    store_rollback(bench->store);
    struct error error = {0};
    assert_false(coordinator_commit(&bench->coordinator, &error));
    assert_true(cJSON_IsNull(stopped_of(bench, 3)));
    assert_int_equal(report(bench, 3, 3, 0.8), 3); /* sent again */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(who_is_worse_than_the_median_is_told_to_end),
        ON_BENCH(who_goes_on_after_it_was_stopped_is_not_judged_again),
        ON_BENCH(who_was_stopped_ends_as_done_with_its_reason),
        ON_BENCH(before_the_grace_epochs_are_over_nobody_is_stopped),
        ON_BENCH(who_is_alone_at_its_epoch_is_not_stopped),
        ON_BENCH(at_the_last_epoch_there_is_nothing_to_stop),
        ON_BENCH(others_of_another_group_do_not_count),
        ON_BENCH(without_a_rule_nobody_is_stopped),
        ON_BENCH(the_rule_of_another_of_the_group_stops_nobody),
        ON_BENCH(at_a_rung_the_best_go_on),
        ON_BENCH(a_report_that_comes_twice_decides_nothing_new),
        ON_BENCH(an_epoch_that_was_known_is_not_judged_again),
        ON_BENCH(a_fork_is_judged_by_the_epochs_that_it_trains_itself),
        ON_BENCH(whoever_gets_it_next_is_told_with_the_assignment),
        ON_BENCH(a_coordinator_that_starts_again_tells_the_same),
        ON_BENCH(a_decision_whose_commit_fails_has_not_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
