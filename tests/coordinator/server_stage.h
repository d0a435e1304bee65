/* server_stage: a whole coordinator on a socket, in a thread of its own, with a well-behaved client
 * and a bare socket. cmocka's setup and teardown: stage_set, stage_strike. After each test it must
 * stop when told. */
#ifndef ASSAY_TESTS_COORDINATOR_SERVER_STAGE_H
#define ASSAY_TESTS_COORDINATOR_SERVER_STAGE_H

#include "coordinator/server.h"
#include "net/dealer.h"
#include "net/frames.h"
#include "tests/coordinator/bodies.h"
#include "tests/temporary.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000, LEASE_MS = 300 };

struct stage {
    char *folder, *path;
    struct store *store;
    struct coordinator coordinator;
    struct server *server;
    struct exporter *exporter; /* what start exports to, or NULL */
    int stop;
    pthread_t thread;
    bool good; /* of the thread; read after it was joined */
    struct error error;
    struct dealer *dealer; /* a well-behaved client */
    void *context, *raw;   /* one that is not */
};

/* --- the server --- */

static inline void *serve(void *context) {
    struct stage *stage = context;
    stage->good = server_run(stage->server, stage->stop, &stage->error);
    return NULL;
}

static inline void start(struct stage *stage) {
    struct moment now = {.unix_ms = 1700000000000, .steady_ms = 0};
    struct error error = {0};
    stage->stop = eventfd(0, EFD_CLOEXEC);
    if (!store_open(stage->path, &stage->store, &error) ||
        !coordinator_open(&stage->coordinator, stage->store, LEASE_MS, now, &error) ||
        !server_open("tcp://127.0.0.1:*", NULL, &stage->coordinator, &stage->server, &error) ||
        !dealer_open(server_endpoint(stage->server), NULL, &stage->dealer, &error))
        fail_msg("%s", error.message);
    server_export(stage->server, stage->exporter);
    stage->raw = zmq_socket(stage->context, ZMQ_DEALER);
    frames_set_option(stage->raw, ZMQ_LINGER, 0);
    frames_set_option(stage->raw, ZMQ_RCVTIMEO, PATIENCE_MS);
    assert_int_equal(zmq_connect(stage->raw, server_endpoint(stage->server)), 0);
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
}

static inline void stop(struct stage *stage) {
    uint64_t one = 1;
    assert_int_equal(write(stage->stop, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(stage->thread, NULL), 0);
    zmq_close(stage->raw);
    dealer_close(stage->dealer);
    server_close(stage->server);
    coordinator_close(&stage->coordinator);
    store_close(stage->store);
    close(stage->stop);
    if (!stage->good)
        fail_msg("%s", stage->error.message);
}

static inline int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    void *folder;
    if (temporary_make(&folder) != 0)
        return -1;
    stage->folder = folder;
    stage->path = temporary_path(&folder, "assay.db");
    stage->context = zmq_ctx_new();
    start(stage);
    *state = stage;
    return 0;
}

static inline int stage_strike(void **state) {
    struct stage *stage = *state;
    void *folder = stage->folder;
    stop(stage);
    zmq_ctx_term(stage->context);
    free(stage->path);
    free(stage);
    return temporary_remove(&folder);
}

/* --- clients --- */

/* Takes `of_name`; returns the answer's body, which is the caller's. */
static inline cJSON *ask(struct stage *stage, const char *name, cJSON *of_name,
                         const char *expected) {
    struct error error = {0};
    cJSON *answer = NULL;
    if (!dealer_call(stage->dealer, name, of_name, expected, PATIENCE_MS, &answer, &error))
        fail_msg("%s", error.message);
    cJSON_Delete(of_name);
    return answer;
}

static inline double number(const cJSON *object, const char *key) {
    const cJSON *value = json_member(object, key);
    assert_true(cJSON_IsNumber(value));
    return value->valuedouble;
}

static inline int queued(struct stage *stage) {
    cJSON *status = ask(stage, "status", body("{}"), "coordinator");
    int count = (int)number(status, "queued");
    cJSON_Delete(status);
    return count;
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)

#endif
