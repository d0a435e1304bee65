/* --on-finish of the coordinator: who is told of what, and when. Waits poll for what a command has
 * done; nothing here depends on how long that takes. */
#include "coordinator/finish.h"

#include "core/file.h"
#include "tests/coordinator/bench.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum { PATIENCE = 3000 }; /* naps of 10 ms */

struct fixture {
    struct bench *bench;
    void *folder;
    struct finish *finish;
    char said[1024];
};

static void note(void *context, const char *line) {
    struct fixture *fixture = context;
    size_t length = strlen(fixture->said);
    snprintf(fixture->said + length, sizeof fixture->said - length, "%s\n", line);
}

static int set(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    return bench_set((void **)&fixture->bench) || temporary_make(&fixture->folder) ? -1 : 0;
}

static int strike(void **state) {
    struct fixture *fixture = *state;
    finish_close(fixture->finish);
    bench_strike((void **)&fixture->bench);
    temporary_remove(&fixture->folder);
    free(fixture);
    return 0;
}

/* The command runs with $OUT, a file of the test's folder. */
static void use(struct fixture *fixture, const char *command) {
    struct error error = {0};
    char *out = temporary_path(&fixture->folder, "out");
    setenv("OUT", out, 1);
    free(out);
    assert_true(finish_open(command, "tcp://127.0.0.1:7", fixture->bench->store, note, fixture,
                            &fixture->finish, &error));
    fixture->bench->coordinator.finish = fixture->finish;
}

static void turn(struct fixture *fixture) {
    finish_turn(fixture->finish, fixture->bench->now.steady_ms);
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static char *read_out(void) {
    char *text = NULL;
    size_t length;
    return file_read(getenv("OUT"), 1 << 20, &text, &length, NULL) ? text : strdup("");
}

/* Turns until the commands have written so much. */
static void until_written(struct fixture *fixture, const char *expected) {
    char *text = NULL;
    for (int i = 0; i < PATIENCE; i++) {
        turn(fixture);
        free(text);
        text = read_out();
        if (strlen(text) >= strlen(expected))
            break;
    }
    assert_string_equal(text, expected);
    free(text);
}

static void until_said(struct fixture *fixture, const char *expected) {
    for (int i = 0; i < PATIENCE && fixture->said[0] == '\0'; i++)
        turn(fixture);
    assert_string_equal(fixture->said, expected);
}

static void cancel(struct bench *bench, const char *ids) {
    ask(bench, "cancel", body("{\"ids\": %s}", ids), "changed");
}

static void an_experiment_that_is_done_is_told_of_with_its_result(void **state) {
    struct fixture *fixture = *state;
    struct bench *bench = fixture->bench;
    use(fixture, "echo \"$ASSAY_ID $ASSAY_NAME $ASSAY_STATE $ASSAY_WORKER $ASSAY_EPOCHS_DONE "
                 "$ASSAY_CONNECT\" >>$OUT");
    submit(bench, 1, 1, 3);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5));
    turn(fixture);
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"done\"}"));
    until_written(fixture, "1 e1 done a 1 tcp://127.0.0.1:7\n");
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"done\"}")); /* the same once more */
    turn(fixture);
    assert_int_equal(finish_due_ms(fixture->finish, 500), 500);
    until_written(fixture, "1 e1 done a 1 tcp://127.0.0.1:7\n");
    assert_string_equal(fixture->said, "");
}

static void an_attempt_that_is_tried_again_is_no_end(void **state) {
    struct fixture *fixture = *state;
    struct bench *bench = fixture->bench;
    use(fixture, "echo $ASSAY_STATE: $ASSAY_ERROR >>$OUT");
    submit(bench, 1, 1, 2);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "end",
           body("{\"outcome\": \"failed\", \"error\": \"no\", \"retry\": true}"));
    assert_int_equal(finish_due_ms(fixture->finish, 500), 500);
    wait_for_rest(bench);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 2, "end",
           body("{\"outcome\": \"failed\", \"error\": \"no again\", \"retry\": true}"));
    until_written(fixture, "failed: no again\n");
}

static void nobody_is_told_of_what_was_not_committed(void **state) {
    struct fixture *fixture = *state;
    struct bench *bench = fixture->bench;
    struct error error = {0};
    use(fixture, "echo told >>$OUT");
    submit(bench, 1, 1, 3);
    begin(bench);
    answer(bench, "cancel", body("{\"ids\": [1]}"));
    error_set(&bench->coordinator.failure, ERROR_FAILED, "the disk is full");
    bench->coordinator.broken = true;
    assert_false(coordinator_commit(&bench->coordinator, &error));
    assert_int_equal(finish_due_ms(fixture->finish, 500), 500);
    state_is(bench, 1, "queued");
}

static void of_one_that_is_retried_before_its_turn_only_the_next_end_is_told(void **state) {
    struct fixture *fixture = *state;
    struct bench *bench = fixture->bench;
    use(fixture, "echo $ASSAY_ID $ASSAY_STATE >>$OUT");
    submit(bench, 2, 1, 3);
    cancel(bench, "[1]");
    ask(bench, "retry", body("{\"ids\": [1]}"), "changed");
    turn(fixture);
    wait_ms(bench, 1);
    cancel(bench, "[1]");
    until_written(fixture, "1 cancelled\n");
    wait_ms(bench, 1);
    cancel(bench, "[2]");
    until_written(fixture, "1 cancelled\n2 cancelled\n");
}

static void a_few_run_at_a_time_and_the_others_have_their_turn(void **state) {
    struct fixture *fixture = *state;
    struct bench *bench = fixture->bench;
    char *gate = temporary_path(&fixture->folder, "gate");
    setenv("GATE", gate, 1);
    use(fixture, /* a command that looks again when the test is over finds no folder */
        "echo begun >>$OUT; until [ -e $GATE ] || [ ! -e $OUT ]; do sleep 0.01; done");
    submit(bench, 6, 1, 3);
    cancel(bench, "[1, 2, 3, 4, 5, 6]");
    assert_int_equal(finish_due_ms(fixture->finish, 500), 0);
    until_written(fixture, "begun\nbegun\nbegun\nbegun\n");
    turn(fixture);
    assert_in_range(finish_due_ms(fixture->finish, 500), 1, 100);
    until_written(fixture, "begun\nbegun\nbegun\nbegun\n");
    assert_true(file_write_atomic(gate, "", 0, NULL));
    until_written(fixture, "begun\nbegun\nbegun\nbegun\nbegun\nbegun\n");
    free(gate);
}

static void a_command_that_fails_is_said(void **state) {
    struct fixture *fixture = *state;
    use(fixture, "exit 7");
    submit(fixture->bench, 1, 1, 3);
    cancel(fixture->bench, "[1]");
    until_said(fixture, "--on-finish for experiment 1 exited with 7\n");
}

static void one_that_takes_too_long_is_ended(void **state) {
    struct fixture *fixture = *state;
    use(fixture, "echo begun >>$OUT; while :; do sleep 1; done");
    submit(fixture->bench, 1, 1, 3);
    cancel(fixture->bench, "[1]");
    until_written(fixture, "begun\n");
    wait_ms(fixture->bench, FINISH_LIMIT_MS);
    until_said(fixture, "--on-finish for experiment 1 took more than ten minutes\n");
    fixture->said[0] = '\0';
    until_said(fixture, "--on-finish for experiment 1 was ended by signal 9\n");
}

/* Whoever holds the pipe open is there. */
static void what_it_has_started_is_ended_with_it(void **state) {
    struct fixture *fixture = *state;
    char *pipe = temporary_path(&fixture->folder, "pipe"), byte;
    assert_int_equal(mkfifo(pipe, 0600), 0);
    int reader = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    setenv("HELD", pipe, 1);
    use(fixture, "(echo begun >>$OUT; sleep 100) >$HELD & wait");
    submit(fixture->bench, 1, 1, 3);
    cancel(fixture->bench, "[1]");
    until_written(fixture, "begun\n");
    assert_int_equal(read(reader, &byte, 1), -1);
    wait_ms(fixture->bench, FINISH_LIMIT_MS);
    ssize_t got = -1;
    for (int i = 0; i < PATIENCE && got != 0; i++) {
        turn(fixture);
        got = read(reader, &byte, 1);
    }
    assert_int_equal(got, 0);
    close(reader);
    free(pipe);
}

static void more_than_may_wait_are_said_to_be_left_out(void **state) {
    struct fixture *fixture = *state;
    use(fixture, "true");
    for (int64_t id = 1; id <= FINISH_WAITING_MAX; id++)
        finish_add(fixture->finish, id, 0);
    assert_string_equal(fixture->said, "");
    finish_add(fixture->finish, 7, 0);
    assert_string_equal(fixture->said, "--on-finish for experiment 7 is not run: too many wait\n");
}

static void words_of_others_are_never_part_of_the_command(void **state) {
    struct fixture *fixture = *state;
    struct bench *bench = fixture->bench;
    use(fixture, "printf '%s|%s' \"$ASSAY_NAME\" \"$ASSAY_ERROR\" >>$OUT");
    cJSON *submit = body("{\"key\": \"a test's key\", \"experiments\": []}");
    cJSON_AddItemToArray(cJSON_GetObjectItem(submit, "experiments"),
                         body_experiment("x;touch $OUT.evil `touch $OUT.evil`", "g", 1, 1));
    ask(bench, "submit", submit, "submitted");
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "end",
           body("{\"outcome\": \"failed\", \"error\": \"$(touch $OUT.evil)\\n\\u001b[31m\","
                " \"retry\": false}"));
    until_written(fixture, "x;touch $OUT.evil `touch $OUT.evil`|$(touch $OUT.evil)??[31m");
    char *evil = temporary_path(&fixture->folder, "out.evil");
    assert_int_not_equal(access(evil, F_OK), 0);
    free(evil);
}

static void check_said_at_the_end(struct fixture *fixture, int count, const char *ids,
                                  const char *said) {
    use(fixture, "true");
    submit(fixture->bench, count, 1, 3);
    cancel(fixture->bench, ids);
    finish_close(fixture->finish);
    fixture->finish = fixture->bench->coordinator.finish = NULL;
    assert_string_equal(fixture->said, said);
}

static void what_waits_at_the_end_is_said(void **state) {
    check_said_at_the_end(*state, 2, "[1, 2]",
                          "--on-finish was not run for 2 experiments that had finished\n");
}

static void one_that_waits_at_the_end_is_one(void **state) {
    check_said_at_the_end(*state, 1, "[1]",
                          "--on-finish was not run for 1 experiment that had finished\n");
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, set, strike)
    const struct CMUnitTest tests[] = {
        TEST(an_experiment_that_is_done_is_told_of_with_its_result),
        TEST(an_attempt_that_is_tried_again_is_no_end),
        TEST(nobody_is_told_of_what_was_not_committed),
        TEST(of_one_that_is_retried_before_its_turn_only_the_next_end_is_told),
        TEST(a_few_run_at_a_time_and_the_others_have_their_turn),
        TEST(a_command_that_fails_is_said),
        TEST(one_that_takes_too_long_is_ended),
        TEST(what_it_has_started_is_ended_with_it),
        TEST(more_than_may_wait_are_said_to_be_left_out),
        TEST(words_of_others_are_never_part_of_the_command),
        TEST(what_waits_at_the_end_is_said),
        TEST(one_that_waits_at_the_end_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
