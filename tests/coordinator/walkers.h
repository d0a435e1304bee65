/* walkers: workers of a walk (test_walk.c), which keep to no rule but the messages' shapes: what
 * they do by chance, and what they make of the answers. */
#ifndef ASSAY_TESTS_COORDINATOR_WALKERS_H
#define ASSAY_TESTS_COORDINATOR_WALKERS_H

#include "coordinator/query.h"
#include "core/random.h"
#include "tests/coordinator/bench.h"

enum {
    FIRST = 20,    /* of group "g" */
    AFTER = 10,    /* come after e1, e2 and e3 */
    LABELLED = 10, /* ask for a label, and come after those */
    EXPERIMENTS = FIRST + AFTER + LABELLED,
    EPOCHS = 6,
    MAX_ATTEMPTS = 3,
    WORKERS = 4,
    ATTEMPTS_MAX = 1000,
    BATCH = 4, /* at most, a person's among them */
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
static inline bool chance(struct walk *walk, uint32_t of_1000) {
    return random_below(&walk->draws, 1000) < of_1000;
}

static inline bool rarely(struct walk *walk, uint32_t of_1000) {
    return walk->disturbed && chance(walk, of_1000);
}

/* The first column of the only row; the SQL, a literal, may have a parameter: the id. */
static inline int64_t count_of(struct walk *walk, const char *sql, long long id) {
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

static inline int64_t count(struct walk *walk, const char *sql) {
    return count_of(walk, sql, 0);
}

/* --- what actors do --- */

static inline void begin_anew(struct walk *walk, struct actor *actor) {
    *actor = (struct actor){0};
    snprintf(actor->name, sizeof actor->name, "w%d", ++walk->names_given);
}

/* Now it works for nobody; its last report may be still in its spool. */
static inline void let_go(struct walk *walk, struct actor *actor) {
    if (actor->experiment != 0 && actor->next_epoch > 1 && chance(walk, 500)) {
        actor->left_over.experiment = actor->experiment;
        actor->left_over.attempt = actor->attempt;
        actor->left_over.epoch = 1 + (int)random_below(&walk->draws, EPOCHS);
    }
    actor->experiment = 0;
    actor->paused = false;
}

/* Killed, and started again as itself, with what was in its spool. */
static inline void begin_again(struct walk *walk, struct actor *actor) {
    let_go(walk, actor);
    actor->known = false;
    actor->silent_until_ms = 0;
}

/* The second of two has the label. */
static inline bool has_label(const struct walk *walk, const struct actor *actor) {
    return (actor - walk->actors) % 2 == 1;
}

static inline cJSON *body_hello_of(const struct walk *walk, const struct actor *actor) {
    cJSON *hello = body_hello(actor->name);
    if (has_label(walk, actor))
        cJSON_AddItemToObject(hello, "labels", body("[\"special\"]"));
    return hello;
}

/* What has just been handed out may be. */
static inline void check_assignment(struct walk *walk, const struct actor *actor,
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

static inline struct act *send(struct walk *walk, struct actor *actor, const char *name,
                               cJSON *of_name) {
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

static inline struct act *send_report(struct walk *walk, struct actor *actor, const char *kind,
                                      cJSON *of_kind) {
    return send(walk, actor, "report",
                body_report(actor->name, actor->experiment, actor->attempt, kind, of_kind));
}

static inline void send_end(struct walk *walk, struct actor *actor, const char *outcome) {
    send_report(walk, actor, "end", body("{\"outcome\": \"%s\", \"error\": \"why\"}", outcome))
        ->ends = true;
}

static inline void work(struct walk *walk, struct actor *actor) {
    if (actor->next_epoch > EPOCHS) {
        send_end(walk, actor, "done");
        return;
    }
    int epoch = actor->next_epoch;
    if (epoch > 1 && rarely(walk, 100))
        epoch--; /* the acknowledgement was lost: it comes again */
    send_report(walk, actor, "epoch", body_epoch(epoch, 1.0 / epoch))->epoch = epoch;
}

static inline void send_left_over(struct walk *walk, struct actor *actor) {
    struct act *act =
        send(walk, actor, "report",
             body_report(actor->name, actor->left_over.experiment, actor->left_over.attempt,
                         "epoch", body_epoch(actor->left_over.epoch, 0.5)));
    act->experiment = actor->left_over.experiment;
    act->attempt = actor->left_over.attempt;
    act->epoch = actor->left_over.epoch;
    act->left_over = true;
}

static inline void act(struct walk *walk, struct actor *actor) {
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

static inline void disturb(struct walk *walk) {
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

static inline void take_assignment(struct walk *walk, struct actor *actor,
                                   const cJSON *assignment) {
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

static inline void take_ack(struct walk *walk, struct act *act, bool fenced_now) {
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

static inline void settle(struct walk *walk, struct act *act) {
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

#endif
