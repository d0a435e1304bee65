/* Programs that a command starts: this one's neighbours are the other tests, and it is one itself
 * when it is told what to be. */
#include "cli/child.h"

#include "core/file.h"
#include "core/standard.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { PATIENCE_MS = 60000 };

/* --- what this program is as a child --- */

/* Says what it has begun with, and stays; "deaf" hears no SIGTERM. */
static _Noreturn void be(const char *what) {
    sigset_t blocked;
    char byte;
    if (strcmp(what, "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    printf("%s signals, %s group, %s\n", sigisemptyset(&blocked) ? "all" : "not all",
           getpgrp() == getpid() ? "its own" : "another's",
           read(STDIN_FILENO, &byte, 1) == 0 ? "nothing to read" : "something to read");
    fflush(stdout);
    alarm(PATIENCE_MS / 1000); /* where the test has failed */
    for (;;)
        pause();
}

static struct child start(const char *what, const char *log) {
    const char *const arguments[] = {what, NULL};
    struct child child;
    struct error error = {0};
    char *text = NULL;
    size_t length;
    if (!child_start(&child, "cli_test_child", arguments, log, &error))
        fail_msg("%s", error.message);
    do {
        free(text);
        text = NULL;
        usleep(5000);
    } while (!file_read(log, 1 << 16, &text, &length, &error) || length == 0);
    assert_string_equal(text, "all signals, its own group, nothing to read\n");
    free(text);
    return child;
}

/* --- starting --- */

static const char *const none[] = {NULL};

/* Who frees the path when there is no child must not find it in there. */
static void a_program_that_is_not_there_is_an_error_and_keeps_nothing(void **state) {
    char *log = temporary_path(state, "log");
    struct child child = {0};
    struct error error = {0};
    assert_false(child_start(&child, "assay-nothing", none, log, &error));
    assert_non_null(strstr(error.message, "it should stand beside assay"));
    assert_null(child.log);
    assert_int_equal(child.pid, 0);
    assert_int_equal(access(log, F_OK), -1);
    free(log);
}

static void a_log_that_cannot_be_written_is_an_error_and_keeps_nothing(void **state) {
    char *log = temporary_path(state, "folder/log");
    struct child child = {0};
    struct error error = {0};
    assert_false(child_start(&child, "cli_test_child", none, log, &error));
    assert_non_null(strstr(error.message, "cannot write"));
    assert_null(child.log);
    free(log);
}

/* `same_weights` without files says how it is used, and ends with 2. */
static void what_a_child_says_stands_in_its_log_and_it_ends_with_its_code(void **state) {
    char *log = temporary_path(state, "log"), *text = NULL, *printed = NULL;
    size_t length = 0, printed_length = 0;
    struct child child = {0};
    struct error error = {0};
    child_signals();
    if (!child_start(&child, "same_weights", none, log, &error))
        fail_msg("%s", error.message);
    assert_ptr_equal(child.log, log);
    assert_int_equal(child_wait(&child, 1, PATIENCE_MS), CHILD_ENDED);
    assert_true(child.ended && child.pid == 0);
    assert_int_equal(child.status, 2);
    assert_true(file_read(log, 1 << 16, &text, &length, &error));
    FILE *stream = open_memstream(&printed, &printed_length);
    child_print_log(&child, stream);
    fclose(stream);
    assert_true(length > 0);
    assert_string_equal(printed, text);
    free(printed);
    free(text);
    free(log);
}

/* Who starts us may ignore SIGCHLD, and so would we. */
static void a_child_s_end_is_seen_by_who_inherited_that_it_is_ignored(void **state) {
    char *log = temporary_path(state, "log");
    struct child child = {0};
    struct error error = {0};
    signal(SIGCHLD, SIG_IGN);
    standard_open();
    child_signals();
    assert_true(child_start(&child, "same_weights", none, log, &error));
    enum child_event event = child_wait(&child, 1, PATIENCE_MS);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(event, CHILD_ENDED);
    assert_int_equal(child.status, 2);
    free(log);
}

static void a_child_may_have_as_many_arguments_as_there_are_experiments(void **state) {
    enum { COUNT = 300 };
    const char *arguments[COUNT + 1] = {NULL};
    char *log = temporary_path(state, "log");
    struct child child = {0};
    struct error error = {0};
    for (size_t i = 0; i < COUNT; i++)
        arguments[i] = "1";
    child_signals();
    assert_true(child_start(&child, "same_weights", arguments, log, &error));
    assert_int_equal(child_wait(&child, 1, PATIENCE_MS), CHILD_ENDED);
    assert_int_equal(child.status, 2);
    free(log);
}

static void of_a_long_log_the_last_fifteen_lines_are_printed(void **state) {
    char *log = temporary_path(state, "log"), *printed = NULL, text[400] = "";
    size_t length = 0, printed_length = 0;
    struct error error = {0};
    for (int i = 1; i <= 30; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "line %d\n", i);
    assert_true(file_write_atomic(log, text, length, &error));
    FILE *stream = open_memstream(&printed, &printed_length);
    child_print_log(&(struct child){.log = log}, stream);
    fclose(stream);
    assert_string_equal(printed, strstr(text, "line 16\n"));
    free(printed);
    free(log);
}

/* --- stopping --- */

static void a_child_is_asked_to_end_and_one_that_does_not_hear_is_ended(void **state) {
    static const struct {
        const char *what;
        int patience_ms, number;
    } cases[] = {{"polite", PATIENCE_MS, SIGTERM}, {"deaf", 20, SIGKILL}};
    child_signals();
    for (size_t i = 0; i < 2; i++) {
        char *log = temporary_path(state, cases[i].what);
        struct child child = start(cases[i].what, log);
        child_stop(&child, cases[i].patience_ms);
        assert_true(child.ended && child.pid == 0);
        assert_int_equal(child.status, 128 + cases[i].number);
        child_stop(&child, PATIENCE_MS); /* it has ended */
        free(log);
    }
}

static void whoever_is_asked_to_stop_waits_no_longer(void **state) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    char *log = temporary_path(state, "log");
    child_signals();
    struct child child = start("deaf", log);
    for (size_t i = 0; i < 3; i++) {
        raise(numbers[i]);
        assert_int_equal(child_wait(&child, 1, PATIENCE_MS), CHILD_INTERRUPTED);
        assert_false(child_interrupted());
        raise(numbers[i]);
        assert_true(child_interrupted());
    }
    raise(SIGINT);
    child_stop(&child, PATIENCE_MS);
    assert_int_equal(child.status, 128 + SIGKILL);
    free(log);
}

/* Orphans come to this process. */
static void a_child_ends_with_its_parent(void **state) {
    char *log = temporary_path(state, "log");
    int status, ends[2];
    pid_t orphan;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct child child = start("polite", log);
        _exit(write(ends[1], &child.pid, sizeof child.pid) != sizeof child.pid);
    }
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(read(ends[0], &orphan, sizeof orphan), sizeof orphan);
    assert_int_equal(waitpid(orphan, &status, 0), orphan);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    close(ends[0]);
    close(ends[1]);
    free(log);
}

int main(int argc, char **argv) {
    if (argc == 2)
        be(argv[1]);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_program_that_is_not_there_is_an_error_and_keeps_nothing),
        IN_FOLDER(a_log_that_cannot_be_written_is_an_error_and_keeps_nothing),
        IN_FOLDER(what_a_child_says_stands_in_its_log_and_it_ends_with_its_code),
        IN_FOLDER(a_child_s_end_is_seen_by_who_inherited_that_it_is_ignored),
        IN_FOLDER(a_child_may_have_as_many_arguments_as_there_are_experiments),
        IN_FOLDER(of_a_long_log_the_last_fifteen_lines_are_printed),
        IN_FOLDER(a_child_is_asked_to_end_and_one_that_does_not_hear_is_ended),
        IN_FOLDER(whoever_is_asked_to_stop_waits_no_longer),
        IN_FOLDER(a_child_ends_with_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
