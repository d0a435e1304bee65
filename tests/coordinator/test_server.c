/* A whole coordinator: whom it serves and what it keeps, where it listens, and who waits. */
#include "coordinator/watchers.h"
#include "core/file.h"
#include "tests/coordinator/server_stage.h"

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

/* More than the 32 MiB of answers that one batch may hold, a MiB each. */
static void whoever_has_had_much_is_answered_again(void **state) {
    struct stage *stage = *state;
    enum { FILLING = 1 << 20, TIMES = 34 };
    char *filling = calloc(1, FILLING);
    memset(filling, 'v', FILLING - 100);
    cJSON *submit = body_submit("a test's key", 1, 1, 3);
    cJSON *experiment = cJSON_GetObjectItem(submit, "experiments")->child;
    cJSON_DeleteItemFromObject(experiment, "variant");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(experiment, "variant"), "train.seed", filling);
    cJSON_Delete(ask(stage, "submit", submit, "submitted"));
    for (int i = 0; i < TIMES; i++)
        cJSON_Delete(ask(stage, "show", body("{\"ids\": [1]}"), "details"));
    free(filling);
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

static void send_parts(void *socket, const char *name, const char *of_name) {
    const char *const parts[] = {WIRE_PROTOCOL, name, "1", of_name};
    for (size_t i = 0; i < 4; i++)
        assert_true(zmq_send(socket, parts[i], strlen(parts[i]), i < 3 ? ZMQ_SNDMORE : 0) >= 0);
}

static void who_finds_no_place_to_wait_is_answered_at_once(void **state) {
    struct stage *stage = *state;
    void *waiting[WATCHERS_MAX];
    char of_changes[64];
    cJSON *first = ask(stage, "changes", body("{\"since\": 0}"), "change");
    double revision = number(first, "revision");
    snprintf(of_changes, sizeof of_changes, "{\"since\": %.0f}", revision);
    for (size_t i = 0; i < WATCHERS_MAX; i++) {
        zmq_msg_t part;
        waiting[i] = zmq_socket(server_context(stage->server), ZMQ_DEALER);
        frames_set_option(waiting[i], ZMQ_LINGER, 0);
        frames_set_option(waiting[i], ZMQ_RCVTIMEO, PATIENCE_MS);
        assert_int_equal(zmq_connect(waiting[i], SERVER_INSIDE), 0);
        send_parts(waiting[i], "changes", of_changes);
        send_parts(waiting[i], "status", "{}"); /* which is answered after it */
        zmq_msg_init(&part);
        assert_true(zmq_msg_recv(&part, waiting[i], 0) >= 0);
        zmq_msg_close(&part);
    }
    cJSON *now = ask(stage, "changes", body("%s", of_changes), "change");
    assert_true(number(now, "revision") == revision);
    for (size_t i = 0; i < WATCHERS_MAX; i++)
        zmq_close(waiting[i]);
    cJSON_Delete(first);
    cJSON_Delete(now);
}

/* --- a batch that fails --- */

/* In SQLite's exclusive lock the server finds nothing to begin, and the requests wait for it: they
 * are of one batch, which fails since the file is not there to be written. Who waits in it goes on
 * waiting. */
static void who_only_reads_is_answered_where_what_was_to_be_written_is_not_kept(void **state) {
    struct stage *stage = *state;
    struct wire_message message;
    void *folder = stage->folder;
    char *moved = temporary_path(&folder, "moved.db");
    sqlite3 *beside;
    cJSON_Delete(ask(stage, "submit", body_submit("a test's key", 1, 1, 1), "submitted"));
    cJSON *first = ask(stage, "changes", body("{\"since\": 0}"), "change");
    assert_int_equal(sqlite3_open(stage->path, &beside), SQLITE_OK);
    sqlite3_busy_timeout(beside, PATIENCE_MS);
    assert_int_equal(sqlite3_exec(beside, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    uint64_t submitting = send_request(stage, "submit", body_submit("another key", 2, 1, 1));
    uint64_t waiting =
        send_request(stage, "changes", body("{\"since\": %.0f}", number(first, "revision")));
    uint64_t asking = send_request(stage, "status", body("{}"));
    assert_int_equal(rename(stage->path, moved), 0);
    usleep(100000); /* for all to arrive; where they do not, less is tested */
    assert_int_equal(sqlite3_close(beside), SQLITE_OK);
    next_is(stage, "error", &message);
    assert_int_equal(message.request, submitting);
    const char *said = cJSON_GetStringValue(json_member(message.body, "message"));
    if (strstr(said, "was moved away") == NULL)
        fail_msg("%s", said);
    wire_message_free(&message);
    next_is(stage, "coordinator", &message);
    assert_int_equal(message.request, asking);
    assert_true(number(message.body, "queued") == 1);
    wire_message_free(&message);
    assert_int_equal(rename(moved, stage->path), 0);
    send_request(stage, "submit", body_submit("another key", 2, 1, 1));
    next_is(stage, "submitted", &message);
    wire_message_free(&message);
    next_is(stage, "change", &message);
    assert_int_equal(message.request, waiting);
    wire_message_free(&message);
    cJSON_Delete(first);
    assert_int_equal(queued(stage), 3);
    free(moved);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(workers_train_side_by_side_and_a_silent_one_is_replaced),
        ON_STAGE(what_was_answered_is_there_after_a_restart),
        ON_STAGE(whoever_has_had_much_is_answered_again),
        ON_STAGE(who_waits_is_answered_by_what_changes),
        ON_STAGE(of_one_client_the_earlier_wait_is_answered),
        ON_STAGE(who_finds_no_place_to_wait_is_answered_at_once),
        ON_STAGE(who_only_reads_is_answered_where_what_was_to_be_written_is_not_kept),
        ON_STAGE(a_port_that_is_taken_is_an_error_that_says_so),
        ON_STAGE(a_socket_file_that_a_coordinator_has_is_an_error_that_says_so),
        ON_STAGE(a_file_that_is_no_socket_is_not_removed_to_listen_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
