/* A property, on a clock of our own: workers come, train, fall silent, wake up, repeat themselves,
 * give back, fail and are killed, people cancel, pause, resume, retry and change priorities,
 * batches cannot be committed, the coordinator is started again. Whatever happens, an attempt has
 * one holder, what was acknowledged is stored, nothing is handed out that is paused, waits for
 * others or asks for a label that the worker has not, and once the disturbances end and what was
 * held up is let go, everything is done, with every epoch exactly once.
 *
 * These workers keep to no rule but the messages' shapes. Those of tests/world do what the
 * product's do, in a world that keeps to none. */
#include "coordinator/query.h"
#include "core/random.h"
#include "tests/coordinator/bench.h"
#include "tests/coordinator/seeds.h"

enum {
    FIRST = 20,    /* of group "g" */
    AFTER = 10,    /* come after e1, e2 and e3 */
    LABELLED = 10, /* ask for a label, and come after those */
    EXPERIMENTS = FIRST + AFTER + LABELLED,
    EPOCHS = 6,
    MAX_ATTEMPTS = 3,
    WORKERS = 4,
    ATTEMPTS_MAX = 1000,
    BATCH = 4,       /* at most, a person's among them */
    DISTURBED = 600, /* batches */
    QUIET_MAX = 5000,
    WALKS = 20
};

struct actor {
    char name[16];
    bool known;  /* it has said hello since it began */
    bool paused; /* it has to give back what it has */
    int64_t silent_until_ms;
    long long experiment, attempt; /* 0: none */
    int next_epoch;
    struct {
        long long experiment, attempt;
        int epoch;
    } left_over; /* a report that an earlier life or attempt has kept; experiment 0: none */
};

/* A request of the batch and what came of it. */
struct act {
    struct actor *actor; /* NULL: a person's */
    char name[16];
    long long experiment, attempt;
    int epoch; /* reported; 0 for another report */
    bool ends, left_over;
    struct wire_message answer;
};

struct walk {
    struct bench *bench;
    struct random_stream draws;
    struct actor actors[WORKERS];
    struct act batch[BATCH];
    int batch_count, names_given;
    bool disturbed;
    char holder[EXPERIMENTS + 1][ATTEMPTS_MAX][16];
    bool ended[EXPERIMENTS + 1][ATTEMPTS_MAX];     /* by its holder, who may say so again */
    long long latest[EXPERIMENTS + 1];             /* attempt */
    long long stored[EXPERIMENTS + 1][EPOCHS + 1]; /* the attempt it was acknowledged to; 0: not */
};

/* How many of 1000 throws. */
static bool chance(struct walk *walk, uint32_t of_1000) {
    return random_below(&walk->draws, 1000) < of_1000;
}

static bool rarely(struct walk *walk, uint32_t of_1000) {
    return walk->disturbed && chance(walk, of_1000);
}

/* The first column of the only row; the SQL, a literal, may have a parameter: the id. */
static int64_t count_of(struct walk *walk, const char *sql, long long id) {
    struct query query;
    struct error error = {0};
    query_open(&query, walk->bench->store, sql);
    if (id != 0)
        query_bind_int(&query, id);
    int64_t value = query_next(&query) ? query_int(&query) : -1;
    if (!query_close(&query, &error))
        fail_msg("%s", error.message);
    return value;
}

static int64_t count(struct walk *walk, const char *sql) {
    return count_of(walk, sql, 0);
}

/* --- what actors do --- */

static void begin_anew(struct walk *walk, struct actor *actor) {
    *actor = (struct actor){0};
    snprintf(actor->name, sizeof actor->name, "w%d", ++walk->names_given);
}

/* Now it works for nobody; its last report may be still in its spool. */
static void let_go(struct walk *walk, struct actor *actor) {
    if (actor->experiment != 0 && actor->next_epoch > 1 && chance(walk, 500)) {
        actor->left_over.experiment = actor->experiment;
        actor->left_over.attempt = actor->attempt;
        actor->left_over.epoch = 1 + (int)random_below(&walk->draws, EPOCHS);
    }
    actor->experiment = 0;
    actor->paused = false;
}

/* Killed, and started again as itself, with what was in its spool. */
static void begin_again(struct walk *walk, struct actor *actor) {
    let_go(walk, actor);
    actor->known = false;
    actor->silent_until_ms = 0;
}

/* The second of two has the label. */
static bool has_label(const struct walk *walk, const struct actor *actor) {
    return (actor - walk->actors) % 2 == 1;
}

static cJSON *body_hello_of(const struct walk *walk, const struct actor *actor) {
    cJSON *hello = body_hello(actor->name);
    if (has_label(walk, actor))
        cJSON_AddItemToObject(hello, "labels", body("[\"special\"]"));
    return hello;
}

/* What has just been handed out may be. */
static void check_assignment(struct walk *walk, const struct actor *actor,
                             const cJSON *assignment) {
    long long id = number_of(assignment, "experiment"), attempt = number_of(assignment, "attempt");
    assert_true(has_label(walk, actor) || id <= FIRST + AFTER);
    assert_int_equal(
        count_of(walk, "SELECT count(*) FROM experiment WHERE id = ? AND state = 'running'", id),
        1);
    if (walk->holder[id][attempt][0] == '\0') /* else it was handed out before, and paused since */
        assert_int_equal(
            count_of(walk, "SELECT count(*) FROM experiment WHERE id = ? AND paused", id), 0);
    assert_int_equal(count_of(walk,
                              "SELECT count(*) FROM experiment e JOIN barrier_member m ON"
                              " m.barrier = e.barrier JOIN experiment o ON o.id = m.experiment"
                              " WHERE e.id = ? AND o.state <> 'done'",
                              id),
                     0);
}

static struct act *send(struct walk *walk, struct actor *actor, const char *name, cJSON *of_name) {
    struct act *act = &walk->batch[walk->batch_count++];
    *act = (struct act){.actor = actor};
    if (actor != NULL) {
        act->experiment = actor->experiment;
        act->attempt = actor->attempt;
    }
    snprintf(act->name, sizeof act->name, "%s", name);
    answer(walk->bench, name, of_name);
    act->answer = walk->bench->answer;
    walk->bench->answer = (struct wire_message){0};
    if (strcmp(act->answer.name, "assignment") == 0)
        check_assignment(walk, actor, act->answer.body);
    return act;
}

static struct act *send_report(struct walk *walk, struct actor *actor, const char *kind,
                               cJSON *of_kind) {
    return send(walk, actor, "report",
                body_report(actor->name, actor->experiment, actor->attempt, kind, of_kind));
}

static void send_end(struct walk *walk, struct actor *actor, const char *outcome) {
    send_report(walk, actor, "end", body("{\"outcome\": \"%s\", \"error\": \"why\"}", outcome))
        ->ends = true;
}

static void work(struct walk *walk, struct actor *actor) {
    if (actor->next_epoch > EPOCHS) {
        send_end(walk, actor, "done");
        return;
    }
    int epoch = actor->next_epoch;
    if (epoch > 1 && rarely(walk, 100))
        epoch--; /* the acknowledgement was lost: it comes again */
    send_report(walk, actor, "epoch", body_epoch(epoch, 1.0 / epoch))->epoch = epoch;
}

static void send_left_over(struct walk *walk, struct actor *actor) {
    struct act *act =
        send(walk, actor, "report",
             body_report(actor->name, actor->left_over.experiment, actor->left_over.attempt,
                         "epoch", body_epoch(actor->left_over.epoch, 0.5)));
    act->experiment = actor->left_over.experiment;
    act->attempt = actor->left_over.attempt;
    act->epoch = actor->left_over.epoch;
    act->left_over = true;
}

static void act(struct walk *walk, struct actor *actor) {
    if (walk->bench->now.steady_ms < actor->silent_until_ms)
        return;
    if (!actor->known)
        send(walk, actor, "hello", body_hello_of(walk, actor));
    else if (actor->left_over.experiment != 0 && chance(walk, 300))
        send_left_over(walk, actor);
    else if (actor->experiment == 0)
        send(walk, actor, "request", body_worker(actor->name));
    else if (actor->paused || rarely(walk, 30))
        send_end(walk, actor, "given_back");
    else if (rarely(walk, 30))
        send_end(walk, actor, "failed");
    else if (rarely(walk, 10))
        send(walk, actor, "goodbye", body_worker(actor->name));
    else if (chance(walk, 300))
        send(walk, actor, "heartbeat",
             body("{\"worker\": \"%s\", \"experiment\": %lld, \"attempt\": %lld}", actor->name,
                  actor->experiment, actor->attempt));
    else
        work(walk, actor);
}

static void disturb(struct walk *walk) {
    struct bench *bench = walk->bench;
    struct actor *actor = &walk->actors[random_below(&walk->draws, WORKERS)];
    if (rarely(walk, 40))
        actor->silent_until_ms = bench->now.steady_ms + random_below(&walk->draws, 3 * LEASE_MS);
    if (rarely(walk, 20))
        begin_again(walk, actor);
    if (rarely(walk, 10)) /* killed for good; another comes */
        begin_anew(walk, actor);
    if (rarely(walk, 5))
        wait_ms(bench, 5 * LEASE_MS);
    if (rarely(walk, 10)) {
        struct error error = {0};
        coordinator_close(&bench->coordinator);
        assert_true(
            coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    }
}

/* --- what comes of it --- */

static void take_assignment(struct walk *walk, struct actor *actor, const cJSON *assignment) {
    actor->experiment = number_of(assignment, "experiment");
    actor->attempt = number_of(assignment, "attempt");
    actor->next_epoch = 1; /* a run that goes on reports what it knows again */
    assert_in_range(actor->attempt, 1, ATTEMPTS_MAX - 1);
    char *holder = walk->holder[actor->experiment][actor->attempt];
    if (holder[0] == '\0')
        snprintf(holder, sizeof walk->holder[0][0], "%s", actor->name);
    assert_string_equal(holder, actor->name);
    walk->latest[actor->experiment] = actor->attempt;
}

static void take_ack(struct walk *walk, struct act *act, bool fenced_now) {
    struct actor *actor = act->actor;
    if (!fenced_now && !walk->ended[act->experiment][act->attempt]) {
        /* it counts, so nobody may have got the experiment since */
        assert_int_equal(act->attempt, walk->latest[act->experiment]);
        assert_string_equal(walk->holder[act->experiment][act->attempt], actor->name);
        walk->ended[act->experiment][act->attempt] = act->ends;
        if (act->epoch > 0)
            walk->stored[act->experiment][act->epoch] = act->attempt;
    }
    if (act->left_over)
        actor->left_over.experiment = 0;
    else if (fenced_now || act->ends)
        let_go(walk, actor);
    else
        actor->next_epoch = act->epoch + 1;
}

static void settle(struct walk *walk, struct act *act) {
    struct actor *actor = act->actor;
    const char *name = act->answer.name;
    const cJSON *of_name = act->answer.body;
    if (actor == NULL)
        return;
    if (strcmp(name, "error") == 0) {
        assert_string_equal(text_of(of_name, "code"), "state"); /* not known here */
        actor->known = false;
    } else if (strcmp(name, "welcome") == 0) {
        actor->known = true;
    } else if (strcmp(name, "farewell") == 0) {
        walk->ended[act->experiment][act->attempt] = true;
        begin_again(walk, actor);
    } else if (strcmp(name, "assignment") == 0) {
        take_assignment(walk, actor, of_name);
    } else if (strcmp(name, "beat") == 0) {
        if (strcmp(text_of(of_name, "stop"), "paused") == 0)
            actor->paused = actor->experiment != 0;
        else if (!cJSON_IsNull(json_member(of_name, "stop")))
            let_go(walk, actor);
    } else if (strcmp(name, "ack") == 0) {
        take_ack(walk, act, cJSON_IsTrue(json_member(of_name, "fenced")));
    }
}

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
