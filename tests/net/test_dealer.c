/* The asking side against a coordinator that the test plays on a ROUTER socket. */
#include "net/dealer.h"

#include "core/clock.h"
#include "core/json.h"
#include "net/frames.h"
#include "tests/few_descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000 };

struct stage {
    void *context, *router;
    char endpoint[64];
    struct dealer *dealer;
    struct frames request; /* the last that came: its first part is the dealer's identity */
};

static int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    struct error error = {0};
    size_t length = sizeof stage->endpoint;
    stage->context = zmq_ctx_new();
    stage->router = zmq_socket(stage->context, ZMQ_ROUTER);
    frames_set_options(stage->router, "tcp://127.0.0.1:*");
    if (zmq_bind(stage->router, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(stage->router, ZMQ_LAST_ENDPOINT, stage->endpoint, &length) != 0 ||
        !dealer_open(stage->endpoint, NULL, &stage->dealer, &error))
        return -1;
    *state = stage;
    return 0;
}

static int stage_strike(void **state) {
    struct stage *stage = *state;
    frames_free(&stage->request);
    dealer_close(stage->dealer);
    zmq_close(stage->router);
    zmq_ctx_term(stage->context);
    free(stage);
    return 0;
}

/* Sends `status` once the connection stands. Returns its number. */
static uint64_t ask(struct stage *stage) {
    struct error error = {0};
    uint64_t request = 0;
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    while (!dealer_send(stage->dealer, "status", NULL, &request, &error)) {
        assert_int_equal(error.code, ERROR_UNREACHABLE);
        assert_true(clock_steady_ms() < until_ms);
    }
    zmq_pollitem_t item = {.socket = stage->router, .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    frames_free(&stage->request);
    assert_true(frames_receive(stage->router, &stage->request));
    assert_int_equal(stage->request.count, 5);
    return request;
}

/* These frames to the dealer that asked last. */
static void answer(struct stage *stage, size_t count, const char *const frames[]) {
    zmq_msg_t *identity = &stage->request.parts[0];
    zmq_send(stage->router, zmq_msg_data(identity), zmq_msg_size(identity), ZMQ_SNDMORE);
    for (size_t i = 0; i < count; i++)
        zmq_send(stage->router, frames[i], strlen(frames[i]), i + 1 < count ? ZMQ_SNDMORE : 0);
}

/* Calls `status`; what was sent by `answer` before is what it finds. */
static bool call(struct stage *stage, const char *expected, int timeout_ms, cJSON **body,
                 struct error *error) {
    return dealer_call(stage->dealer, "status", NULL, expected, timeout_ms, body, error);
}

static void what_is_no_endpoint_is_refused(void **state) {
    (void)state;
    static const char *const endpoints[] = {"", "here", "tcp://", "tcp://127.0.0.1", "http://a:1"};
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        struct dealer *dealer = NULL;
        struct error error = {0};
        if (dealer_open(endpoints[i], NULL, &dealer, &error))
            fail_msg("\"%s\" was taken", endpoints[i]);
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "write it as tcp://HOST:PORT"));
    }
}

/* ZeroMQ would take the first three. */
static void what_is_no_port_is_refused_and_the_last_one_taken(void **state) {
    (void)state;
    static const char *const endpoints[] = {"tcp://127.0.0.1:0", "tcp://127.0.0.1:65536",
                                            "tcp://127.0.0.1:4294967297", "tcp://127.0.0.1:65535"};
    for (size_t i = 0; i < 4; i++) {
        struct dealer *dealer = NULL;
        struct error error = {0};
        assert_int_equal(dealer_open(endpoints[i], NULL, &dealer, &error), i == 3);
        assert_true(i == 3 || strstr(error.message, "a port is a number from 1 to 65535") != NULL);
        dealer_close(dealer);
    }
}

/* With as few as these libzmq would end the process. */
static void too_few_open_files_are_an_error_before_there_is_a_context(void **state) {
    struct stage *stage = *state;
    struct dealer *dealer = NULL;
    struct error error = {0};
    const struct rlimit before = leave_descriptors(4);
    bool opened = dealer_open(stage->endpoint, NULL, &dealer, &error);
    give_back_descriptors(before);
    assert_false(opened);
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "files may be open at once"));
}

static void where_nobody_listens_is_unreachable(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    struct dealer *lonely = NULL;
    uint64_t request = 0;
    char last[64];
    snprintf(last, sizeof last, "%s", stage->endpoint);
    zmq_unbind(stage->router, stage->endpoint);
    assert_true(dealer_open(last, NULL, &lonely, &error));
    assert_false(dealer_send(lonely, "status", NULL, &request, &error));
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    error = (struct error){0};
    assert_false(dealer_call(lonely, "status", NULL, "coordinator", 50, NULL, &error));
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(error.message, "start one with: assay coordinator --listen tcp://"));
    dealer_close(lonely);
}

/* Of 64 letters: no name can have that, so nobody on the network is asked. */
#define NO_HOST "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static void a_host_that_nobody_knows_is_named(void **state) {
    struct error error = {0};
    struct dealer *lonely = NULL;
    (void)state;
    assert_true(dealer_open("tcp://" NO_HOST ":7470", NULL, &lonely, &error));
    assert_false(dealer_call(lonely, "status", NULL, "coordinator", 50, NULL, &error));
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(error.message, "no machine is known as \"" NO_HOST "\""));
    dealer_close(lonely);
}

static void who_does_not_answer_in_time_is_unreachable(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    ask(stage);
    int64_t before_ms = clock_steady_ms();
    assert_false(call(stage, "coordinator", 100, NULL, &error));
    assert_true(clock_steady_ms() - before_ms >= 99);
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(error.message, "does not answer"));
}

static void an_answer_finds_its_request_and_late_ones_are_dropped(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    char late[24], now[24];
    cJSON *body = NULL;
    uint64_t request = ask(stage);
    snprintf(late, sizeof late, "%llu", (unsigned long long)request);
    snprintf(now, sizeof now, "%llu", (unsigned long long)request + 1);
    answer(stage, 4, (const char *const[]){"assay/1", "submitted", late, "{\"ids\": [1]}"});
    answer(stage, 4, (const char *const[]){"assay/1", "submitted", now, "{\"ids\": [2]}"});
    assert_true(call(stage, "submitted", PATIENCE_MS, &body, &error));
    assert_true(json_member(body, "ids")->child->valuedouble == 2);
    cJSON_Delete(body);
}

static void an_error_answer_is_an_error(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    uint64_t request = ask(stage) + 1;
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)request);
    answer(stage, 4,
           (const char *const[]){"assay/1", "error", number,
                                 "{\"code\": \"not_found\", \"message\": \"there is no 7\"}"});
    assert_false(call(stage, "coordinator", PATIENCE_MS, NULL, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "there is no 7");
}

static void an_error_without_a_number_answers_what_was_asked(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    ask(stage);
    answer(stage, 4,
           (const char *const[]){"assay/1", "error", "0",
                                 "{\"code\": \"version\", \"message\": \"another version\"}"});
    assert_false(call(stage, "coordinator", PATIENCE_MS, NULL, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_string_equal(error.message, "another version");
}

static void an_answer_of_another_name_or_protocol_is_an_error(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)ask(stage) + 1);
    answer(stage, 4, (const char *const[]){"assay/1", "submitted", number, "{\"ids\": [1]}"});
    assert_false(call(stage, "coordinator", PATIENCE_MS, NULL, &error));
    assert_non_null(strstr(error.message, "answers status with submitted, not with coordinator"));
    answer(stage, 4, (const char *const[]){"assay/2", "coordinator", "3", "{}"});
    assert_false(call(stage, "coordinator", PATIENCE_MS, NULL, &error));
    assert_non_null(strstr(error.message, stage->endpoint));
    assert_non_null(strstr(error.message, "assay/2"));
}

static void an_answer_of_another_shape_is_no_mistake_of_who_asked(void **state) {
    struct stage *stage = *state;
    static const char *const bodies[] = {"{}", "[]", "{\"queued\"", "\xff"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct error error = {0};
        char number[24];
        snprintf(number, sizeof number, "%llu", (unsigned long long)ask(stage) + 1);
        answer(stage, 4, (const char *const[]){"assay/1", "coordinator", number, bodies[i]});
        assert_false(call(stage, "coordinator", PATIENCE_MS, NULL, &error));
        assert_int_equal(error.code, ERROR_FAILED);
        assert_non_null(strstr(error.message, stage->endpoint));
    }
}

static void frames_beyond_what_a_message_has_are_counted_and_dropped(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    struct wire_message message;
    bool received;
    const char *frames[50];
    for (size_t i = 0; i < 50; i++)
        frames[i] = "assay/1";
    ask(stage);
    answer(stage, 50, frames);
    assert_false(dealer_receive(stage->dealer, PATIENCE_MS, &message, &received, &error));
    assert_non_null(strstr(error.message, "has 4 frames, this one 50"));
    assert_true(dealer_receive(stage->dealer, 0, &message, &received, &error));
    assert_false(received); /* nothing of it is left on the socket */
}

static void a_body_over_the_limit_is_not_sent(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    char *text = malloc(WIRE_BODY_MAX + 1);
    memset(text, 'x', WIRE_BODY_MAX);
    text[WIRE_BODY_MAX] = '\0';
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "key", text);
    ask(stage);
    assert_false(
        dealer_call(stage->dealer, "submit", body, "submitted", PATIENCE_MS, NULL, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "at most 16777216 can be sent"));
    cJSON_Delete(body);
    free(text);
}

int main(void) {
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_endpoint_is_refused),
        cmocka_unit_test(what_is_no_port_is_refused_and_the_last_one_taken),
        ON_STAGE(too_few_open_files_are_an_error_before_there_is_a_context),
        ON_STAGE(where_nobody_listens_is_unreachable),
        cmocka_unit_test(a_host_that_nobody_knows_is_named),
        ON_STAGE(who_does_not_answer_in_time_is_unreachable),
        ON_STAGE(an_answer_finds_its_request_and_late_ones_are_dropped),
        ON_STAGE(an_error_answer_is_an_error),
        ON_STAGE(an_error_without_a_number_answers_what_was_asked),
        ON_STAGE(an_answer_of_another_name_or_protocol_is_an_error),
        ON_STAGE(an_answer_of_another_shape_is_no_mistake_of_who_asked),
        ON_STAGE(frames_beyond_what_a_message_has_are_counted_and_dropped),
        ON_STAGE(a_body_over_the_limit_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
