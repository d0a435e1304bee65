/* agent_stage: the agent against a coordinator that the test plays on a real socket, with a trainer
 * that the test holds back: an "epoch" is reported each time the test allows one. cmocka's setup
 * and teardown: stage_set, stage_strike. */
#ifndef ASSAY_TESTS_WORKER_AGENT_STAGE_H
#define ASSAY_TESTS_WORKER_AGENT_STAGE_H

#include "core/clock.h"
#include "core/wire.h"
#include "net/frames.h"
#include "worker/agent.h"
#include "worker/spool.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000, EPOCHS = 3 };

/* ---- the trainer ---- */

static atomic_int epochs_allowed, epochs_told, trainings; /* told: of the last training */
static enum trainer_outcome last_outcome;                 /* read after agent_run has returned */
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_resume[128], last_backend[16]; /* guarded by last_lock, as are the next */
static int last_device, last_threads;
static char last_said[8192]; /* the lines for people, each ended by \n */

static inline void tell_epoch(const struct trainer_events *events, uint32_t epoch) {
    struct epoch_report report = {.epoch = epoch, .learning_rate = 0.1};
    metrics_add(&report.train, 1, 1, 0.5);
    metrics_add(&report.valid, 0, 1, 0.5);
    events->epoch(events->context, &report);
    atomic_store(&epochs_told, (int)epoch);
}

static inline enum trainer_outcome fake_train(const struct experiment *experiment,
                                              const struct trainer_options *options,
                                              const struct trainer_events *events,
                                              struct error *error) {
    pthread_mutex_lock(&last_lock);
    snprintf(last_resume, sizeof last_resume, "%s", options->resume != NULL ? options->resume : "");
    snprintf(last_backend, sizeof last_backend, "%s", options->backend);
    last_device = options->device;
    last_threads = options->threads;
    pthread_mutex_unlock(&last_lock);
    atomic_fetch_add(&trainings, 1);
    if (strcmp(experiment->name, "breaks") == 0) {
        error_set(error, ERROR_INPUT, "real/0007.png: not a PNG file");
        return last_outcome = TRAINER_FAILED;
    }
    if (strcmp(experiment->name, "fails") == 0) {
        error_set(error, ERROR_FAILED, "the cable is loose");
        return last_outcome = TRAINER_FAILED;
    }
    if (strcmp(experiment->name, "has no memory") == 0) {
        error_machine(error, "out of memory for a plan");
        return last_outcome = TRAINER_FAILED;
    }
    if (strcmp(experiment->name, "has no room") == 0) {
        errno = ENOSPC;
        error_errno(error, ERROR_FAILED, "cannot write a checkpoint");
        return last_outcome = TRAINER_FAILED;
    }
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
        while (atomic_load(&epochs_allowed) < (int)epoch) {
            if (events->stop(events->context)) {
                if (strcmp(experiment->name, "ends late") == 0)
                    tell_epoch(events, epoch);
                return last_outcome = TRAINER_STOPPED;
            }
            usleep(1000);
        }
        if (epoch > 1 && events->stop_epoch(events->context) == epoch - 1)
            return last_outcome = TRAINER_DONE;
        tell_epoch(events, epoch);
    }
    return last_outcome = TRAINER_DONE;
}

/* Once the first epoch has been reported. */
static inline void assert_resumed_from(const char *path) {
    char resume[sizeof last_resume];
    pthread_mutex_lock(&last_lock);
    memcpy(resume, last_resume, sizeof resume);
    pthread_mutex_unlock(&last_lock);
    assert_string_equal(resume, path);
}

/* ---- the worker under test, on its own thread ---- */

struct stage {
    char folder[64], endpoint[64];
    struct agent_options options;
    pthread_t thread;
    int code;
    bool ok;
    struct error error;
    /* the coordinator */
    void *context, *router;
    struct frames peer; /* holds the last request's identity */
    struct wire_message request;
};

static inline void keep_said(void *context, bool trouble, const char *line) {
    (void)context;
    (void)trouble;
    pthread_mutex_lock(&last_lock);
    size_t length = strlen(last_said);
    snprintf(last_said + length, sizeof last_said - length, "%s\n", line);
    pthread_mutex_unlock(&last_lock);
}

static inline void *run_agent(void *context) {
    struct stage *stage = context;
    stage->ok = agent_run(&stage->options, &stage->code, &stage->error);
    return NULL;
}

static inline void coordinator_bind(struct stage *stage) {
    size_t length = sizeof stage->endpoint;
    stage->router = zmq_socket(stage->context, ZMQ_ROUTER);
    frames_set_options(stage->router, stage->endpoint);
    /* a socket that was just closed may still hold the port for a moment */
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    while (zmq_bind(stage->router, stage->endpoint) != 0)
        assert_true(clock_steady_ms() < until_ms);
    zmq_getsockopt(stage->router, ZMQ_LAST_ENDPOINT, stage->endpoint, &length);
}

static inline int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    *state = stage;
    strcpy(stage->folder, "/tmp/assay-agent-XXXXXX");
    strcpy(stage->endpoint, "tcp://127.0.0.1:*");
    if (mkdtemp(stage->folder) == NULL)
        return 1;
    atomic_store(&epochs_allowed, 0);
    atomic_store(&epochs_told, 0);
    atomic_store(&trainings, 0);
    last_said[0] = '\0';
    stage->context = zmq_ctx_new();
    coordinator_bind(stage);
    stage->options = (struct agent_options){.connect = stage->endpoint,
                                            .dir = stage->folder,
                                            .name = "worker-1",
                                            .backend = "cpu",
                                            .slots = 1,
                                            .idle_exit_ms = -1,
                                            .leave_fd = eventfd(0, EFD_CLOEXEC),
                                            .train = fake_train,
                                            .say = keep_said};
    return 0;
}

static inline void start_worker(struct stage *stage) {
    assert_int_equal(pthread_create(&stage->thread, NULL, run_agent, stage), 0);
}

static inline int stage_strike(void **state) {
    struct stage *stage = *state;
    char command[128];
    wire_message_free(&stage->request);
    frames_free(&stage->peer);
    if (stage->router != NULL)
        zmq_close(stage->router);
    zmq_ctx_term(stage->context);
    close(stage->options.leave_fd);
    snprintf(command, sizeof command, "rm -r '%s'", stage->folder);
    int status = system(command); /* a path of our own making */
    free(stage);
    return status;
}

/* ---- the coordinator ---- */

static inline void next_request(struct stage *stage) {
    zmq_pollitem_t item = {.socket = stage->router, .events = ZMQ_POLLIN};
    enum wire_code code;
    struct error error = {0};
    wire_message_free(&stage->request);
    frames_free(&stage->peer);
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    while (!frames_receive(stage->router, &stage->peer)) {
        assert_true(clock_steady_ms() < until_ms);
        zmq_poll(&item, 1, 100);
    }
    if (!frames_decode(&stage->peer, 1, &stage->request, &code, &error))
        fail_msg("%s", error.message);
}

static inline void answer(struct stage *stage, const char *name, const char *body) {
    struct wire_packet packet;
    struct error error = {0};
    cJSON *json = cJSON_Parse(body);
    assert_non_null(json);
    if (!wire_encode(name, stage->request.request, json, &packet, &error))
        fail_msg("%s", error.message);
    assert_true(frames_send(stage->router, &stage->peer.parts[0], &packet));
    wire_packet_free(&packet);
    cJSON_Delete(json);
}

/* The next request that is no heartbeat; those are answered on the way. */
static inline void expect_of_anybody(struct stage *stage, const char *name) {
    for (;;) {
        next_request(stage);
        if (strcmp(stage->request.name, name) == 0)
            break;
        assert_string_equal(stage->request.name, "heartbeat");
        answer(stage, "beat", "{\"stop\":null}");
    }
}

/* Of the worker itself. */
static inline void expect(struct stage *stage, const char *name) {
    expect_of_anybody(stage, name);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(stage->request.body, "worker")),
                        "worker-1");
}

static inline void greet(struct stage *stage) {
    expect(stage, "hello");
    answer(stage, "welcome", "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\"}");
}

#define DATABASE_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DATABASE_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HISTORY_1 "11111111111111111111111111111111"
#define HISTORY_2 "22222222222222222222222222222222"

static inline void greet_as(struct stage *stage, const char *database, const char *history) {
    char body[256];
    snprintf(body, sizeof body,
             "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\",\"database\":\"%s\","
             "\"history\":\"%s\"}",
             database, history);
    expect(stage, "hello");
    answer(stage, "welcome", body);
}

/* What the last request goes by. */
static inline void history_is(const struct stage *stage, const char *expected) {
    const char *history = cJSON_GetStringValue(cJSON_GetObjectItem(stage->request.body, "history"));
    assert_string_equal(history != NULL ? history : "none", expected);
}

/* Another coordinator takes the place of the one before. */
static inline void replace_coordinator(struct stage *stage, const char *database,
                                       const char *history) {
    next_request(stage); /* so the answer before it has arrived */
    zmq_close(stage->router);
    coordinator_bind(stage);
    greet_as(stage, database, history);
}

/* Answers whatever was asked. `from`: "" or a member of the assignment, with a comma behind it. */
static inline void answer_assignment(struct stage *stage, const char *name, const char *from) {
    char body[1024];
    snprintf(body, sizeof body,
             "{\"experiment\":7,\"attempt\":2,\"name\":\"%s\",\"variant\":{},\"resume\":null,"
             "%s\"files\":[],\"config\":"
             "{\"name\":\"%s\",\"data\":{\"classes\":["
             "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
             "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}}",
             name, from, name);
    answer(stage, "assignment", body);
}

static inline void assign_from(struct stage *stage, const char *name, const char *from) {
    expect(stage, "request");
    answer_assignment(stage, name, from);
}

static inline void assign(struct stage *stage, const char *name) {
    assign_from(stage, name, "");
}

/* A worker that comes, is let in and gets the experiment. */
static inline void start_work(struct stage *stage, const char *name) {
    start_worker(stage);
    greet(stage);
    assign(stage, name);
}

static inline const cJSON *expect_report(struct stage *stage, const char *kind) {
    expect(stage, "report");
    const cJSON *request = stage->request.body;
    assert_int_equal(cJSON_GetObjectItem(request, "experiment")->valueint, 7);
    assert_string_equal(cJSON_GetObjectItem(request, "kind")->valuestring, kind);
    return cJSON_GetObjectItem(request, "body");
}

static inline void acknowledge(struct stage *stage, bool fenced) {
    char body[64];
    snprintf(body, sizeof body, "{\"sequence\":%d,\"fenced\":%s}",
             cJSON_GetObjectItem(stage->request.body, "sequence")->valueint,
             fenced ? "true" : "false");
    answer(stage, "ack", body);
}

static inline void expect_epoch(struct stage *stage, int epoch) {
    const cJSON *body = expect_report(stage, "epoch");
    assert_int_equal(cJSON_GetObjectItem(body, "epoch")->valueint, epoch);
    acknowledge(stage, false);
}

static inline void expect_end(struct stage *stage, const char *outcome) {
    const cJSON *body = expect_report(stage, "end");
    assert_string_equal(cJSON_GetObjectItem(body, "outcome")->valuestring, outcome);
}

/* The epochs from this one on, and that they were all. */
static inline void expect_rest(struct stage *stage, int epoch) {
    for (; epoch <= EPOCHS; epoch++)
        expect_epoch(stage, epoch);
    expect_end(stage, "done");
    acknowledge(stage, false);
}

static inline void say_farewell(struct stage *stage) {
    expect(stage, "goodbye");
    answer(stage, "farewell", "{}");
    pthread_join(stage->thread, NULL);
}

static inline void send_off(struct stage *stage) {
    say_farewell(stage);
    assert_true(stage->ok);
    assert_int_equal(stage->code, 0);
}

static inline void tell_to_leave(struct stage *stage) {
    const uint64_t one = 1;
    assert_int_equal(write(stage->options.leave_fd, &one, sizeof one), sizeof one);
}

/* Out of work: asks to leave and answers what still comes. */
static inline void let_go(struct stage *stage) {
    expect(stage, "request");
    tell_to_leave(stage);
    answer(stage, "nothing", "{\"retry_ms\":60000}");
    send_off(stage);
}

/* How many reports; and there is no attempt in it for the next worker to end. */
static inline size_t left_in_spool(const struct stage *stage) {
    struct spool *spool = NULL;
    struct error error = {0};
    int64_t experiment = -1, attempt = -1;
    if (!spool_open(stage->folder, &spool, &error))
        fail_msg("%s", error.message);
    size_t count = spool_count(spool);
    assert_true(spool_held(spool, &experiment, &attempt, &error));
    assert_int_equal(experiment, 0);
    spool_close(spool);
    return count;
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)

#endif
