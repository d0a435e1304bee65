/* What the guard answers when libzmq asks about a connection (ZAP, RFC 27), and what it tells
 * people. */
#include "coordinator/guard.h"

#include "core/clock.h"
#include "net/frames.h"
#include "tests/coordinator/key_lists.h"
#include "tests/temporary.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARTS = 7, PARTS_MAX = 8, PATIENCE_MS = 20000 };

struct stage {
    void *folder;
    struct guard *guard;
    void *context, *door, *asker; /* the socket that is guarded; one in libzmq's place */
    char said[1024];              /* all that the guard has told, a line each */
    int lines;
};

static void hear(void *context, const char *line) {
    struct stage *stage = context;
    size_t length = strlen(stage->said);
    snprintf(stage->said + length, sizeof stage->said - length, "%s\n", line);
    stage->lines++;
}

static void list_people(struct stage *stage, const char *text) {
    char *path = temporary_path(&stage->folder, "authorized_people");
    write_file(path, text);
    free(path);
}

static int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    struct error error = {0};
    struct key_pair pair;
    if (temporary_make(&stage->folder) != 0)
        return -1;
    char *path = temporary_path(&stage->folder, "coordinator.key");
    list_people(stage, KEY_A " ann\n");
    stage->context = zmq_ctx_new();
    stage->door = zmq_socket(stage->context, ZMQ_ROUTER);
    stage->asker = zmq_socket(stage->context, ZMQ_REQ);
    frames_set_option(stage->asker, ZMQ_RCVTIMEO, PATIENCE_MS);
    if (!key_pair_make(&pair, &error) || !key_pair_write(path, &pair, "coordinator", &error) ||
        !guard_open(stage->folder, hear, stage, &stage->guard, &error) ||
        !guard_attach(stage->guard, stage->context, stage->door, &error) ||
        zmq_connect(stage->asker, "inproc://zeromq.zap.01") != 0)
        return -1;
    free(path);
    *state = stage;
    return 0;
}

static int stage_strike(void **state) {
    struct stage *stage = *state;
    void *folder = stage->folder;
    zmq_close(stage->asker);
    zmq_close(stage->door);
    guard_detach(stage->guard);
    guard_close(stage->guard);
    zmq_ctx_term(stage->context);
    free(stage);
    return temporary_remove(&folder);
}

/* --- libzmq's questions --- */

struct part {
    const void *data;
    size_t length;
};

/* As libzmq asks about a connection with this key. */
static void question_of(const struct key *key, struct part parts[static PARTS_MAX]) {
    static const char *const texts[] = {"1.0", "7", "assay", "192.0.2.1", "", "CURVE"};
    for (size_t i = 0; i < PARTS - 1; i++)
        parts[i] = (struct part){texts[i], strlen(texts[i])};
    parts[PARTS - 1] = (struct part){key->bytes, KEY_BYTES};
    parts[PARTS] = (struct part){"more", 4};
}

/* The answer's parts in one line, for comparison. */
static const char *ask(struct stage *stage, const struct part *parts, size_t count) {
    static char line[256];
    int more = 1;
    size_t length = 0, size = sizeof more;
    for (size_t i = 0; i < count; i++)
        assert_true(zmq_send(stage->asker, parts[i].data, parts[i].length,
                             i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
    zmq_pollitem_t item = {.socket = guard_socket(stage->guard), .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    guard_answer(stage->guard);
    while (more != 0) {
        int got = zmq_recv(stage->asker, line + length, sizeof line - length - 1, 0);
        assert_true(got >= 0);
        length += (size_t)got;
        line[length++] = '|';
        zmq_getsockopt(stage->asker, ZMQ_RCVMORE, &more, &size);
    }
    line[length] = '\0';
    return line;
}

static void a_key_of_a_list_is_let_in_and_is_the_user(void **state) {
    const struct key listed = key_of(KEY_A);
    struct part parts[PARTS_MAX];
    question_of(&listed, parts);
    assert_string_equal(ask(*state, parts, PARTS), "1.0|7|200|OK|" KEY_A "||");
}

static void a_question_that_is_none_lets_nobody_in(void **state) {
    const struct key listed = key_of(KEY_A);
    char longer[KEY_BYTES + 1] = "";
    memcpy(longer, listed.bytes, KEY_BYTES);
    static const char refused[] = "1.0|7|400|not on a list|||";
    const struct {
        size_t at;
        struct part other;
    } broken[] = {{0, {"1.1", 3}},
                  {0, {"1.0.", 4}},
                  {5, {"PLAIN", 5}},
                  {5, {"CURVE2", 6}},
                  {6, {longer, KEY_BYTES - 1}},
                  {6, {longer, KEY_BYTES + 1}}};
    struct part parts[PARTS_MAX];
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        question_of(&listed, parts);
        parts[broken[i].at] = broken[i].other;
        assert_string_equal(ask(*state, parts, PARTS), refused);
    }
    question_of(&listed, parts);
    assert_string_equal(ask(*state, parts, PARTS - 1), refused);
    assert_string_equal(ask(*state, parts, PARTS + 1), refused);
    assert_string_equal(ask(*state, parts, 1), "1.0||400|not on a list|||");
}

/* --- what is told --- */

static void a_key_that_is_refused_is_told_once_a_second(void **state) {
    struct stage *stage = *state;
    const struct key stranger = key_of(KEY_B);
    struct part parts[PARTS_MAX];
    question_of(&stranger, parts);
    stage->lines = 0;
    int64_t began_ms = clock_steady_ms();
    ask(stage, parts, PARTS);
    assert_int_equal(stage->lines, 1);
    assert_non_null(strstr(stage->said, "from 192.0.2.1: the key " KEY_B " is in neither list"));
    while (stage->lines == 1)
        assert_string_equal(ask(stage, parts, PARTS), "1.0|7|400|not on a list|||");
    assert_true(clock_steady_ms() - began_ms >= 1000);
}

static void a_list_without_a_key_and_a_broken_line_are_told(void **state) {
    struct stage *stage = *state;
    assert_non_null(strstr(stage->said, "authorized_workers has no key yet"));
    assert_null(strstr(stage->said, "authorized_people"));
    list_people(stage, "\noops\n");
    guard_refresh(stage->guard);
    assert_non_null(strstr(stage->said, "authorized_people:2: "));
}

int main(void) {
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_key_of_a_list_is_let_in_and_is_the_user),
        ON_STAGE(a_question_that_is_none_lets_nobody_in),
        ON_STAGE(a_key_that_is_refused_is_told_once_a_second),
        ON_STAGE(a_list_without_a_key_and_a_broken_line_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
