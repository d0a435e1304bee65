/* What is known of the workers from what they ask, and what is told and counted of them. */
#include "coordinator/stats.h"
#include "tests/coordinator/bench.h"

/* The worker by its place on the list. */
static const cJSON *listed(struct bench *bench, int place) {
    const cJSON *list = ask(bench, "workers", body("{}"), "worker_list");
    return cJSON_GetArrayItem(json_member(list, "workers"), place);
}

/* pid, host and device apart from what body_hello says. */
static cJSON *told_hello(void) {
    return body("{\"worker\": \"w\", \"host\": \"node-7\", \"pid\": 4711, \"backend\": \"cuda\","
                " \"device\": \"a GPU\", \"threads\": 12, \"memory_bytes\": 17179869184,"
                " \"labels\": [\"fast\", \"big\"]}");
}

static void what_a_worker_says_of_itself_is_told_also_after_a_restart(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    static const char expected[] =
        "{\"worker\":\"w\",\"host\":\"node-7\",\"pid\":4711,\"backend\":\"cuda\",\"device\":"
        "\"a GPU\",\"threads\":12,\"memory_bytes\":17179869184,\"labels\":[\"big\",\"fast\"],"
        "\"state\":\"idle\",\"seen_ms\":1700000000000}";
    ask(bench, "hello", told_hello(), "welcome");
    for (int life = 0; life < 2; life++) {
        char *text = json_text(listed(bench, 0));
        assert_string_equal(text, expected);
        free(text);
        coordinator_close(&bench->coordinator);
        wait_ms(bench, 2 * LEASE_MS);
        assert_true(
            coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    }
}

static void whatever_a_worker_asks_it_is_there_and_seen_then(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "w");
    for (int i = 0; i < 4; i++) {
        wait_ms(bench, LEASE_MS / 2);
        if (i == 0)
            ask(bench, "heartbeat", body_worker("w"), "beat");
        else if (i == 2)
            fenced(bench, "w", 1, 1, "epoch", body_epoch(1, 0.5));
        else
            ask(bench, "request", body_worker("w"), "assignment");
        assert_int_equal(number_of(listed(bench, 0), "seen_ms"), bench->now.unix_ms);
        wait_ms(bench, LEASE_MS / 2); /* to be there it has been heard since the hello */
        assert_string_equal(text_of(listed(bench, 0), "state"), i == 0 ? "idle" : "busy");
    }
}

static void what_a_worker_holds_is_told_and_it_is_renewed_when_it_asks_again(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "w");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(take(bench, "w"), 1);
        assert_int_equal(number_of(bench->answer.body, "attempt"), 1);
        assert_int_equal(number_of(listed(bench, 0), "experiment"), 1);
        wait_ms(bench, LEASE_MS * 2 / 5); /* often enough for nobody to have been deaf */
    }
    ask(bench, "cancel", body("{\"ids\": [1]}"), "changed");
    assert_null(json_member(listed(bench, 0), "experiment"));
}

static void who_has_said_goodbye_is_not_there_after_a_restart_either(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    hello(bench, "a");
    hello(bench, "b");
    ask(bench, "goodbye", body_worker("a"), "farewell");
    coordinator_close(&bench->coordinator);
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    assert_string_equal(text_of(listed(bench, 0), "worker"), "b");
    assert_null(listed(bench, 1));
}

static void the_workers_are_counted_as_busy_idle_or_lost(void **state) {
    struct bench *bench = *state;
    struct stats stats = {0};
    struct error error = {0};
    static const char *const names[] = {"lost", "busy 1", "busy 2", "idle 1", "idle 2", "idle 3"};
    submit(bench, 4, 2, 3);
    for (size_t i = 0; i < 6; i++)
        hello(bench, names[i]);
    for (int quarter = 0; quarter < 5; quarter++) {
        for (size_t i = 1; i < 6; i++)
            ask(bench, i < 3 ? "request" : "heartbeat", body_worker(names[i]),
                i < 3 ? "assignment" : "beat");
        wait_ms(bench, LEASE_MS / 4);
    }
    ask(bench, "cancel", body("{\"ids\": [4]}"), "changed");
    assert_true(coordinator_measure(&bench->coordinator, &stats, &error));
    assert_int_equal(stats.workers_lost, 1);
    assert_int_equal(stats.workers_busy, 2);
    assert_int_equal(stats.workers_idle, 3);
    assert_int_equal(stats.experiments[LEASE_RUNNING], 2);
    assert_int_equal(stats.experiments[LEASE_QUEUED], 1);
    assert_int_equal(stats.experiments[LEASE_CANCELLED], 1);
    assert_int_equal(stats.started_ms, 1700000000000);
    /* after a restart a lease may be longer than the time to be lost in */
    coordinator_close(&bench->coordinator);
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    for (int quarter = 0; quarter < 5; quarter++) {
        wait_ms(bench, LEASE_MS / 4);
        ask(bench, "heartbeat", body_worker("idle 1"), "beat");
    }
    assert_true(coordinator_measure(&bench->coordinator, &stats, &error));
    assert_int_equal(stats.workers_lost, 5);
    assert_int_equal(stats.workers_busy, 0);
    assert_int_equal(stats.workers_idle, 1);
    assert_int_equal(stats.experiments[LEASE_RUNNING], 2);
}

static void the_status_says_since_when_and_what_time_it_is(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    wait_ms(bench, 1234);
    const cJSON *status = ask(bench, "status", body("{}"), "coordinator");
    assert_int_equal(number_of(status, "started_ms"), 1700000000000);
    assert_int_equal(number_of(status, "now_ms"), 1700000001234);
    assert_string_equal(text_of(status, "database"), ":memory:");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(what_a_worker_says_of_itself_is_told_also_after_a_restart),
        ON_BENCH(whatever_a_worker_asks_it_is_there_and_seen_then),
        ON_BENCH(what_a_worker_holds_is_told_and_it_is_renewed_when_it_asks_again),
        ON_BENCH(who_has_said_goodbye_is_not_there_after_a_restart_either),
        ON_BENCH(the_workers_are_counted_as_busy_idle_or_lost),
        ON_BENCH(the_status_says_since_when_and_what_time_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
