/* A whole coordinator on a socket, in a thread of its own, and everything that may be thrown at it.
 * After each test it must still answer `status`, and stop when told. */
#include "coordinator/server.h"

#include "core/file.h"
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
    int stop;
    pthread_t thread;
    bool good; /* of the thread; read after it was joined */
    struct error error;
    struct dealer *dealer; /* a well-behaved client */
    void *context, *raw;   /* one that is not */
};

/* --- the server --- */

static void *serve(void *context) {
    struct stage *stage = context;
    stage->good = server_run(stage->server, stage->stop, &stage->error);
    return NULL;
}

static void start(struct stage *stage) {
    struct moment now = {.unix_ms = 1700000000000, .steady_ms = 0};
    struct error error = {0};
    stage->stop = eventfd(0, EFD_CLOEXEC);
    if (!store_open(stage->path, &stage->store, &error) ||
        !coordinator_open(&stage->coordinator, stage->store, LEASE_MS, now, &error) ||
        !server_open("tcp://127.0.0.1:*", NULL, &stage->coordinator, &stage->server, &error) ||
        !dealer_open(server_endpoint(stage->server), NULL, &stage->dealer, &error))
        fail_msg("%s", error.message);
    stage->raw = zmq_socket(stage->context, ZMQ_DEALER);
    frames_set_option(stage->raw, ZMQ_LINGER, 0);
    frames_set_option(stage->raw, ZMQ_RCVTIMEO, PATIENCE_MS);
    assert_int_equal(zmq_connect(stage->raw, server_endpoint(stage->server)), 0);
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
}

static void stop(struct stage *stage) {
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

static int stage_set(void **state) {
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

static int stage_strike(void **state) {
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
static cJSON *ask(struct stage *stage, const char *name, cJSON *of_name, const char *expected) {
    struct error error = {0};
    cJSON *answer = NULL;
    if (!dealer_call(stage->dealer, name, of_name, expected, PATIENCE_MS, &answer, &error))
        fail_msg("%s", error.message);
    cJSON_Delete(of_name);
    return answer;
}

static double number(const cJSON *object, const char *key) {
    const cJSON *value = json_member(object, key);
    assert_true(cJSON_IsNumber(value));
    return value->valuedouble;
}

static int queued(struct stage *stage) {
    cJSON *status = ask(stage, "status", body("{}"), "coordinator");
    int count = (int)number(status, "queued");
    cJSON_Delete(status);
    return count;
}

/* Sends these frames as they are. */
static void throw(struct stage * stage, size_t count, const char *const frames[]) {
    for (size_t i = 0; i < count; i++)
        assert_true(zmq_send(stage->raw, frames[i], strlen(frames[i]),
                             i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
}

/* The next answer is an error with this code and number, and says `word`. */
static void is_refused(struct stage *stage, const char *code, uint64_t request, const char *word) {
    struct frames frames;
    struct wire_message message;
    enum wire_code wire;
    struct error error = {0};
    zmq_pollitem_t item = {.socket = stage->raw, .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_true(frames_receive(stage->raw, &frames));
    if (!frames_decode(&frames, 0, &message, &wire, &error))
        fail_msg("%s", error.message);
    assert_string_equal(message.name, "error");
    assert_string_equal(cJSON_GetStringValue(json_member(message.body, "code")), code);
    assert_int_equal(message.request, request);
    const char *said = cJSON_GetStringValue(json_member(message.body, "message"));
    if (strstr(said, word) == NULL)
        fail_msg("\"%s\" does not say: %s", said, word);
    wire_message_free(&message);
    frames_free(&frames);
}

/* --- what is broken --- */

static void another_version_is_answered_naming_both(void **state) {
    struct stage *stage = *state;
    throw(stage, 4, (const char *const[]){"assay/2", "status", "7", "{}"});
    is_refused(stage, "version", 7, "assay/2");
    throw(stage, 4, (const char *const[]){"assay/2", "status", "7", "{}"});
    is_refused(stage, "version", 7, "assay/1");
    throw(stage, 5, (const char *const[]){"assay/9", "status", "8", "{}", "more"});
    is_refused(stage, "version", 8, "assay/9");
    assert_int_equal(queued(stage), 0);
}

static void what_is_not_assay_is_answered_too(void **state) {
    struct stage *stage = *state;
    throw(stage, 1, (const char *const[]){""});
    is_refused(stage, "version", 0, "not a message of assay/1");
    throw(stage, 2, (const char *const[]){"GET / HTTP/1.1", "\x01\x02\x1b[2J"});
    is_refused(stage, "version", 0, "GET / HTTP");
    throw(stage, 1, (const char *const[]){"\xff\xfe\x1b]0;evil\x07"});
    is_refused(stage, "version", 0, "???]0;evil?");
    assert_int_equal(queued(stage), 0);
}

static void the_number_of_frames_is_four(void **state) {
    struct stage *stage = *state;
    const char *frames[200];
    for (size_t i = 0; i < 200; i++)
        frames[i] = "1";
    frames[0] = "assay/1";
    frames[1] = "status";
    for (size_t count = 1; count <= 200; count = count < 8 ? count + 1 : count * 5) {
        char word[32];
        if (count == 4)
            continue;
        throw(stage, count, frames);
        snprintf(word, sizeof word, "has 4 frames, this one %zu", count);
        is_refused(stage, "invalid", count >= 3, word);
    }
    assert_int_equal(queued(stage), 0);
}

static void broken_requests_are_refused_with_their_number(void **state) {
    struct stage *stage = *state;
    static const struct {
        const char *name, *number, *body, *code, *word;
        uint64_t answered;
    } cases[] = {
        {"sing", "5", "{}", "unknown", "no message is called \"sing\"", 5},
        {"", "5", "{}", "unknown", "no message is called", 5},
        {"Epoch", "5", "{}", "unknown", "Epoch", 5},
        {"submitted", "5", "{\"ids\": [1]}", "unknown", "submitted is no request", 5},
        {"error", "5", "{\"code\": \"state\", \"message\": \"x\"}", "unknown", "no request", 5},
        {"status", "", "{}", "invalid", "no request number", 0},
        {"status", "-1", "{}", "invalid", "\"-1\" is no request number", 0},
        {"status", "99999999999999999999", "{}", "invalid", "no request number", 0},
        {"status", "6", "", "invalid", "status:1", 6},
        {"status", "6", "{", "invalid", "status:1", 6},
        {"status", "6", "[]", "invalid", "the body is no JSON object", 6},
        {"status", "6", "7", "invalid", "the body is no JSON object", 6},
        {"status", "6", "null", "invalid", "the body is no JSON object", 6},
        {"status", "6", "{} {}", "invalid", "status:1", 6},
        {"status", "6", "{\"x\": \"\xff\"}", "invalid", "status:1", 6},
        {"status", "6", "{\"extra\": 1}", "invalid", "extra", 6},
        {"show", "6", "{\"ids\": [0]}", "invalid", "ids[0]", 6},
        {"show", "6", "{\"ids\": [1.5]}", "invalid", "ids[0]", 6},
        {"show", "6", "{\"ids\": [1e300]}", "invalid", "ids[0]", 6},
        {"show", "6", "{\"ids\": \"1\"}", "invalid", "ids", 6},
        {"logs", "6", "{\"id\": 1, \"offset\": -1}", "invalid", "offset", 6},
        {"cancel", "6", "{}", "invalid", "ids", 6},
        {"submit", "6", "{\"key\": \"12345678\", \"experiments\": []}", "invalid", "experiments",
         6},
        {"request", "6", "{\"worker\": \"\"}", "invalid", "worker", 6},
        {"report", "6",
         "{\"worker\": \"w\", \"experiment\": 1, \"attempt\": 1, \"sequence\": 1, \"kind\":"
         " \"epoch\", \"body\": {\"epoch\": \"one\"}}",
         "invalid", "body", 6},
        {"heartbeat", "6", "{\"worker\": \"w\", \"experiment\": 1}", "invalid", "come together", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        throw(stage, 4,
              (const char *const[]){"assay/1", cases[i].name, cases[i].number, cases[i].body});
        is_refused(stage, cases[i].code, cases[i].answered, cases[i].word);
    }
    assert_int_equal(queued(stage), 0);
}

static void deep_nesting_is_refused(void **state) {
    struct stage *stage = *state;
    enum { DEEP = 1 << 20 };
    char *deep = malloc(DEEP + 1);
    memset(deep, '[', DEEP);
    deep[DEEP] = '\0';
    throw(stage, 4, (const char *const[]){"assay/1", "status", "3", deep});
    is_refused(stage, "invalid", 3, "status:1");
    free(deep);
    assert_int_equal(queued(stage), 0);
}

static void a_frame_over_the_limit_is_not_read(void **state) {
    struct stage *stage = *state;
    size_t length = WIRE_BODY_MAX + 1;
    char *large = malloc(length + 1);
    memset(large, ' ', length);
    large[length] = '\0';
    frames_set_option(stage->raw, ZMQ_RCVTIMEO, 100);
    throw(stage, 4, (const char *const[]){"assay/1", "status", "3", large});
    assert_int_equal(queued(stage), 0);
    char nothing[8];
    assert_int_equal(zmq_recv(stage->raw, nothing, sizeof nothing, 0), -1);
    /* As large as may be is read, and answered. */
    large[WIRE_BODY_MAX] = '\0';
    throw(stage, 4, (const char *const[]){"assay/1", "status", "4", large});
    is_refused(stage, "invalid", 4, "status");
    free(large);
    assert_int_equal(queued(stage), 0);
}

static void noise_in_every_form_leaves_no_trace(void **state) {
    struct stage *stage = *state;
    static const char *const pieces[] = {"assay/1", "submit", "1",  "{}",       "",
                                         "hello",   "\xff",   "[[", "{\"key\":"};
    enum { MESSAGES = 2000 };
    uint32_t draw = 12345; /* Numerical Recipes' quick generator: only the order of the pieces */
    int sent = 0;
    for (int i = 0; i < MESSAGES; i++) {
        const char *frames[7];
        draw = draw * 1664525 + 1013904223;
        size_t count = 1 + (draw >> 16) % 7;
        for (size_t j = 0; j < count; j++) {
            draw = draw * 1664525 + 1013904223;
            frames[j] = pieces[(draw >> 16) % (sizeof pieces / sizeof pieces[0])];
        }
        throw(stage, count, frames);
        sent++;
        if (sent == 100) /* each has its answer */
            for (; sent > 0; sent--) {
                struct frames answer;
                zmq_pollitem_t item = {.socket = stage->raw, .events = ZMQ_POLLIN};
                assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
                assert_true(frames_receive(stage->raw, &answer));
                frames_free(&answer);
            }
    }
    assert_int_equal(queued(stage), 0);
    cJSON *workers = ask(stage, "workers", body("{}"), "worker_list");
    assert_int_equal(cJSON_GetArraySize(json_member(workers, "workers")), 0);
    cJSON_Delete(workers);
}

/* --- what is whole --- */

static void workers_train_side_by_side_and_a_silent_one_is_replaced(void **state) {
    struct stage *stage = *state;
    cJSON_Delete(ask(stage, "submit", body_submit("a test's key", 2, 1, 3), "submitted"));
    cJSON_Delete(ask(stage, "submit", body_submit("a test's key", 2, 1, 3), "submitted"));
    assert_int_equal(queued(stage), 2);
    cJSON_Delete(ask(stage, "hello", body_hello("a"), "welcome"));
    cJSON_Delete(ask(stage, "hello", body_hello("b"), "welcome"));
    cJSON *of_a = ask(stage, "request", body_worker("a"), "assignment");
    cJSON *of_b = ask(stage, "request", body_worker("b"), "assignment");
    assert_true(number(of_a, "experiment") == 1);
    assert_true(number(of_b, "experiment") == 2);
    cJSON_Delete(of_a);
    cJSON_Delete(of_b);
    /* b is silent from here on; a goes on until b's lease has ended. */
    int beats = 0;
    while (queued(stage) == 0) {
        cJSON *beat = ask(stage, "heartbeat",
                          body("{\"worker\": \"a\", \"experiment\": 1, \"attempt\": 1}"), "beat");
        assert_true(cJSON_IsNull(json_member(beat, "stop")));
        cJSON_Delete(beat);
        assert_true(++beats < 10000);
        usleep(LEASE_MS * 1000 / 20);
    }
    cJSON *ack = ask(stage, "report", body_report("b", 2, 1, "epoch", body_epoch(1, 0.5)), "ack");
    assert_true(cJSON_IsTrue(json_member(ack, "fenced")));
    cJSON_Delete(ack);
}

static void what_was_answered_is_there_after_a_restart(void **state) {
    struct stage *stage = *state;
    cJSON_Delete(ask(stage, "submit", body_submit("a test's key", 3, 1, 3), "submitted"));
    cJSON_Delete(ask(stage, "hello", body_hello("a"), "welcome"));
    cJSON_Delete(ask(stage, "request", body_worker("a"), "assignment"));
    stop(stage);
    start(stage);
    assert_int_equal(queued(stage), 2);
    cJSON *ack = ask(stage, "report", body_report("a", 1, 1, "epoch", body_epoch(1, 0.5)), "ack");
    assert_true(cJSON_IsFalse(json_member(ack, "fenced")));
    cJSON_Delete(ack);
}

/* --- where it listens --- */

static void a_port_that_is_taken_is_an_error_that_says_so(void **state) {
    struct stage *stage = *state;
    struct server *server = NULL;
    struct error error = {0};
    assert_false(
        server_open(server_endpoint(stage->server), NULL, &stage->coordinator, &server, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "is a coordinator running already?"));
}

/* Where ipc://FILE is `name` in the stage's folder; FILE is listened on or the error is set. */
static struct server *listen_on_file(struct stage *stage, const char *name, struct error *error) {
    char endpoint[256];
    struct server *server = NULL;
    snprintf(endpoint, sizeof endpoint, "ipc://%s/%s", stage->folder, name);
    *error = (struct error){0};
    return server_open(endpoint, NULL, &stage->coordinator, &server, error) ? server : NULL;
}

static void a_socket_file_that_a_coordinator_has_is_an_error_that_says_so(void **state) {
    struct stage *stage = *state;
    struct error error;
    struct server *server = listen_on_file(stage, "socket", &error);
    assert_non_null(server);
    assert_null(listen_on_file(stage, "socket", &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "is a coordinator running already?"));
    server_close(server);
    server = listen_on_file(stage, "socket", &error); /* nobody has it any more */
    assert_non_null(server);
    server_close(server);
}

static void a_file_that_is_no_socket_is_not_removed_to_listen_there(void **state) {
    struct stage *stage = *state;
    struct error error;
    void *folder = stage->folder;
    char *path = temporary_path(&folder, "precious");
    assert_true(file_write_atomic(path, "words", 5, &error));
    assert_null(listen_on_file(stage, "precious", &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, path));
    char *text = NULL;
    size_t length;
    assert_true(file_read(path, 64, &text, &length, &error));
    assert_string_equal(text, "words");
    free(text);
    free(path);
}

/* --- who waits --- */

/* The next answer to the well-behaved client, which has this name. */
static void next_is(struct stage *stage, const char *name, struct wire_message *message) {
    struct error error = {0};
    bool received = false;
    if (!dealer_receive(stage->dealer, PATIENCE_MS, message, &received, &error))
        fail_msg("%s", error.message);
    assert_true(received);
    assert_string_equal(message->name, name);
}

static uint64_t send_request(struct stage *stage, const char *name, cJSON *of_name) {
    struct error error = {0};
    uint64_t request;
    if (!dealer_send(stage->dealer, name, of_name, &request, &error))
        fail_msg("%s", error.message);
    cJSON_Delete(of_name);
    return request;
}

static void who_waits_is_answered_by_what_changes(void **state) {
    struct stage *stage = *state;
    struct wire_message message;
    cJSON *first = ask(stage, "changes", body("{\"since\": 0}"), "change");
    double revision = number(first, "revision");
    cJSON_Delete(first);
    uint64_t waiting = send_request(stage, "changes", body("{\"since\": %.0f}", revision));
    send_request(stage, "status", body("{}"));
    next_is(stage, "coordinator", &message); /* before the one that was asked earlier */
    wire_message_free(&message);
    uint64_t submitting = send_request(stage, "submit", body_submit("a test's key", 1, 1, 1));
    next_is(stage, "submitted", &message);
    assert_int_equal(message.request, submitting);
    wire_message_free(&message);
    next_is(stage, "change", &message);
    assert_int_equal(message.request, waiting);
    assert_true(number(message.body, "revision") > revision);
    wire_message_free(&message);
}

static void of_one_client_the_earlier_wait_is_answered(void **state) {
    struct stage *stage = *state;
    struct wire_message message;
    cJSON *first = ask(stage, "changes", body("{\"since\": 0}"), "change");
    double revision = number(first, "revision");
    cJSON_Delete(first);
    uint64_t earlier = send_request(stage, "changes", body("{\"since\": %.0f}", revision));
    send_request(stage, "changes", body("{\"since\": %.0f}", revision));
    next_is(stage, "change", &message);
    assert_int_equal(message.request, earlier);
    assert_true(number(message.body, "revision") == revision);
    wire_message_free(&message);
    assert_int_equal(queued(stage), 0);
}

int main(void) {
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        ON_STAGE(another_version_is_answered_naming_both),
        ON_STAGE(what_is_not_assay_is_answered_too),
        ON_STAGE(the_number_of_frames_is_four),
        ON_STAGE(broken_requests_are_refused_with_their_number),
        ON_STAGE(deep_nesting_is_refused),
        ON_STAGE(a_frame_over_the_limit_is_not_read),
        ON_STAGE(noise_in_every_form_leaves_no_trace),
        ON_STAGE(workers_train_side_by_side_and_a_silent_one_is_replaced),
        ON_STAGE(what_was_answered_is_there_after_a_restart),
        ON_STAGE(who_waits_is_answered_by_what_changes),
        ON_STAGE(of_one_client_the_earlier_wait_is_answered),
        ON_STAGE(a_port_that_is_taken_is_an_error_that_says_so),
        ON_STAGE(a_socket_file_that_a_coordinator_has_is_an_error_that_says_so),
        ON_STAGE(a_file_that_is_no_socket_is_not_removed_to_listen_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
