/* A property, on a clock of our own: workers come, train, fall silent, wake up, repeat themselves,
 * give back, fail and are killed, people cancel, pause, resume, retry and change priorities,
 * batches cannot be committed, the coordinator is started again. Whatever happens, an attempt has
 * one holder, what was acknowledged is stored, nothing is handed out that is paused, waits for
 * others or asks for a label that the worker has not, and once the disturbances end and what was
 * held up is let go, everything is done, with every epoch exactly once.
 *
 * These workers keep to no rule but the messages' shapes. Those of tests/world do what the
 * product's do, in a world that keeps to none. */
#include "tests/coordinator/seeds.h"
#include "tests/coordinator/walkers.h"

enum {
    DISTURBED = 600, /* batches */
    QUIET_MAX = 5000,
    WALKS = 20,
};

/* What always holds of the database. */
static void check(struct walk *walk) {
    assert_int_equal(count(walk, "SELECT count(*) FROM (SELECT 1 FROM experiment WHERE state ="
                                 " 'running' GROUP BY worker HAVING count(*) > 1)"),
                     0);
    assert_int_equal(count(walk, "SELECT count(*) FROM experiment e WHERE (state = 'running') <>"
                                 " (SELECT count(*) FROM attempt a WHERE a.experiment = e.id"
                                 " AND a.outcome = 'running')"),
                     0);
    assert_int_equal(count(walk, "SELECT count(*) FROM experiment e WHERE state = 'running' AND NOT"
                                 " EXISTS (SELECT 1 FROM attempt a WHERE a.experiment = e.id"
                                 " AND a.attempt = e.attempt AND a.worker = e.worker"
                                 " AND a.outcome = 'running')"),
                     0);
    assert_int_equal(count(walk, "SELECT count(*) FROM experiment WHERE state = 'failed'"
                                 " AND failures < max_attempts"),
                     0);
}

/* What people do now and again. */
static void steer(struct walk *walk) {
    static const struct {
        const char *name;
        uint32_t of_1000;
    } requests[] = {{"cancel", 5}, {"pause", 10}, {"resume", 20}, {"retry", 10}};
    uint32_t id = 1 + random_below(&walk->draws, EXPERIMENTS);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (rarely(walk, requests[i].of_1000)) {
            send(walk, NULL, requests[i].name, body("{\"ids\": [%u]}", id));
            return;
        }
    if (rarely(walk, 20))
        send(walk, NULL, "priority",
             body("{\"ids\": [%u], \"priority\": %u}", id, random_below(&walk->draws, 3)));
}

/* Some requests in one transaction, which may fail. */
static void one_batch(struct walk *walk) {
    struct bench *bench = walk->bench;
    struct error error = {0};
    wait_ms(bench, random_below(&walk->draws, LEASE_MS / 5));
    begin(bench);
    uint32_t first = random_below(&walk->draws, WORKERS), some = random_below(&walk->draws, BATCH);
    for (uint32_t i = 0; i < some; i++)
        act(walk, &walk->actors[(first + i) % WORKERS]);
    steer(walk);
    if (chance(walk, 900)) /* else more requests wait */
        coordinator_expire(&bench->coordinator);
    bool fails = rarely(walk, 50);
    if (fails) {
        error_set(&bench->coordinator.failure, ERROR_FAILED, "the disk is full");
        bench->coordinator.broken = true;
    }
    assert_true(coordinator_commit(&bench->coordinator, &error) != fails);
    for (int i = 0; i < walk->batch_count; i++) {
        if (!fails)
            settle(walk, &walk->batch[i]);
        wire_message_free(&walk->batch[i].answer);
    }
    walk->batch_count = 0;
    check(walk);
}

/* --- the end --- */

static void check_end(struct walk *walk) {
    for (long long id = 1; id <= EXPERIMENTS; id++) {
        const cJSON *details = show(walk->bench, id), *epoch;
        const char *state = text_of(details, "state");
        bool seen[EPOCHS + 1] = {false};
        cJSON_ArrayForEach(epoch, json_member(details, "history")) {
            assert_in_range(number_of(epoch, "epoch"), 1, EPOCHS);
            assert_false(seen[number_of(epoch, "epoch")]);
            seen[number_of(epoch, "epoch")] = true;
        }
        for (int i = 1; i <= EPOCHS; i++)
            if (strcmp(state, "done") == 0 || walk->stored[id][i] > 0)
                assert_true(seen[i]);
        assert_int_equal(cJSON_GetArraySize(json_member(details, "attempts")),
                         number_of(details, "attempt"));
        assert_string_equal(state, "done");
    }
}

static void queue_all(struct bench *bench) {
    cJSON *after = body_submit("the second key", AFTER + LABELLED, EPOCHS, MAX_ATTEMPTS), *item;
    int i = 0;
    submit(bench, FIRST, EPOCHS, MAX_ATTEMPTS);
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(after, "experiments")) {
        bool labelled = i++ >= AFTER;
        cJSON *config = cJSON_GetObjectItem(item, "config");
        cJSON_SetValuestring(cJSON_GetObjectItem(item, "group"), labelled ? "l" : "a");
        char name[16];
        snprintf(name, sizeof name, "then%d", i);
        cJSON_ReplaceItemInObject(item, "name", cJSON_CreateString(name));
        cJSON_AddItemToObject(config, "after",
                              labelled ? body("[\"a\"]") : body("[\"e1\", \"e2\", \"e3\"]"));
        if (labelled)
            cJSON_AddItemToObject(cJSON_GetObjectItem(config, "resources"), "labels",
                                  body("[\"special\"]"));
    }
    ask(bench, "submit", after, "submitted");
}

/* What people hold up they let go in the end. */
static void let_all_go(struct bench *bench) {
    for (int id = 1; id <= EXPERIMENTS; id++) {
        ask(bench, "resume", body("{\"ids\": [%d]}", id), "changed");
        ask(bench, "retry", body("{\"ids\": [%d]}", id), "changed");
    }
}

static void one_walk(uint64_t seed) {
    struct walk *walk = calloc(1, sizeof *walk);
    void *state;
    assert_int_equal(bench_set(&state), 0);
    walk->bench = state;
    random_open(&walk->draws, seed, RANDOM_SHUFFLE, 0, 0);
    queue_all(walk->bench);
    for (int i = 0; i < WORKERS; i++)
        begin_anew(walk, &walk->actors[i]);
    walk->disturbed = true;
    for (int i = 0; i < DISTURBED; i++) {
        disturb(walk);
        one_batch(walk);
    }
    walk->disturbed = false;
    int left = QUIET_MAX;
    while (count(walk, "SELECT count(*) FROM experiment WHERE state <> 'done'") > 0) {
        if (left % 100 == 0) /* again and again: who is silent yet may make one fail */
            let_all_go(walk->bench);
        assert_true(left-- > 0); /* else something is stuck */
        one_batch(walk);
    }
    check_end(walk);
    bench_strike(&state);
    free(walk);
}

static void whatever_happens_nothing_is_doubled_lost_or_stuck(void **state) {
    (void)state;
    from_seeds(WALKS, one_walk);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(
        whatever_happens_nothing_is_doubled_lost_or_stuck, name_the_seed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
