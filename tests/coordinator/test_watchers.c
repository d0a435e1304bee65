/* Those who wait for a change, on a clock of the test's own: who waits, for how long, and what
 * counts as a change. */
#include "coordinator/watchers.h"
#include "tests/coordinator/bench.h"

/* --- the ones who wait --- */

static bool add(struct watchers *watchers, const char *peer, uint64_t request, int64_t now_ms,
                uint64_t *replaced_request) {
    struct watcher earlier;
    bool replaced = true,
         kept = watchers_add(watchers, peer, strlen(peer), request, now_ms, &earlier, &replaced);
    *replaced_request = replaced ? earlier.request : 0;
    return kept;
}

static void one_waits_for_twenty_seconds_at_most(void **state) {
    (void)state;
    struct watchers watchers = {0};
    struct watcher watcher;
    uint64_t replaced;
    assert_true(add(&watchers, "a", 5, 1000, &replaced));
    assert_false(watchers_take(&watchers, false, 20999, &watcher));
    assert_true(watchers_take(&watchers, false, 21000, &watcher));
    assert_int_equal(watcher.request, 5);
    assert_memory_equal(watcher.identity, "a", 1);
    assert_false(watchers_take(&watchers, false, 99000, &watcher));
}

static void a_change_ends_the_waiting_of_all(void **state) {
    (void)state;
    struct watchers watchers = {0};
    struct watcher watcher;
    uint64_t replaced, sum = 0;
    assert_true(add(&watchers, "a", 1, 0, &replaced));
    assert_true(add(&watchers, "b", 2, 0, &replaced));
    assert_true(add(&watchers, "c", 4, 0, &replaced));
    while (watchers_take(&watchers, true, 1, &watcher))
        sum += watcher.request;
    assert_int_equal(sum, 7);
    assert_int_equal(watchers.count, 0);
}

static void of_a_peer_the_newest_waits(void **state) {
    (void)state;
    struct watchers watchers = {0};
    struct watcher watcher;
    uint64_t replaced;
    assert_true(add(&watchers, "a", 1, 0, &replaced));
    assert_int_equal(replaced, 0);
    assert_true(add(&watchers, "a", 2, 5000, &replaced));
    assert_int_equal(replaced, 1);
    assert_int_equal(watchers.count, 1);
    assert_false(watchers_take(&watchers, false, 20000, &watcher));
    assert_true(watchers_take(&watchers, false, 25000, &watcher));
    assert_int_equal(watcher.request, 2);
    assert_true(add(&watchers, "a", 3, 0, &replaced)); /* it waits no more */
    assert_int_equal(replaced, 0);
    assert_true(add(&watchers, "b", 4, 0, &replaced));
    assert_true(add(&watchers, "b", 5, 0, &replaced));
    assert_int_equal(replaced, 4);
    assert_int_equal(watchers.count, 2);
}

static void a_peer_of_the_longest_identity_waits_and_of_a_longer_one_does_not(void **state) {
    (void)state;
    static struct watchers watchers;
    char peer[WATCHERS_IDENTITY_MAX + 2] = "";
    uint64_t replaced;
    memset(peer, 'x', WATCHERS_IDENTITY_MAX);
    assert_true(add(&watchers, peer, 1, 0, &replaced));
    peer[WATCHERS_IDENTITY_MAX] = 'x';
    assert_false(add(&watchers, peer, 1, 0, &replaced));
}

static void who_finds_no_place_does_not_wait(void **state) {
    (void)state;
    static struct watchers watchers;
    char peer[16];
    uint64_t replaced;
    for (int i = 0; i < WATCHERS_MAX; i++) {
        snprintf(peer, sizeof peer, "%d", i);
        assert_true(add(&watchers, peer, 1, 0, &replaced));
    }
    assert_false(add(&watchers, "one more", 1, 0, &replaced));
    assert_true(add(&watchers, "0", 2, 0, &replaced));
    assert_int_equal(replaced, 1);
}

/* --- what is a change --- */

/* Asks `changes` in a batch of its own; true when the answer waits. */
static bool waits(struct bench *bench, int64_t since) {
    struct wire_message request;
    struct reply reply;
    carry("changes", body("{\"since\": %lld}", (long long)since), &request);
    begin(bench);
    coordinator_answer(&bench->coordinator, &(struct caller){.roles = ROLE_BOTH}, &request, &reply);
    commit(bench);
    bool later = reply.later;
    if (!later) {
        assert_string_equal(reply.name, "change");
        assert_int_equal(number_of(reply.body, "revision"), bench->coordinator.revision);
    }
    wire_message_free(&request);
    reply_free(&reply);
    return later;
}

static int64_t revision(struct bench *bench) {
    assert_false(waits(bench, 0));
    assert_false(
        waits(bench, bench->coordinator.revision + 1)); /* of before a clock was put back */
    assert_true(waits(bench, bench->coordinator.revision));
    return bench->coordinator.revision;
}

static void looking_changes_nothing(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 3, 1);
    hello(bench, "w");
    int64_t before = revision(bench);
    ask(bench, "list", body("{}"), "experiments");
    ask(bench, "show", body("{}"), "details");
    ask(bench, "workers", body("{}"), "worker_list");
    ask(bench, "status", body("{}"), "coordinator");
    ask(bench, "logs", body("{\"id\": 1, \"offset\": 0}"), "log");
    ask(bench, "heartbeat", body_worker("w"), "beat");
    assert_true(waits(bench, before));
}

/* Fails unless the revision is another than before; returns it. */
static int64_t moved(struct bench *bench, int64_t before) {
    assert_false(waits(bench, before));
    return revision(bench);
}

static void all_that_list_show_or_workers_would_show_is_a_change(void **state) {
    struct bench *bench = *state;
    int64_t before = revision(bench);
    submit(bench, 2, 3, 1);
    before = moved(bench, before);
    hello(bench, "w");
    before = moved(bench, before);
    long long id = take(bench, "w");
    before = moved(bench, before);
    ask(bench, "heartbeat",
        body("{\"worker\": \"w\", \"experiment\": %lld, \"attempt\": 1, \"progress\": {\"phase\":"
             " \"train\", \"epoch\": 1, \"epochs\": 3, \"step\": 2, \"steps\": 9, \"loss\": 0.5,"
             " \"images_per_second\": null}}",
             id),
        "beat");
    before = moved(bench, before);
    assert_false(fenced(bench, "w", id, 1, "epoch", body_epoch(1, 0.5)));
    before = moved(bench, before);
    assert_false(fenced(bench, "w", id, 1, "epoch", body_epoch(1, 0.5)));
    assert_true(waits(bench, before)); /* the same again is none */
    ask(bench, "priority", body("{\"ids\": [2], \"priority\": 5}"), "changed");
    before = moved(bench, before);
    ask(bench, "drain", body_worker("w"), "worker_list");
    before = moved(bench, before);
    ask(bench, "drain", body_worker("w"), "worker_list");
    assert_true(waits(bench, before));
    ask(bench, "goodbye", body_worker("w"), "farewell");
    moved(bench, before);
}

static void a_lease_that_runs_out_is_a_change(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 3, 2);
    hello(bench, "w");
    take(bench, "w");
    int64_t before = revision(bench);
    wait_ms(bench, LEASE_MS / 2);
    assert_true(waits(bench, before));
    wait_ms(bench, LEASE_MS / 2);
    assert_true(waits(bench, before)); /* the batch that finds it out */
    moved(bench, before);
}

static void a_worker_that_is_lost_is_a_change(void **state) {
    struct bench *bench = *state;
    hello(bench, "w");
    int64_t before = revision(bench);
    for (int i = 0; i < 4; i++) {
        wait_ms(bench, LEASE_MS / 4);
        assert_true(waits(bench, before));
    }
    wait_ms(bench, LEASE_MS / 4);
    assert_true(waits(bench, before));
    moved(bench, before);
}

static void one_that_is_lost_as_another_comes_back_is_a_change(void **state) {
    struct bench *bench = *state;
    hello(bench, "a");
    wait_ms(bench, LEASE_MS + 1);
    hello(bench, "b"); /* and a is lost */
    wait_ms(bench, LEASE_MS + 1);
    int64_t before = bench->coordinator.revision;
    ask(bench, "heartbeat", body_worker("a"), "beat");
    moved(bench, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_waits_for_twenty_seconds_at_most),
        cmocka_unit_test(a_change_ends_the_waiting_of_all),
        cmocka_unit_test(of_a_peer_the_newest_waits),
        cmocka_unit_test(a_peer_of_the_longest_identity_waits_and_of_a_longer_one_does_not),
        cmocka_unit_test(who_finds_no_place_does_not_wait),
        ON_BENCH(looking_changes_nothing),
        ON_BENCH(all_that_list_show_or_workers_would_show_is_a_change),
        ON_BENCH(a_lease_that_runs_out_is_a_change),
        ON_BENCH(a_worker_that_is_lost_is_a_change),
        ON_BENCH(one_that_is_lost_as_another_comes_back_is_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
