#include "worker/folder.h"

#include "tests/temporary.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A process that holds the folder until it is told to leave, and `dying_ms` more. */
static pid_t hold(const char *dir, useconds_t dying_ms) {
    int ready[2], number, lock;
    char byte;
    sigset_t set;
    assert_int_equal(pipe(ready), 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        if (!folder_lock(dir, &lock, NULL) || write(ready[1], "", 1) != 1)
            _exit(1);
        sigwait(&set, &number);
        usleep(dying_ms * 1000);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void a_folder_belongs_to_one(void **state) {
    struct error error = {0};
    int lock;
    pid_t pid = hold(*state, 0);
    assert_false(folder_lock(*state, &lock, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "another worker is running in this folder"));
    close(lock);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(folder_lock(*state, &lock, &error));
    close(lock);
}

static void one_that_is_about_to_be_dead_is_waited_for(void **state) {
    struct error error = {0};
    int lock;
    pid_t pid = hold(*state, 300);
    kill(pid, SIGUSR1);
    if (!folder_lock(*state, &lock, &error))
        fail_msg("%s", error.message);
    close(lock);
    waitpid(pid, NULL, 0);
}

static void who_is_asked_to_leave_has_left(void **state) {
    struct error error = {0};
    bool held = false;
    int status = -1;
    pid_t pid = hold(*state, 300);
    if (!folder_drain(*state, &held, &error))
        fail_msg("%s", error.message);
    assert_true(held);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(folder_drain(*state, &held, &error));
    assert_false(held);
}

static void where_nobody_has_been_nobody_is_asked(void **state) {
    struct error error = {0};
    bool held;
    assert_false(folder_drain(*state, &held, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "no worker has been in"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_folder_belongs_to_one),
        IN_FOLDER(one_that_is_about_to_be_dead_is_waited_for),
        IN_FOLDER(who_is_asked_to_leave_has_left),
        IN_FOLDER(where_nobody_has_been_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
