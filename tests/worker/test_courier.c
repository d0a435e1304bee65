/* The courier against a coordinator that the test plays on a real socket. */
#include "worker/courier.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "core/safetensors.h"
#include "net/frames.h"
#include "tests/temporary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>

enum { PATIENCE_MS = 20000 };

struct stage {
    void *folder, *context, *router;
    char endpoint[64];
    struct courier *courier;
};

static int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    size_t length = sizeof stage->endpoint;
    *state = stage;
    if (temporary_make(&stage->folder) != 0)
        return -1;
    stage->context = zmq_ctx_new();
    stage->router = zmq_socket(stage->context, ZMQ_ROUTER);
    frames_set_options(stage->router, "tcp://127.0.0.1:*");
    if (zmq_bind(stage->router, "tcp://127.0.0.1:*") != 0)
        return -1;
    zmq_getsockopt(stage->router, ZMQ_LAST_ENDPOINT, stage->endpoint, &length);
    const struct courier_options options = {
        .connect = stage->endpoint, .worker = "worker-1", .history = ""};
    return courier_open(&options, &stage->courier, NULL) ? 0 : -1;
}

static int stage_strike(void **state) {
    struct stage *stage = *state;
    courier_close(stage->courier);
    zmq_close(stage->router);
    zmq_ctx_term(stage->context);
    int rc = temporary_remove(&stage->folder);
    free(stage);
    return rc;
}

/* The request of that name, which comes next, and its frames, for free. */
static void take_request(struct stage *stage, const char *name, struct frames *frames,
                         struct wire_message *request) {
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    enum wire_code code;
    while (!frames_receive(stage->router, frames)) {
        zmq_pollitem_t item = {.socket = stage->router, .events = ZMQ_POLLIN};
        assert_true(clock_steady_ms() < until_ms);
        zmq_poll(&item, 1, 100);
    }
    assert_true(frames_decode(frames, 1, request, &code, NULL));
    assert_string_equal(request->name, name);
}

/* Answers a request, which take_request gave, and frees it. */
static void answer(struct stage *stage, struct frames *frames, struct wire_message *request,
                   const char *name, const char *text) {
    struct wire_packet packet;
    cJSON *body = json_parse(text, strlen(text), name, NULL);
    assert_true(wire_encode(name, request->request, body, &packet, NULL));
    assert_true(frames_send(stage->router, &frames->parts[0], &packet));
    wire_packet_free(&packet);
    wire_message_free(request);
    frames_free(frames);
    cJSON_Delete(body);
}

static void answer_next(struct stage *stage, const char *asked, const char *name,
                        const char *text) {
    struct frames frames;
    struct wire_message request;
    take_request(stage, asked, &frames, &request);
    answer(stage, &frames, &request, name, text);
}

/* The body of the offer that comes next, for free. */
static cJSON *next_offer(struct stage *stage) {
    struct frames frames;
    struct wire_message message;
    take_request(stage, "offer", &frames, &message);
    frames_free(&frames);
    cJSON *body = cJSON_Duplicate(message.body, true);
    wire_message_free(&message);
    return body;
}

/* What the courier tells of next. */
static struct error next_trouble(struct stage *stage) {
    struct error trouble = {0};
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    while (!courier_trouble(stage->courier, &trouble))
        assert_true(clock_steady_ms() < until_ms);
    return trouble;
}

static void what_was_written_over_is_offered_as_of_its_own_epoch(void **state) {
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "checkpoint_last.safetensors");
    const struct metadata third[] = {{"epoch", "3"}}, fourth[] = {{"epoch", "4"}};
    assert_true(safetensors_write(path, NULL, 0, third, 1, NULL));
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "last", .path = path};
    /* as the trainer has it: epoch 4 is on the disk, and not yet reported */
    assert_true(safetensors_write(path, NULL, 0, fourth, 1, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    cJSON *offer = next_offer(stage);
    assert_int_equal(json_integer(offer, "epoch"), 4);
    assert_string_equal(json_string(offer, "name"), "checkpoint_last.safetensors");
    cJSON_Delete(offer);
    free(path);
}

/* The linker puts it in place of the C library's (tests/CMakeLists.txt). */
int __real_fstat(int descriptor, struct stat *status);
int __wrap_fstat(int descriptor, struct stat *status);
static atomic_int failures; /* of fstat, still to come */
int __wrap_fstat(int descriptor, struct stat *status) {
    if (failures == 0)
        return __real_fstat(descriptor, status);
    failures--;
    errno = ENOMEM;
    return -1;
}

static void what_cannot_be_read_for_a_moment_is_offered_all_the_same(void **state) {
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "checkpoint_last.safetensors");
    const struct metadata epoch[] = {{"epoch", "3"}};
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "last", .path = path};
    assert_true(safetensors_write(path, NULL, 0, epoch, 1, NULL));
    failures = 2;
    assert_true(courier_send(stage->courier, &parcel, NULL));
    cJSON *offer = next_offer(stage);
    assert_int_equal(failures, 0);
    assert_int_equal(json_integer(offer, "epoch"), 3);
    cJSON_Delete(offer);
    free(path);
}

static void what_is_no_checkpoint_is_not_offered_as_one(void **state) {
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "checkpoint_last.safetensors");
    assert_true(file_write_atomic(path, "text", 4, NULL));
    const struct parcel wrong = {.experiment = 1, .attempt = 1, .kind = "last", .path = path};
    const struct parcel text = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    assert_true(courier_send(stage->courier, &wrong, NULL));
    /* what is sent behind it is what is offered first */
    assert_non_null(strstr(next_trouble(stage).message, "is no checkpoint"));
    assert_true(courier_send(stage->courier, &text, NULL));
    cJSON *offer = next_offer(stage);
    assert_string_equal(json_string(offer, "kind"), "file");
    assert_int_equal(json_integer(offer, "epoch"), 0);
    cJSON_Delete(offer);
    free(path);
}

/* The end of its run waits for it. */
static void what_cannot_be_read_while_it_is_sent_is_put_down(void **state) {
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    struct frames frames;
    struct wire_message offer;
    bool refused;
    assert_true(file_write_atomic(path, "text", 4, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    take_request(stage, "offer", &frames, &offer);
    assert_int_equal(truncate(path, 2), 0);
    answer(stage, &frames, &offer, "want", "{\"offset\": 0, \"credit\": 2, \"piece\": 4}");
    assert_non_null(strstr(next_trouble(stage).message, "train.log has become shorter"));
    while (courier_waiting(stage->courier, 1, 1, &refused) > 0)
        assert_true(clock_steady_ms() < until_ms);
    free(path);
}

static void expect_refused(struct stage *stage, bool expected) {
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    bool refused = !expected;
    while (refused != expected) {
        assert_true(clock_steady_ms() < until_ms);
        assert_int_equal(courier_waiting(stage->courier, 1, 1, &refused), 1);
    }
}

/* A file that is wanted again may be as little written as before: a piece must have been. */
static void room_that_is_there_again_is_no_refusal_any_more(void **state) {
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    assert_true(file_write_atomic(path, "two pieces", 10, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    answer_next(stage, "offer", "error", "{\"code\": \"storage\", \"message\": \"no room\"}");
    expect_refused(stage, true);
    answer_next(stage, "offer", "want", "{\"offset\": 0, \"credit\": 1, \"piece\": 5}");
    answer_next(stage, "send", "want", "{\"offset\": 5, \"credit\": 1, \"piece\": 5}");
    expect_refused(stage, false);
    free(path);
}

/* As of a coordinator that has all of it, and no room to put it where it belongs. */
static void what_was_there_already_says_nothing_of_room(void **state) {
    static const char no_room[] = "{\"code\": \"storage\", \"message\": \"no room\"}";
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    struct frames frames;
    struct wire_message offer;
    assert_true(file_write_atomic(path, "two pieces", 10, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    answer_next(stage, "offer", "error", no_room);
    answer_next(stage, "offer", "sealing", "{\"retry_ms\": 1}");
    take_request(stage, "offer", &frames, &offer);
    expect_refused(stage, true);
    answer(stage, &frames, &offer, "error", no_room);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_over_is_offered_as_of_its_own_epoch,
                                        stage_set, stage_strike),
        cmocka_unit_test_setup_teardown(what_is_no_checkpoint_is_not_offered_as_one, stage_set,
                                        stage_strike),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_for_a_moment_is_offered_all_the_same,
                                        stage_set, stage_strike),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_while_it_is_sent_is_put_down, stage_set,
                                        stage_strike),
        cmocka_unit_test_setup_teardown(room_that_is_there_again_is_no_refusal_any_more, stage_set,
                                        stage_strike),
        cmocka_unit_test_setup_teardown(what_was_there_already_says_nothing_of_room, stage_set,
                                        stage_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
