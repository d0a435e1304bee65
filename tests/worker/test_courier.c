/* The courier against a coordinator that the test plays on a real socket. */
#include "worker/courier.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "core/safetensors.h"
#include "net/frames.h"
#include "tests/temporary.h"

#include <errno.h>
#include <fcntl.h>
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

static bool is_readable(int descriptor) {
    zmq_pollitem_t item = {.fd = descriptor, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, 0) > 0;
}

static void until_readable(int descriptor) {
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    while (!is_readable(descriptor))
        assert_true(clock_steady_ms() < until_ms);
}

/* What the courier tells of next. */
static struct error next_trouble(struct stage *stage) {
    struct error trouble = {0};
    do
        until_readable(courier_fd(stage->courier));
    while (!courier_trouble(stage->courier, &trouble));
    return trouble;
}

static bool is_one_file(const char *path, const char *other) {
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Whether this process has the file open. */
static bool holds_open(const char *path) {
    bool held = false;
    for (int descriptor = 0; descriptor < 256 && !held; descriptor++) {
        char opened[64];
        snprintf(opened, sizeof opened, "/proc/self/fd/%d", descriptor);
        held = is_one_file(opened, path);
    }
    return held;
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
    struct frames frames;
    struct wire_message offer;
    take_request(stage, "offer", &frames, &offer);
    assert_int_equal(json_integer(offer.body, "epoch"), 4);
    assert_string_equal(json_string(offer.body, "name"), "checkpoint_last.safetensors");
    answer(stage, &frames, &offer, "have", "{}");
    const struct parcel file = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    assert_true(courier_send(stage->courier, &file, NULL));
    cJSON *behind = next_offer(stage);
    assert_int_equal(json_integer(behind, "epoch"), 0);
    cJSON_Delete(behind);
    free(path);
}

/* The linker puts it in place of the C library's (tests/CMakeLists.txt). */
int __real_fstat(int descriptor, struct stat *status);
int __wrap_fstat(int descriptor, struct stat *status);
static atomic_int failures;   /* of fstat, still to come */
static atomic_bool elsewhere; /* files are on a file system of their own */
int __wrap_fstat(int descriptor, struct stat *status) {
    if (failures == 0) {
        int code = __real_fstat(descriptor, status);
        status->st_dev += elsewhere;
        return code;
    }
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

static void what_went_wrong_is_told_once(void **state) {
    struct stage *stage = *state;
    struct error trouble = {0};
    char *path = temporary_path(&stage->folder, "train.log");
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    bool refused;
    assert_true(file_write_atomic(path, "", 0, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    while (courier_waiting(stage->courier, 1, 1, &refused) > 0)
        assert_true(clock_steady_ms() < until_ms);
    assert_non_null(strstr(next_trouble(stage).message, "train.log is empty"));
    while (is_readable(courier_fd(stage->courier))) { /* that the file is put down, too */
        assert_false(courier_trouble(stage->courier, &trouble));
        assert_true(clock_steady_ms() < until_ms);
    }
    free(path);
}

/* What the coordinator says of a file, and what becomes of that. */
static void
an_error_ends_a_file_or_is_tried_again_and_people_hear_of_what_they_can_mend(void **state) {
    static const struct {
        const char *code;
        bool never, told;
    } cases[] = {{"fenced", true, false},  {"unknown", true, true},     {"version", true, true},
                 {"state", false, false},  {"not_found", false, false}, {"invalid", false, true},
                 {"internal", false, true}};
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    struct error trouble = {0};
    bool refused;
    assert_true(file_write_atomic(path, "text", 4, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct parcel parcel = {
            .experiment = 1, .attempt = (int64_t)i + 1, .kind = "file", .path = path};
        char text[64];
        snprintf(text, sizeof text, "{\"code\": \"%s\", \"message\": \"why\"}", cases[i].code);
        assert_true(courier_send(stage->courier, &parcel, NULL));
        answer_next(stage, "offer", "error", text);
        if (!cases[i].never)
            answer_next(stage, "offer", "have", "{}");
        int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
        while (courier_waiting(stage->courier, 1, parcel.attempt, &refused) > 0)
            assert_true(clock_steady_ms() < until_ms);
        assert_int_equal(courier_trouble(stage->courier, &trouble), cases[i].told);
        if (cases[i].told)
            assert_int_equal(strstr(trouble.message, "trying again") == NULL, cases[i].never);
    }
    free(path);
}

static void an_answer_to_an_offer_of_before_says_nothing_of_a_newer_one(void **state) {
    static const char again[] = "{\"code\": \"internal\", \"message\": \"why\"}";
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    struct frames frames;
    struct wire_message offer, stale;
    assert_true(file_write_atomic(path, "text", 4, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    take_request(stage, "offer", &frames, &stale);
    uint64_t number = stale.request;
    answer(stage, &frames, &stale, "error", again);
    take_request(stage, "offer", &frames, &offer);
    struct wire_packet packet;
    cJSON *body = cJSON_CreateObject();
    assert_true(wire_encode("have", number, body, &packet, NULL));
    assert_true(frames_send(stage->router, &frames.parts[0], &packet));
    wire_packet_free(&packet);
    cJSON_Delete(body);
    answer(stage, &frames, &offer, "want", "{\"offset\": 0, \"credit\": 1, \"piece\": 4}");
    answer_next(stage, "send", "have", "{}");
    free(path);
}

/* Offers what stands at `path`, which is taken at once; its SHA-256 is this. */
static void expect_sum(struct stage *stage, const char *path, const char *sha256) {
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    struct frames frames;
    struct wire_message offer;
    assert_true(courier_send(stage->courier, &parcel, NULL));
    take_request(stage, "offer", &frames, &offer);
    assert_string_equal(json_string(offer.body, "sha256"), sha256);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(json_integer(offer.body, "bytes"), status.st_size);
    answer(stage, &frames, &offer, "have", "{}");
}

static void write_in_place(const char *path, const char *text, time_t second, long nanosecond) {
    const struct timespec times[] = {{second, nanosecond}, {second, nanosecond}};
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Sums: printf one | sha256sum, and so on. */
static void a_file_that_is_not_the_one_before_is_summed_up_anew(void **state) {
    static const char sum_one[] =
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    static const char sum_two[] =
        "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";
    static const char sum_six[] =
        "44778d82365e4af681c40d5f0eef5cf6f5899d3f0ac335050a7ed6779cf3f674";
    static const char sum_four[] =
        "04efaf080f5a3e74e1c29d1ca6a48569382cbbcd324e8d59d2b83ef21c039f00";
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    char *other = temporary_path(&stage->folder, "other");
    assert_true(file_write_atomic(path, "one", 3, NULL) &&
                file_write_atomic(other, "six", 3, NULL));
    write_in_place(path, "one", 1000, 0);
    write_in_place(other, "six", 2000, 5);
    expect_sum(stage, path, sum_one);
    write_in_place(path, "two", 2000, 0); /* another second */
    expect_sum(stage, path, sum_two);
    write_in_place(path, "one", 2000, 5); /* another part of it */
    expect_sum(stage, path, sum_one);
    assert_int_equal(rename(other, path), 0); /* another file */
    expect_sum(stage, path, sum_six);
    write_in_place(path, "four", 2000, 5); /* another length */
    expect_sum(stage, path, sum_four);
    free(path);
    free(other);
}

static void expect_refused(struct stage *stage, bool expected) {
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    bool refused = !expected;
    while (refused != expected) {
        assert_true(clock_steady_ms() < until_ms);
        assert_int_equal(courier_waiting(stage->courier, 1, 1, &refused), 1);
    }
}

static const char no_room[] = "{\"code\": \"storage\", \"message\": \"no room\"}";
static const char other_error[] = "{\"code\": \"internal\", \"message\": \"why\"}";

/* A file that is wanted again may be as little written as before: a piece must have been. */
static void room_that_is_there_again_is_no_refusal_any_more(void **state) {
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    struct error trouble = {0};
    struct frames frames;
    struct wire_message offer;
    assert_true(file_write_atomic(path, "two pieces", 10, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    answer_next(stage, "offer", "error", no_room);
    expect_refused(stage, true);
    assert_non_null(strstr(next_trouble(stage).message, "no room"));
    answer_next(stage, "offer", "error", no_room);
    take_request(stage, "offer", &frames, &offer);
    assert_false(courier_trouble(stage->courier, &trouble)); /* it was told */
    expect_refused(stage, true);
    answer(stage, &frames, &offer, "want", "{\"offset\": 0, \"credit\": 1, \"piece\": 5}");
    answer_next(stage, "send", "want", "{\"offset\": 5, \"credit\": 1, \"piece\": 5}");
    until_readable(courier_fd(stage->courier));
    expect_refused(stage, false);
    take_request(stage, "send", &frames, &offer);
    assert_int_equal(json_integer(offer.body, "offset"), 5);
    answer(stage, &frames, &offer, "error", no_room);
    assert_non_null(strstr(next_trouble(stage).message, "no room"));
    take_request(stage, "offer", &frames, &offer);
    expect_refused(stage, true);
    answer(stage, &frames, &offer, "error", other_error);
    assert_non_null(strstr(next_trouble(stage).message, "why"));
    expect_refused(stage, false);
    free(path);
}

/* As of a coordinator that has all of it, and no room to put it where it belongs. */
static void what_was_there_already_says_nothing_of_room(void **state) {
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

/* One that the coordinator would have asked for in an hour. */
static void what_is_dropped_lets_the_next_one_go_at_once(void **state) {
    struct stage *stage = *state;
    char *path = temporary_path(&stage->folder, "train.log");
    char *other = temporary_path(&stage->folder, "other");
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "file", .path = path};
    const struct parcel behind = {.experiment = 2, .attempt = 1, .kind = "file", .path = other};
    bool refused;
    assert_true(file_write_atomic(path, "text", 4, NULL) &&
                file_write_atomic(other, "text", 4, NULL));
    assert_true(courier_send(stage->courier, &parcel, NULL));
    answer_next(stage, "offer", "error", no_room);
    assert_non_null(strstr(next_trouble(stage).message, "no room"));
    answer_next(stage, "offer", "sealing", "{\"retry_ms\": 3600000}");
    assert_true(holds_open(path));
    usleep(100000); /* it has that by now, most likely */
    courier_drop(stage->courier, 1, 1);
    until_readable(courier_fd(stage->courier));
    assert_int_equal(courier_waiting(stage->courier, 1, 1, &refused), 0);
    assert_false(refused);
    assert_false(holds_open(path));
    assert_true(courier_send(stage->courier, &behind, NULL));
    cJSON *offer = next_offer(stage);
    assert_string_equal(json_string(offer, "name"), "other");
    cJSON_Delete(offer);
    free(path);
    free(other);
}

/* The sum of what is offered next, which is taken at once. */
static void take_sum(struct stage *stage, const struct parcel *parcel, char sum[65]) {
    struct frames frames;
    struct wire_message offer;
    assert_true(courier_send(stage->courier, parcel, NULL));
    take_request(stage, "offer", &frames, &offer);
    snprintf(sum, 65, "%s", json_string(offer.body, "sha256"));
    answer(stage, &frames, &offer, "have", "{}");
}

static void a_checkpoint_is_put_into_a_shared_folder_unless_it_is_there(void **state) {
    static char shared[512]; /* for as long as the courier is there */
    struct stage *stage = *state;
    struct stat status;
    char part[640], whole[640], sum[65];
    char *path = temporary_path(&stage->folder, "checkpoint_last.safetensors");
    const struct metadata epoch[] = {{"epoch", "3"}};
    const struct parcel parcel = {.experiment = 1, .attempt = 1, .kind = "last", .path = path};
    const struct courier_options options = {
        .connect = stage->endpoint, .worker = "worker-1", .history = "", .shared = shared};
    snprintf(shared, sizeof shared, "%s/shared", (const char *)stage->folder);
    snprintf(part, sizeof part, "%s/incoming/x", shared);
    assert_true(folder_make_of(part, NULL) && safetensors_write(path, NULL, 0, epoch, 1, NULL) &&
                stat(path, &status) == 0);
    courier_close(stage->courier);
    stage->courier = NULL;
    assert_true(courier_open(&options, &stage->courier, NULL));
    take_sum(stage, &parcel, sum);
    snprintf(part, sizeof part, "%s/incoming/%s.part", shared, sum);
    snprintf(whole, sizeof whole, "%s/sha256/%.2s/%s", shared, sum, sum + 2);
    assert_true(is_one_file(part, path));
    assert_true(file_write_atomic(part, "x", 1, NULL)); /* as far as another has come */
    elsewhere = true;
    take_sum(stage, &parcel, sum);
    elsewhere = false;
    assert_true(access(part, F_OK) == 0 && !is_one_file(part, path)); /* it goes on from there */
    take_sum(stage, &parcel, sum);
    assert_true(is_one_file(part, path));
    assert_true(file_write_atomic(part, "x", 1, NULL));
    assert_int_equal(truncate(part, status.st_size), 0); /* which is all */
    take_sum(stage, &parcel, sum);
    assert_false(is_one_file(part, path));
    assert_true(folder_make_of(whole, NULL));
    assert_int_equal(rename(part, whole), 0);
    take_sum(stage, &parcel, sum);
    assert_int_equal(access(part, F_OK), -1);
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
        cmocka_unit_test_setup_teardown(what_went_wrong_is_told_once, stage_set, stage_strike),
        cmocka_unit_test_setup_teardown(
            an_error_ends_a_file_or_is_tried_again_and_people_hear_of_what_they_can_mend, stage_set,
            stage_strike),
        cmocka_unit_test_setup_teardown(an_answer_to_an_offer_of_before_says_nothing_of_a_newer_one,
                                        stage_set, stage_strike),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_the_one_before_is_summed_up_anew,
                                        stage_set, stage_strike),
        cmocka_unit_test_setup_teardown(room_that_is_there_again_is_no_refusal_any_more, stage_set,
                                        stage_strike),
        cmocka_unit_test_setup_teardown(what_was_there_already_says_nothing_of_room, stage_set,
                                        stage_strike),
        cmocka_unit_test_setup_teardown(what_is_dropped_lets_the_next_one_go_at_once, stage_set,
                                        stage_strike),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_put_into_a_shared_folder_unless_it_is_there,
                                        stage_set, stage_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
