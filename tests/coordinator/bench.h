/* bench: a coordinator on a clock and a database of the test's own, without a socket. Every request
 * and every answer goes through the wire's encoding, so that both have the shapes that are
 * promised. cmocka's setup and teardown: bench_set, bench_strike. */
#ifndef ASSAY_TESTS_COORDINATOR_BENCH_H
#define ASSAY_TESTS_COORDINATOR_BENCH_H

#include "coordinator/coordinator.h"
#include "tests/coordinator/bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { LEASE_MS = 1000 };

struct bench {
    struct store *store;
    struct coordinator coordinator;
    struct moment now;
    struct wire_message answer; /* the last */
    struct reply unsettled;     /* what becomes the last with the commit, else zeroed */
};

static inline int bench_set(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct error error = {0};
    *state = bench;
    bench->now = (struct moment){.unix_ms = 1700000000000, .steady_ms = 5000};
    if (store_open(":memory:", &bench->store, &error) &&
        coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error))
        return 0;
    print_error("%s\n", error.message);
    return -1;
}

static inline int bench_strike(void **state) {
    struct bench *bench = *state;
    wire_message_free(&bench->answer);
    coordinator_close(&bench->coordinator);
    store_close(bench->store);
    free(bench);
    return 0;
}

static inline void wait_ms(struct bench *bench, int64_t ms) {
    bench->now.unix_ms += ms;
    bench->now.steady_ms += ms;
}

/* Until whatever has failed may be tried again, by anybody. */
static inline void wait_for_rest(struct bench *bench) {
    wait_ms(bench, 300 * 1000 + LEASE_PREFER_MS);
}

/* Through the wire: `body` (taken) as the other side reads it. */
static inline void carry(const char *name, cJSON *of_name, struct wire_message *message) {
    struct wire_packet packet;
    struct wire_frame frames[WIRE_FRAMES];
    struct error error = {0};
    enum wire_code code;
    if (!wire_encode(name, 1, of_name, &packet, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < WIRE_FRAMES; i++)
        frames[i] = wire_packet_frame(&packet, i);
    if (!wire_decode(frames, WIRE_FRAMES, message, &code, &error))
        fail_msg("%s", error.message);
    wire_packet_free(&packet);
    cJSON_Delete(of_name);
}

/* One request within a batch. */
static inline void answer(struct bench *bench, const char *name, cJSON *of_name) {
    struct wire_message request;
    struct reply reply;
    carry(name, of_name, &request);
    coordinator_answer(&bench->coordinator, &(struct caller){.roles = ROLE_BOTH}, &request, &reply);
    wire_message_free(&request);
    wire_message_free(&bench->answer);
    if (reply.settle != NULL)
        bench->unsettled = reply;
    else
        carry(reply.name, reply.body, &bench->answer);
}

static inline void begin(struct bench *bench) {
    assert_true(coordinator_begin(&bench->coordinator, bench->now));
}

/* The end of a batch after which nothing waits. */
static inline void commit(struct bench *bench) {
    struct error error = {0};
    coordinator_expire(&bench->coordinator);
    if (!coordinator_commit(&bench->coordinator, &error))
        fail_msg("%s", error.message);
    struct reply *reply = &bench->unsettled;
    if (reply->settle == NULL)
        return;
    reply->settle(&bench->coordinator, reply);
    wire_message_free(&bench->answer);
    carry(reply->name, reply->body, &bench->answer);
    free(reply->unsettled);
    *reply = (struct reply){0};
}

/* The end of a batch that fails. */
static inline void batch_fails(struct bench *bench) {
    struct error error = {0};
    error_set(&bench->coordinator.failure, ERROR_FAILED, "the disk is full");
    bench->coordinator.broken = true;
    assert_false(coordinator_commit(&bench->coordinator, &error));
}

/* A batch of that request, which fails. */
static inline void a_batch_fails(struct bench *bench, const char *name, cJSON *of_name) {
    begin(bench);
    answer(bench, name, of_name);
    batch_fails(bench);
}

/* One request in a batch of its own. Returns the body of the answer, which is called `expected`;
 * it holds until the next request. */
static inline const cJSON *ask(struct bench *bench, const char *name, cJSON *of_name,
                               const char *expected) {
    begin(bench);
    answer(bench, name, of_name);
    commit(bench);
    if (strcmp(bench->answer.name, expected) != 0) {
        char *text = json_text(bench->answer.body);
        fail_msg("%s is answered with %s %s, not %s", name, bench->answer.name, text, expected);
    }
    return bench->answer.body;
}

/* "null" also where there is no such key; anything else is a text. */
static inline const char *text_of(const cJSON *object, const char *key) {
    const cJSON *text = json_member(object, key);
    if (text == NULL || cJSON_IsNull(text))
        return "null";
    assert_true(cJSON_IsString(text));
    return text->valuestring;
}

static inline long long number_of(const cJSON *object, const char *key) {
    assert_true(cJSON_IsNumber(json_member(object, key)));
    return (long long)json_member(object, key)->valuedouble;
}

static inline void submit(struct bench *bench, int count, int epochs, int max_attempts) {
    ask(bench, "submit", body_submit("a test's key", count, epochs, max_attempts), "submitted");
}

static inline void hello(struct bench *bench, const char *worker) {
    ask(bench, "hello", body_hello(worker), "welcome");
}

/* The experiment that the worker gets; its attempt is in the answer. */
static inline long long take(struct bench *bench, const char *worker) {
    return number_of(ask(bench, "request", body_worker(worker), "assignment"), "experiment");
}

/* Reports and says whether it was fenced. Takes `of_kind`. */
static inline bool fenced(struct bench *bench, const char *worker, long long experiment,
                          long long attempt, const char *kind, cJSON *of_kind) {
    const cJSON *ack =
        ask(bench, "report", body_report(worker, experiment, attempt, kind, of_kind), "ack");
    assert_int_equal(number_of(ack, "sequence"), 7);
    return cJSON_IsTrue(json_member(ack, "fenced"));
}

static inline const char *stop_of_beat(struct bench *bench, const char *worker,
                                       long long experiment, long long attempt) {
    return text_of(ask(bench, "heartbeat",
                       body("{\"worker\": \"%s\", \"experiment\": %lld, \"attempt\": %lld}", worker,
                            experiment, attempt),
                       "beat"),
                   "stop");
}

/* The details of one experiment. */
static inline const cJSON *show(struct bench *bench, long long id) {
    const cJSON *details = ask(bench, "show", body("{\"ids\": [%lld]}", id), "details");
    return json_member(details, "experiments")->child;
}

static inline void state_is(struct bench *bench, long long id, const char *expected) {
    assert_string_equal(text_of(show(bench, id), "state"), expected);
}

/* Pages through the answers of "show" or "list" with the selection ("" or "\"key\": value,"); marks
 * what came, which must be in order and `most` at the most. Returns how many pages it took. */
static inline int page_through(struct bench *bench, const char *name, const char *selection,
                               bool seen[], long long most) {
    const char *expected = strcmp(name, "show") == 0 ? "details" : "experiments";
    long long after = 0, last = 0;
    int pages = 0;
    memset(seen, 0, (size_t)most + 1);
    do {
        const cJSON *answer =
            ask(bench, name, body("{%s \"after\": %lld}", selection, after), expected);
        const cJSON *one, *next = json_member(answer, "next");
        cJSON_ArrayForEach(one, json_member(answer, "experiments")) {
            assert_in_range(number_of(one, "id"), last + 1, most);
            last = number_of(one, "id");
            seen[last] = true;
        }
        after = cJSON_IsNumber(next) ? number_of(answer, "next") : 0;
        pages++;
    } while (after > 0);
    return pages;
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_set, bench_strike)

#endif
