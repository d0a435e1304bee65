/* The agent against a coordinator that the test plays on a real socket, with a trainer that the
 * test holds back: an "epoch" is reported each time the test allows one. */
#include "worker/agent.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/safetensors.h"
#include "core/wire.h"
#include "net/frames.h"
#include "worker/spool.h"

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

static atomic_int epochs_allowed, trainings;
static enum trainer_outcome last_outcome; /* read after agent_run has returned */
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_resume[128]; /* guarded by last_lock */

static enum trainer_outcome fake_train(const struct experiment *experiment,
                                       const struct trainer_options *options,
                                       const struct trainer_events *events, struct error *error) {
    pthread_mutex_lock(&last_lock);
    snprintf(last_resume, sizeof last_resume, "%s", options->resume != NULL ? options->resume : "");
    pthread_mutex_unlock(&last_lock);
    atomic_fetch_add(&trainings, 1);
    if (strcmp(experiment->name, "breaks") == 0) {
        error_set(error, ERROR_INPUT, "real/0007.png: not a PNG file");
        return last_outcome = TRAINER_FAILED;
    }
    if (strcmp(experiment->name, "has no memory") == 0) {
        error_machine(error, "out of memory for a plan");
        return last_outcome = TRAINER_FAILED;
    }
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
        while (atomic_load(&epochs_allowed) < (int)epoch) {
            if (events->stop(events->context))
                return last_outcome = TRAINER_STOPPED;
            usleep(1000);
        }
        struct epoch_report report = {.epoch = epoch, .learning_rate = 0.1};
        metrics_add(&report.train, 1, 1, 0.5);
        metrics_add(&report.valid, 0, 1, 0.5);
        events->epoch(events->context, &report);
    }
    return last_outcome = TRAINER_DONE;
}

/* Once the first epoch has been reported. */
static void assert_resumed_from(const char *path) {
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

static void say_nothing(void *context, bool trouble, const char *line) {
    (void)context;
    (void)trouble;
    (void)line;
}

static void *run_agent(void *context) {
    struct stage *stage = context;
    stage->ok = agent_run(&stage->options, &stage->code, &stage->error);
    return NULL;
}

static void coordinator_bind(struct stage *stage) {
    size_t length = sizeof stage->endpoint;
    stage->router = zmq_socket(stage->context, ZMQ_ROUTER);
    frames_set_options(stage->router, stage->endpoint);
    /* a socket that was just closed may still hold the port for a moment */
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    while (zmq_bind(stage->router, stage->endpoint) != 0)
        assert_true(clock_steady_ms() < until_ms);
    zmq_getsockopt(stage->router, ZMQ_LAST_ENDPOINT, stage->endpoint, &length);
}

static int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    *state = stage;
    strcpy(stage->folder, "/tmp/assay-agent-XXXXXX");
    strcpy(stage->endpoint, "tcp://127.0.0.1:*");
    if (mkdtemp(stage->folder) == NULL)
        return 1;
    atomic_store(&epochs_allowed, 0);
    atomic_store(&trainings, 0);
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
                                            .say = say_nothing};
    return 0;
}

static void start_worker(struct stage *stage) {
    assert_int_equal(pthread_create(&stage->thread, NULL, run_agent, stage), 0);
}

static int stage_strike(void **state) {
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

static void next_request(struct stage *stage) {
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

static void answer(struct stage *stage, const char *name, const char *body) {
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
static void expect(struct stage *stage, const char *name) {
    for (;;) {
        next_request(stage);
        if (strcmp(stage->request.name, name) == 0)
            break;
        assert_string_equal(stage->request.name, "heartbeat");
        answer(stage, "beat", "{\"stop\":null}");
    }
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(stage->request.body, "worker")),
                        "worker-1");
}

static void greet(struct stage *stage) {
    expect(stage, "hello");
    answer(stage, "welcome", "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\"}");
}

#define DATABASE_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DATABASE_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HISTORY_1 "11111111111111111111111111111111"
#define HISTORY_2 "22222222222222222222222222222222"

static void greet_as(struct stage *stage, const char *database, const char *history) {
    char body[256];
    snprintf(body, sizeof body,
             "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\",\"database\":\"%s\","
             "\"history\":\"%s\"}",
             database, history);
    expect(stage, "hello");
    answer(stage, "welcome", body);
}

/* What the last request goes by. */
static void history_is(const struct stage *stage, const char *expected) {
    const char *history = cJSON_GetStringValue(cJSON_GetObjectItem(stage->request.body, "history"));
    assert_string_equal(history != NULL ? history : "none", expected);
}

/* Another coordinator takes the place of the one before. */
static void replace_coordinator(struct stage *stage, const char *database, const char *history) {
    next_request(stage); /* so the answer before it has arrived */
    zmq_close(stage->router);
    coordinator_bind(stage);
    greet_as(stage, database, history);
}

/* `from`: "" or a member of the assignment, with a comma behind it. */
static void assign_from(struct stage *stage, const char *name, const char *from) {
    char body[1024];
    snprintf(body, sizeof body,
             "{\"experiment\":7,\"attempt\":2,\"name\":\"%s\",\"variant\":{},\"resume\":null,"
             "%s\"files\":[],\"config\":"
             "{\"name\":\"%s\",\"data\":{\"classes\":["
             "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
             "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}}",
             name, from, name);
    expect(stage, "request");
    answer(stage, "assignment", body);
}

static void assign(struct stage *stage, const char *name) {
    assign_from(stage, name, "");
}

static const cJSON *expect_report(struct stage *stage, const char *kind) {
    expect(stage, "report");
    const cJSON *request = stage->request.body;
    assert_int_equal(cJSON_GetObjectItem(request, "experiment")->valueint, 7);
    assert_string_equal(cJSON_GetObjectItem(request, "kind")->valuestring, kind);
    return cJSON_GetObjectItem(request, "body");
}

static void acknowledge(struct stage *stage, bool fenced) {
    char body[64];
    snprintf(body, sizeof body, "{\"sequence\":%d,\"fenced\":%s}",
             cJSON_GetObjectItem(stage->request.body, "sequence")->valueint,
             fenced ? "true" : "false");
    answer(stage, "ack", body);
}

static void expect_epoch(struct stage *stage, int epoch) {
    const cJSON *body = expect_report(stage, "epoch");
    assert_int_equal(cJSON_GetObjectItem(body, "epoch")->valueint, epoch);
    acknowledge(stage, false);
}

static void expect_end(struct stage *stage, const char *outcome) {
    const cJSON *body = expect_report(stage, "end");
    assert_string_equal(cJSON_GetObjectItem(body, "outcome")->valuestring, outcome);
}

static void send_off(struct stage *stage) {
    expect(stage, "goodbye");
    answer(stage, "farewell", "{}");
    pthread_join(stage->thread, NULL);
    assert_true(stage->ok);
    assert_int_equal(stage->code, 0);
}

static void tell_to_leave(struct stage *stage) {
    const uint64_t one = 1;
    assert_int_equal(write(stage->options.leave_fd, &one, sizeof one), sizeof one);
}

/* Out of work: asks to leave and answers what still comes. */
static void let_go(struct stage *stage) {
    expect(stage, "request");
    tell_to_leave(stage);
    answer(stage, "nothing", "{\"retry_ms\":60000}");
    send_off(stage);
}

static size_t left_in_spool(const struct stage *stage) {
    struct spool *spool = NULL;
    struct error error = {0};
    if (!spool_open(stage->folder, &spool, &error))
        fail_msg("%s", error.message);
    size_t count = spool_count(spool);
    spool_close(spool);
    return count;
}

/* ---- tests ---- */

static void every_report_of_an_assignment_arrives_in_order_before_the_next_request(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    for (int epoch = 1; epoch <= EPOCHS; epoch++)
        expect_epoch(stage, epoch);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(left_in_spool(stage), 0);
}

static void
training_goes_on_without_the_coordinator_and_its_reports_arrive_when_it_is_back(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    next_request(stage); /* so the answer before it has arrived */
    assert_string_equal(stage->request.name, "heartbeat");
    zmq_close(stage->router);
    atomic_store(&epochs_allowed, EPOCHS);
    coordinator_bind(stage);
    greet(stage);
    for (int epoch = 2; epoch <= EPOCHS; epoch++)
        expect_epoch(stage, epoch);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 1);
}

static void an_unanswered_report_is_sent_again_with_the_same_sequence(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_report(stage, "epoch");
    int sequence = cJSON_GetObjectItem(stage->request.body, "sequence")->valueint;
    zmq_close(stage->router); /* it dies before it answers */
    coordinator_bind(stage);
    greet(stage);
    expect_report(stage, "epoch");
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "sequence")->valueint, sequence);
    acknowledge(stage, false);
    expect_epoch(stage, 2);
    expect_epoch(stage, 3);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

static void
an_answer_that_comes_after_the_patience_is_over_still_acknowledges_a_report(void **state) {
    struct stage *stage = *state;
    char body[64];
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_report(stage, "epoch");
    uint64_t report = stage->request.request;
    snprintf(body, sizeof body, "{\"sequence\":%d,\"fenced\":false}",
             cJSON_GetObjectItem(stage->request.body, "sequence")->valueint);
    zmq_close(stage->router); /* so that the worker says hello again */
    coordinator_bind(stage);
    expect(stage, "hello");
    uint64_t hello = stage->request.request;
    stage->request.request = report;
    answer(stage, "ack", body);
    stage->request.request = hello;
    answer(stage, "welcome", "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\"}");
    expect_epoch(stage, 2);
    expect_epoch(stage, 3);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

static void a_cancelled_experiment_is_stopped_and_not_reported_any_more(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    do
        next_request(stage);
    while (strcmp(stage->request.name, "heartbeat") != 0);
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "experiment")->valueint, 7);
    answer(stage, "beat", "{\"stop\":\"cancelled\"}");
    let_go(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
    assert_int_equal(left_in_spool(stage), 0);
}

static void a_worker_that_is_told_to_drain_gives_its_experiment_back(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    do
        next_request(stage);
    while (strcmp(stage->request.name, "heartbeat") != 0);
    answer(stage, "beat", "{\"stop\":\"drain\"}");
    expect_end(stage, "given_back");
    acknowledge(stage, false);
    send_off(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
}

static void a_fenced_report_stops_the_trainer_and_empties_the_spool(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 2);
    expect_report(stage, "epoch");
    acknowledge(stage, true);
    let_go(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
    assert_int_equal(left_in_spool(stage), 0);
}

static void told_to_leave_it_gives_the_experiment_back_and_says_goodbye(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    tell_to_leave(stage);
    expect_end(stage, "given_back");
    acknowledge(stage, false);
    send_off(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
}

static void a_fault_of_the_input_ends_failed_with_its_message_and_no_retry(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "breaks");
    expect_end(stage, "failed");
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_string_equal(cJSON_GetObjectItem(body, "error")->valuestring,
                        "real/0007.png: not a PNG file");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(body, "retry")));
    acknowledge(stage, false);
    let_go(stage);
}

static void
what_the_machine_cannot_do_is_given_back_with_the_reason_and_no_more_is_asked_for(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    assign(stage, "has no memory");
    expect_end(stage, "given_back");
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_string_equal(cJSON_GetObjectItem(body, "error")->valuestring,
                        "out of memory for a plan");
    acknowledge(stage, false);
    tell_to_leave(stage);
    send_off(stage); /* which takes no `request` */
}

static void
what_belongs_to_one_database_waits_until_its_coordinator_is_back_and_never_reaches_another(
    void **state) {
    struct stage *stage = *state;
    char path[160];
    start_worker(stage);
    greet_as(stage, DATABASE_A, HISTORY_1);
    assign(stage, "one");
    history_is(stage, HISTORY_1);
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    next_request(stage); /* so the answer before it has arrived */
    atomic_store(&epochs_allowed, 0);
    zmq_close(stage->router);
    coordinator_bind(stage);
    greet_as(stage, DATABASE_B, HISTORY_2);
    assign(stage, "one"); /* of the same numbers: 7, attempt 2 */
    history_is(stage, HISTORY_2);
    atomic_store(&epochs_allowed, EPOCHS);
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        expect_epoch(stage, epoch);
        history_is(stage, HISTORY_2);
    }
    expect_end(stage, "done");
    acknowledge(stage, false);
    replace_coordinator(stage, DATABASE_A, HISTORY_1);
    expect_end(stage, "given_back"); /* all that the first one has still to hear */
    history_is(stage, HISTORY_1);
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 2);
    snprintf(path, sizeof path, "%s/experiments/7/experiment.json", stage->folder);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/databases/" DATABASE_B "/experiments/7/experiment.json",
             stage->folder);
    assert_int_equal(access(path, F_OK), 0);
}

static void after_a_backup_was_restored_work_begins_anew_from_what_is_on_the_disk(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet_as(stage, DATABASE_A, HISTORY_1);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_report(stage, "epoch");
    zmq_close(stage->router); /* lost with all it knew, and a backup is restored */
    coordinator_bind(stage);
    greet_as(stage, DATABASE_A, HISTORY_2);
    assign(stage, "one"); /* to whom it was assigned when the backup was made */
    history_is(stage, HISTORY_2);
    atomic_store(&epochs_allowed, EPOCHS);
    for (int epoch = 1; epoch <= EPOCHS; epoch++)
        expect_epoch(stage, epoch);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 2);
    assert_int_equal(left_in_spool(stage), 0);
}

static void an_answer_of_before_it_moved_acknowledges_nothing(void **state) {
    struct stage *stage = *state;
    char late[64];
    start_worker(stage);
    greet_as(stage, DATABASE_A, HISTORY_1);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_report(stage, "epoch");
    uint64_t number = stage->request.request;
    snprintf(late, sizeof late, "{\"sequence\":%d,\"fenced\":false}",
             cJSON_GetObjectItem(stage->request.body, "sequence")->valueint);
    zmq_close(stage->router);
    coordinator_bind(stage);
    greet_as(stage, DATABASE_B, HISTORY_2);
    assign(stage, "one");
    expect_report(stage, "epoch"); /* the first of this spool: the same sequence */
    uint64_t newer = stage->request.request;
    stage->request.request = number;
    answer(stage, "ack", late);
    stage->request.request = newer;
    answer(stage, "error", "{\"code\":\"internal\",\"message\":\"later\"}");
    expect_epoch(stage, 1);
    atomic_store(&epochs_allowed, EPOCHS);
    expect_epoch(stage, 2);
    expect_epoch(stage, 3);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

static void a_configuration_that_is_not_understood_ends_failed_without_training(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    expect(stage, "request");
    answer(stage, "assignment",
           "{\"experiment\":7,\"attempt\":1,\"name\":\"x\",\"variant\":{},\"resume\":null,"
           "\"files\":[],"
           "\"config\":{\"name\":\"x\",\"brightness\":3}}");
    expect_end(stage, "failed");
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_non_null(strstr(cJSON_GetObjectItem(body, "error")->valuestring, "brightness"));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(body, "retry")));
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 0);
}

static void what_a_killed_worker_left_is_sent_first_and_its_attempt_ended_as_failed(void **state) {
    struct stage *stage = *state;
    struct spool *spool = NULL;
    struct error error = {0};
    assert_true(spool_open(stage->folder, &spool, &error));
    assert_true(spool_hold(spool, 7, 1, &error));
    assert_true(spool_put(spool, 7, 1, "log", "{\"offset\":0,\"text\":\"a\"}", &error));
    spool_close(spool);
    start_worker(stage);
    greet(stage);
    expect_report(stage, "log");
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "attempt")->valueint, 1);
    acknowledge(stage, false);
    expect_end(stage, "failed");
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "attempt")->valueint, 1);
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(body, "retry")));
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(left_in_spool(stage), 0);
}

static void put_old_checkpoint(const struct stage *stage, char path[128]) {
    struct error error = {0};
    snprintf(path, 128, "%s/experiments/7", stage->folder);
    assert_true(folder_make(path, &error));
    strcat(path, "/checkpoint_last.safetensors");
    assert_true(file_write_atomic(path, "old", 3, &error));
}

static void the_folder_of_another_experiment_is_set_aside(void **state) {
    struct stage *stage = *state;
    char path[128];
    put_old_checkpoint(stage, path);
    start_worker(stage);
    greet(stage);
    assign(stage, "breaks");
    expect_end(stage, "failed");
    acknowledge(stage, false);
    let_go(stage);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/experiments/7.1/checkpoint_last.safetensors", stage->folder);
    assert_int_equal(access(path, F_OK), 0);
}

static void the_folder_of_a_fork_of_another_checkpoint_is_set_aside(void **state) {
    struct stage *stage = *state;
    static const char *const from[] = {"1", "1", "2"};
    char kept[128], aside[128];
    snprintf(aside, sizeof aside, "%s/experiments/7.1", stage->folder);
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < 3; i++) {
        char member[256];
        snprintf(member, sizeof member,
                 "\"from\":{\"experiment\":3,\"checkpoint\":\"%s\",\"epoch\":%s,"
                 "\"path\":\"/nowhere/3\",\"host\":\"h\"},",
                 from[i], from[i]);
        assign_from(stage, "breaks", member);
        expect_end(stage, "failed");
        acknowledge(stage, false);
        assert_int_equal(access(aside, F_OK), i < 2 ? -1 : 0);
        put_old_checkpoint(stage, kept);
    }
    assign(stage, "breaks"); /* it is no fork at all */
    expect_end(stage, "failed");
    acknowledge(stage, false);
    let_go(stage);
    snprintf(aside, sizeof aside, "%s/experiments/7.2", stage->folder);
    assert_int_equal(access(aside, F_OK), 0);
}

static void the_folder_of_an_earlier_attempt_is_kept(void **state) {
    struct stage *stage = *state;
    char path[128];
    start_worker(stage);
    greet(stage);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    put_old_checkpoint(stage, path);
    atomic_store(&epochs_allowed, EPOCHS);
    expect_epoch(stage, 2);
    expect_epoch(stage, 3);
    expect_end(stage, "done");
    acknowledge(stage, false);
    assign(stage, "one");
    expect_epoch(stage, 1);
    assert_int_equal(access(path, F_OK), 0);
    tell_to_leave(stage);
    for (;;) {
        expect(stage, "report");
        bool end =
            strcmp(cJSON_GetObjectItem(stage->request.body, "kind")->valuestring, "end") == 0;
        acknowledge(stage, false);
        if (end)
            break;
    }
    send_off(stage);
}

/* A file that is nothing else of a checkpoint than which experiment it is of: assign_files's with
 * these weights. */
static void put_checkpoint_of(const char *path, const char *weights) {
    struct error error = {0};
    char config[512];
    snprintf(config, sizeof config,
             "{\"name\":\"n\",\"model\":{\"weights\":\"%s\"},\"data\":{\"classes\":["
             "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
             "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}",
             weights);
    const struct metadata metadata = {"config", config};
    assert_true(safetensors_write(path, NULL, 0, &metadata, 1, &error));
}

/* Answers with an assignment of these weights and, unless NULL, this checkpoint to go on from. */
static void assign_files(struct stage *stage, const char *weights, const char *resume) {
    char body[1024], checkpoint[512] = "null";
    if (resume != NULL)
        snprintf(checkpoint, sizeof checkpoint, "{\"epoch\":1,\"path\":\"%s\",\"host\":\"h\"}",
                 resume);
    snprintf(
        body, sizeof body,
        "{\"experiment\":7,\"attempt\":2,\"name\":\"n\",\"variant\":{},\"resume\":%s,\"files\":[],"
        "\"config\":{\"name\":\"n\",\"model\":{\"weights\":\"%s\"},\"data\":{\"classes\":["
        "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
        "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}}",
        checkpoint, weights);
    expect(stage, "request");
    answer(stage, "assignment", body);
}

/* Makes FOLDER/data and FOLDER/more, the roots, and FOLDER/work, the worker's own folder. */
static void limit_reading(struct stage *stage, char data[80], char more[80], char work[80]) {
    struct error error = {0};
    snprintf(data, 80, "%s/data", stage->folder);
    snprintf(more, 80, "%s/more", stage->folder);
    snprintf(work, 80, "%s/work", stage->folder);
    assert_true(folder_make(data, &error) && folder_make(more, &error) &&
                folder_make(work, &error));
    stage->options.data_root = data;
    stage->options.weights_root = more;
    stage->options.dir = work;
}

static void weights_outside_what_a_worker_may_read_are_refused_there_or_not(void **state) {
    struct stage *stage = *state;
    char data[80], more[80], work[80], link[128], climbing[128];
    limit_reading(stage, data, more, work);
    snprintf(link, sizeof link, "%s/link", data);
    snprintf(climbing, sizeof climbing, "%s/../../../etc/passwd", data);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    const char *const paths[] = {"/etc/passwd", "/etc/shadow", "/nowhere/at/all",
                                 "etc/passwd",  climbing,      link};
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assign_files(stage, paths[i], NULL);
        expect_end(stage, "failed");
        const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
        const char *said = cJSON_GetObjectItem(body, "error")->valuestring;
        if (strstr(said, "is not inside") == NULL)
            fail_msg("%s: %s", paths[i], said);
        acknowledge(stage, false);
    }
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 0);
}

static void weights_and_checkpoints_in_a_workers_roots_and_its_folder_are_read(void **state) {
    struct stage *stage = *state;
    char data[80], more[80], work[80];
    limit_reading(stage, data, more, work);
    const char *const folders[] = {data, more, work};
    atomic_store(&epochs_allowed, EPOCHS);
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/w.safetensors", folders[i]);
        put_checkpoint_of(path, path);
        assign_files(stage, path, path);
        for (int epoch = 1; epoch <= EPOCHS; epoch++)
            expect_epoch(stage, epoch);
        expect_end(stage, "done");
        acknowledge(stage, false);
        assert_resumed_from(path);
    }
    let_go(stage);
}

static void a_checkpoint_outside_what_a_worker_may_read_is_as_one_that_is_not_there(void **state) {
    struct stage *stage = *state;
    char data[80], more[80], work[80], weights[128], outside[128];
    struct error error = {0};
    limit_reading(stage, data, more, work);
    snprintf(weights, sizeof weights, "%s/w.safetensors", data);
    snprintf(outside, sizeof outside, "%s/checkpoint_last.safetensors", stage->folder);
    assert_true(file_write_atomic(weights, "x", 1, &error));
    put_checkpoint_of(outside, weights);
    atomic_store(&epochs_allowed, EPOCHS);
    start_worker(stage);
    greet(stage);
    assign_files(stage, weights, outside);
    expect_epoch(stage, 1);
    assert_resumed_from("");
    expect_epoch(stage, 2);
    expect_epoch(stage, 3);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

static void a_checkpoint_of_another_experiment_is_as_one_that_is_not_there(void **state) {
    struct stage *stage = *state;
    char other[128];
    snprintf(other, sizeof other, "%s/checkpoint_last.safetensors", stage->folder);
    put_checkpoint_of(other, "/its/own/weights");
    atomic_store(&epochs_allowed, EPOCHS);
    start_worker(stage);
    greet(stage);
    assign_files(stage, "/no/such/weights", other);
    expect_epoch(stage, 1);
    assert_resumed_from("");
    expect_epoch(stage, 2);
    expect_epoch(stage, 3);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

static void a_folder_in_use_is_an_error(void **state) {
    struct stage *stage = *state;
    struct spool *spool = NULL;
    struct error error = {0};
    assert_true(spool_open(stage->folder, &spool, &error));
    assert_false(agent_run(&stage->options, &stage->code, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    spool_close(spool);
}

static void idle_time_without_a_coordinator_ends_with_code_3(void **state) {
    struct stage *stage = *state;
    zmq_close(stage->router);
    stage->router = NULL;
    stage->options.idle_exit_ms = 200;
    assert_true(agent_run(&stage->options, &stage->code, &stage->error));
    assert_int_equal(stage->code, 3);
}

int main(void) {
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        ON_STAGE(every_report_of_an_assignment_arrives_in_order_before_the_next_request),
        ON_STAGE(training_goes_on_without_the_coordinator_and_its_reports_arrive_when_it_is_back),
        ON_STAGE(an_unanswered_report_is_sent_again_with_the_same_sequence),
        ON_STAGE(an_answer_that_comes_after_the_patience_is_over_still_acknowledges_a_report),
        ON_STAGE(a_cancelled_experiment_is_stopped_and_not_reported_any_more),
        ON_STAGE(a_worker_that_is_told_to_drain_gives_its_experiment_back),
        ON_STAGE(a_fenced_report_stops_the_trainer_and_empties_the_spool),
        ON_STAGE(told_to_leave_it_gives_the_experiment_back_and_says_goodbye),
        ON_STAGE(a_fault_of_the_input_ends_failed_with_its_message_and_no_retry),
        ON_STAGE(what_the_machine_cannot_do_is_given_back_with_the_reason_and_no_more_is_asked_for),
        ON_STAGE(
            what_belongs_to_one_database_waits_until_its_coordinator_is_back_and_never_reaches_another),
        ON_STAGE(after_a_backup_was_restored_work_begins_anew_from_what_is_on_the_disk),
        ON_STAGE(an_answer_of_before_it_moved_acknowledges_nothing),
        ON_STAGE(a_configuration_that_is_not_understood_ends_failed_without_training),
        ON_STAGE(what_a_killed_worker_left_is_sent_first_and_its_attempt_ended_as_failed),
        ON_STAGE(the_folder_of_another_experiment_is_set_aside),
        ON_STAGE(the_folder_of_a_fork_of_another_checkpoint_is_set_aside),
        ON_STAGE(the_folder_of_an_earlier_attempt_is_kept),
        ON_STAGE(weights_outside_what_a_worker_may_read_are_refused_there_or_not),
        ON_STAGE(weights_and_checkpoints_in_a_workers_roots_and_its_folder_are_read),
        ON_STAGE(a_checkpoint_outside_what_a_worker_may_read_is_as_one_that_is_not_there),
        ON_STAGE(a_checkpoint_of_another_experiment_is_as_one_that_is_not_there),
        ON_STAGE(a_folder_in_use_is_an_error),
        ON_STAGE(idle_time_without_a_coordinator_ends_with_code_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
