/* Everything broken that may be thrown at a coordinator. After each test it must still answer
 * `status`. */
#include "tests/coordinator/server_stage.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(another_version_is_answered_naming_both),
        ON_STAGE(what_is_not_assay_is_answered_too),
        ON_STAGE(the_number_of_frames_is_four),
        ON_STAGE(broken_requests_are_refused_with_their_number),
        ON_STAGE(deep_nesting_is_refused),
        ON_STAGE(a_frame_over_the_limit_is_not_read),
        ON_STAGE(noise_in_every_form_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
