#include "core/shell.h"

#include "core/standard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE = 3000 }; /* naps of 10 ms */

static int end_of(pid_t pid) {
    int status = -1;
    for (int i = 0; i < PATIENCE && !shell_ended(pid, &status); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return status;
}

/* Runs a command to its end; what it printed, for the caller to free. */
static char *ran(const char *command, char *const *environment, int *status) {
    pid_t pid;
    char *text = calloc(1, 4096);
    int output = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(shell_start(command, environment, output, true, &pid), 0);
    *status = end_of(pid);
    assert_true(pread(output, text, 4095, 0) >= 0);
    close(output);
    return text;
}

static void a_command_has_its_environment_alone_and_nothing_to_read(void **state) {
    (void)state;
    char name[] = "ASSAY_NAME=a b;exit 9", path[] = "PATH=/usr/bin:/bin";
    char *environment[] = {name, path, NULL};
    int status;
    assert_int_equal(dup2(STDERR_FILENO, 9), 9); /* without O_CLOEXEC */
    char *text = ran("cat; echo \"$ASSAY_NAME\"; echo two >&2;"
                     " (echo leaked >&9) 2>/dev/null && echo leak; exit 0",
                     environment, &status);
    assert_string_equal(text, "a b;exit 9\ntwo\n");
    assert_int_equal(status, 0);
    close(9);
    free(text);
}

static void how_it_ended_is_told_in_words(void **state) {
    (void)state;
    char *environment[] = {NULL}, words[64];
    int status;
    free(ran("exit 0", environment, &status));
    assert_false(shell_complaint(status, words, sizeof words));
    free(ran("exit 7", environment, &status));
    assert_true(shell_complaint(status, words, sizeof words));
    assert_string_equal(words, "exited with 7");
    free(ran("exit 255", environment, &status)); /* ssh's, when it comes to nothing */
    assert_true(shell_complaint(status, words, sizeof words));
    assert_string_equal(words, "exited with 255");
    free(ran("kill -TERM $$", environment, &status));
    assert_true(shell_complaint(status, words, sizeof words));
    assert_string_equal(words, "was ended by signal 15");
}

static void signals_reach_it_whatever_we_do_with_ours(void **state) {
    (void)state;
    char *environment[] = {NULL};
    sigset_t set, before;
    int status;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    standard_open();
    free(ran("kill -TERM $$; exit 0", environment, &status));
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(status, 128 + SIGTERM);
}

static void one_that_runs_has_not_ended(void **state) {
    (void)state;
    char *environment[] = {NULL};
    pid_t pid;
    int status, output = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(shell_start("kill -STOP $$", environment, output, true, &pid), 0);
    assert_false(shell_ended(pid, &status));
    assert_int_equal(getpgid(pid), pid);
    kill(-pid, SIGKILL);
    assert_int_equal(end_of(pid), 128 + SIGKILL);
    close(output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_has_its_environment_alone_and_nothing_to_read),
        cmocka_unit_test(how_it_ended_is_told_in_words),
        cmocka_unit_test(signals_reach_it_whatever_we_do_with_ours),
        cmocka_unit_test(one_that_runs_has_not_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
