/* Fetching a file from a coordinator that the test plays, which may send anything. */
#include "net/fetch.h"

#include "core/file.h"
#include "core/shortage.h"
#include "net/frames.h"
#include "tests/refusing.h"
#include "tests/temporary.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* hashlib.sha256(b"0123456789").hexdigest() */
#define SUM "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
enum { PATIENCE_MS = 20000, PIECE = 4 };

struct stage {
    char *folder, *path, *part, endpoint[64];
    void *context, *router;
    pthread_t thread;
    struct dealer *dealer;
    const char *content; /* what the coordinator has under the sum; NULL: nothing */
    int failures;        /* so often it cannot read first */
    bool silent;         /* it answers nothing */
    int slowness_ms;     /* it takes so long for each answer */
    int looks;           /* how often it was looked whether to go on */
    int asked;           /* how often; read after the thread was joined */
};

static cJSON *piece_body(const char *content, size_t offset) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "offset", (double)offset);
    cJSON_AddNumberToObject(body, "bytes", (double)strlen(content));
    return body;
}

/* Answers until a request comes that is no `fetch`. */
static void *serve(void *context) {
    struct stage *stage = context;
    bool serving = true;
    while (serving) {
        struct frames frames;
        struct wire_message request;
        struct wire_packet packet;
        struct error error = {0};
        enum wire_code code;
        zmq_pollitem_t item = {.socket = stage->router, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, -1);
        if (!frames_receive(stage->router, &frames))
            continue;
        serving = frames_decode(&frames, 1, &request, &code, &error) &&
                  strcmp(request.name, "fetch") == 0;
        if (serving) {
            size_t offset = (size_t)cJSON_GetNumberValue(
                cJSON_GetObjectItemCaseSensitive(request.body, "offset"));
            const bool fails = stage->failures > 0, sends = !fails && stage->content != NULL;
            cJSON *body = sends   ? piece_body(stage->content, offset)
                          : fails ? wire_error_body(WIRE_STORAGE, "a failing disk")
                                  : wire_error_body(WIRE_NOT_FOUND, "no such file");
            stage->failures -= fails;
            stage->asked++;
            wire_encode(sends ? "piece" : "error", request.request, body, &packet, &error);
            if (sends) {
                char *piece = strndup(stage->content + offset, PIECE);
                wire_packet_attach(&packet, piece, strlen(piece));
            }
            usleep((useconds_t)stage->slowness_ms * 1000);
            if (!stage->silent)
                frames_send(stage->router, &frames.parts[0], &packet);
            wire_packet_free(&packet);
            cJSON_Delete(body);
        }
        wire_message_free(&request);
        frames_free(&frames);
    }
    return NULL;
}

static int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    size_t size = sizeof stage->endpoint;
    void *folder;
    *state = stage;
    if (temporary_make(&folder) != 0)
        return -1;
    stage->folder = folder;
    stage->path = temporary_path(&folder, "file");
    stage->part = temporary_path(&folder, "file.part");
    stage->content = "0123456789";
    stage->context = zmq_ctx_new();
    stage->router = zmq_socket(stage->context, ZMQ_ROUTER);
    frames_set_options(stage->router, "");
    if (zmq_bind(stage->router, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(stage->router, ZMQ_LAST_ENDPOINT, stage->endpoint, &size) != 0)
        return -1;
    return dealer_open(stage->endpoint, NULL, &stage->dealer, NULL) ? 0 : -1;
}

static int stage_strike(void **state) {
    struct stage *stage = *state;
    void *folder = stage->folder;
    dealer_close(stage->dealer);
    zmq_close(stage->router);
    zmq_ctx_term(stage->context);
    free(stage->path);
    free(stage->part);
    free(stage);
    return temporary_remove(&folder);
}

static bool fetch(struct stage *stage, struct error *error) {
    const struct fetch request = {
        .sha256 = SUM, .bytes = 10, .path = stage->path, .timeout_ms = PATIENCE_MS};
    uint64_t number;
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
    bool fetched = fetch_file(stage->dealer, &request, error);
    assert_true(dealer_send(stage->dealer, "status", NULL, &number, error));
    pthread_join(stage->thread, NULL);
    return fetched;
}

static void it_is_there_whole(struct stage *stage) {
    char *data;
    size_t length;
    assert_true(file_read(stage->path, 100, &data, &length, NULL));
    assert_string_equal(data, "0123456789");
    free(data);
    assert_int_equal(access(stage->part, F_OK), -1);
}

static void a_file_comes_in_pieces_and_is_there_whole(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    assert_true(fetch(stage, &error));
    it_is_there_whole(stage);
    assert_int_equal(stage->asked, 3);
}

static void what_came_before_is_gone_on_with(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    assert_true(file_write_atomic(stage->part, "01234567", 8, &error));
    assert_true(fetch(stage, &error));
    it_is_there_whole(stage);
    assert_int_equal(stage->asked, 1);
}

static void a_part_of_something_else_is_begun_anew(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    assert_true(file_write_atomic(stage->part, "????", 4, &error));
    assert_true(fetch(stage, &error));
    it_is_there_whole(stage);
}

static void a_part_that_is_too_long_is_begun_anew(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    assert_true(file_write_atomic(stage->part, "0123456789????", 14, &error));
    assert_true(fetch(stage, &error));
    it_is_there_whole(stage);
}

static void another_content_is_refused_and_leaves_nothing(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    stage->content = "0123456780";
    assert_false(fetch(stage, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "SHA-256"));
    assert_int_equal(access(stage->path, F_OK), -1);
    assert_int_equal(access(stage->part, F_OK), -1);
}

static void another_length_is_refused(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    stage->content = "0123456789 and more";
    assert_false(fetch(stage, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_int_equal(access(stage->path, F_OK), -1);
}

static void what_the_coordinator_does_not_have_is_wrong_input(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    stage->content = NULL;
    assert_false(fetch(stage, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "no such file"));
}

static void what_the_coordinator_cannot_read_at_the_moment_is_asked_for_again(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    stage->failures = 2;
    assert_true(fetch(stage, &error));
    it_is_there_whole(stage);
    assert_int_equal(stage->asked, 5);
}

static void what_the_coordinator_cannot_read_five_times_is_given_up(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    stage->failures = 1000;
    assert_false(fetch(stage, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "a failing disk"));
    assert_int_equal(stage->asked, 5);
}

static bool look_thrice(void *context, int64_t bytes_there) {
    struct stage *stage = context;
    assert_int_equal(bytes_there, 4);
    return ++stage->looks < 3;
}

/* A stop is not to wait for a coordinator that has gone to sleep. */
static void it_ends_while_an_answer_is_waited_for(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    uint64_t number;
    const struct fetch request = {.sha256 = SUM,
                                  .bytes = 10,
                                  .path = stage->path,
                                  .timeout_ms = PATIENCE_MS,
                                  .go_on = look_thrice,
                                  .context = stage};
    stage->silent = true;
    assert_true(file_write_atomic(stage->part, "0123", 4, &error));
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
    assert_false(fetch_file(stage->dealer, &request, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_string_equal(error.message, "stopped");
    assert_int_equal(stage->looks, 3);
    assert_true(dealer_send(stage->dealer, "status", NULL, &number, &error));
    pthread_join(stage->thread, NULL);
}

/* As over a slow link. What comes too late is of no use. */
static void what_takes_longer_than_an_answer_is_waited_for_comes_in_the_end(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    struct fetch request = {.sha256 = SUM, .bytes = 10, .path = stage->path, .timeout_ms = 100};
    uint64_t number;
    stage->slowness_ms = 300;
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
    while (!fetch_file(stage->dealer, &request, &error) && request.late < 20) {
        assert_int_equal(error.code, ERROR_UNREACHABLE);
        request.late++;
    }
    it_is_there_whole(stage);
    assert_true(dealer_send(stage->dealer, "status", NULL, &number, &error));
    pthread_join(stage->thread, NULL);
}

static void a_file_that_there_is_no_memory_for_is_not_called_missing(void **state) {
    struct stage *stage = *state;
    const struct fetch request = {
        .sha256 = SUM, .bytes = 10, .path = stage->path, .timeout_ms = PATIENCE_MS};
    uint64_t number;
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
    REFUSE_EACH(n) {
        struct error error = {0};
        unlink(stage->path);
        bool good = fetch_file(stage->dealer, &request, &error);
        refuse_no_more();
        shortage_in_trees();
        assert_true(good || error_is_shortage(&error));
        if (good)
            it_is_there_whole(stage);
    }
    assert_true(dealer_send(stage->dealer, "status", NULL, &number, NULL));
    pthread_join(stage->thread, NULL);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_file_comes_in_pieces_and_is_there_whole),
        ON_STAGE(what_came_before_is_gone_on_with),
        ON_STAGE(a_part_of_something_else_is_begun_anew),
        ON_STAGE(a_part_that_is_too_long_is_begun_anew),
        ON_STAGE(another_content_is_refused_and_leaves_nothing),
        ON_STAGE(another_length_is_refused),
        ON_STAGE(what_the_coordinator_does_not_have_is_wrong_input),
        ON_STAGE(what_the_coordinator_cannot_read_at_the_moment_is_asked_for_again),
        ON_STAGE(what_the_coordinator_cannot_read_five_times_is_given_up),
        ON_STAGE(it_ends_while_an_answer_is_waited_for),
        ON_STAGE(what_takes_longer_than_an_answer_is_waited_for_comes_in_the_end),
        ON_STAGE(a_file_that_there_is_no_memory_for_is_not_called_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
