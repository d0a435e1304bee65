/* A writer is killed with SIGKILL at every one of its system calls, one after the other (ptrace).
 * The file is the old or the new one, whole, and the next writer is not hindered by what was left.
 */
#include "core/atomic_file.h"

#include "core/file.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SYS_rename /* where the kernel has only the later one */
#define SYS_rename SYS_renameat
#endif

enum { CALLS_MAX = 200 };

/* What a child has asked the kernel for, in order, and how it ended. */
struct calls {
    long numbers[CALLS_MAX];
    int count;
    bool killed;
};

typedef void child_function(const char *path);

/* Runs `child` in a process that is killed when it enters its call `when` (from 0). */
static void run_until(child_function *child, const char *path, int when, struct calls *calls) {
    int status;
    *calls = (struct calls){.count = 0};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        child(path);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* processes may not be traced here */
    assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD), 0);
    while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
           WIFSTOPPED(status)) {
        struct __ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) <= 0 ||
            info.op != PTRACE_SYSCALL_INFO_ENTRY)
            continue;
        if (calls->count == when) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            calls->killed = true;
            return;
        }
        assert_true(calls->count < CALLS_MAX);
        calls->numbers[calls->count++] = (long)info.entry.nr;
    }
}

static const char old_text[] = "the old file", new_text[] = "the new file, which is longer";

static void write_new(const char *path) {
    struct atomic_file file;
    if (!atomic_file_begin(path, &file, NULL) || !atomic_file_write(&file, new_text, 9, NULL) ||
        !atomic_file_write(&file, new_text + 9, sizeof new_text - 1 - 9, NULL) ||
        !atomic_file_commit(&file, NULL))
        _exit(1);
}

/* From PATH.from beside it. */
static void link_new(const char *path) {
    char from[600];
    snprintf(from, sizeof from, "%s.from", path);
    if (!atomic_file_link(from, path, NULL))
        _exit(1);
}

/* From PATH.from, which others have written and not synced. */
static void adopt_new(const char *path) {
    char from[600];
    snprintf(from, sizeof from, "%s.from", path);
    if (!atomic_file_adopt(from, path, NULL))
        _exit(1);
}

static void copy_new(const char *path) {
    char from[600];
    snprintf(from, sizeof from, "%s.from", path);
    if (!atomic_file_copy(from, path, NULL))
        _exit(1);
}

static bool holds(const char *path, const char *text) {
    char *data = NULL;
    size_t length = 0;
    struct error error = {0};
    if (!file_read(path, 1000, &data, &length, &error))
        fail_msg("%s", error.message);
    bool same = length == strlen(text) && memcmp(data, text, length) == 0;
    free(data);
    return same;
}

static void write_old(const char *path) {
    char from[600];
    snprintf(from, sizeof from, "%s.from", path);
    unlink(from);
    assert_true(file_write_atomic(path, old_text, strlen(old_text), NULL));
    assert_true(file_write_atomic(from, new_text, strlen(new_text), NULL));
}

static void kill_everywhere(child_function *child, void **state) {
    char *path = temporary_path(state, "file");
    struct calls calls = {.killed = true};
    bool old_seen = false, new_seen = false;
    for (int when = 0; calls.killed; when++) {
        write_old(path);
        run_until(child, path, when, &calls);
        bool is_new = holds(path, new_text);
        assert_true(is_new || holds(path, old_text));
        assert_true(is_new || calls.killed);
        old_seen = old_seen || !is_new;
        new_seen = new_seen || (is_new && calls.killed);
        child(path); /* whatever is left over */
        assert_true(holds(path, new_text));
    }
    assert_true(old_seen && new_seen);
    free(path);
}

static void a_killed_writer_leaves_the_old_file_or_the_new_one(void **state) {
    kill_everywhere(write_new, state);
}

static void a_killed_link_leaves_the_old_file_or_the_new_one(void **state) {
    kill_everywhere(link_new, state);
}

static void a_killed_copy_leaves_the_old_file_or_the_new_one(void **state) {
    kill_everywhere(copy_new, state);
}

/* What the killed one left may be a name of the file it linked. */
static void who_writes_after_a_killed_link_leaves_the_linked_file_alone(void **state) {
    char *path = temporary_path(state, "file"), *from = temporary_path(state, "file.from");
    struct calls calls = {.killed = true};
    for (int when = 0; calls.killed; when++) {
        write_old(path);
        run_until(link_new, path, when, &calls);
        assert_true(file_write_atomic(path, old_text, strlen(old_text), NULL));
        assert_true(holds(path, old_text) && holds(from, new_text));
    }
    free(path);
    free(from);
}

/* The place of the last call of this number before `end`; -1 without one. */
static int last_before(const struct calls *calls, long number, int end) {
    int place = end - 1;
    while (place >= 0 && calls->numbers[place] != number)
        place--;
    return place;
}

/* What a power cut may lose is what was not synced before the next step. */
static void syncs_before_and_after_the_rename(child_function *child, bool content, void **state) {
    char *path = temporary_path(state, "file");
    struct calls calls;
    write_old(path);
    run_until(child, path, CALLS_MAX, &calls);
    assert_true(holds(path, new_text));
    int folder = last_before(&calls, SYS_fsync, calls.count);
    int rename = last_before(&calls, SYS_rename, folder);
    int file = last_before(&calls, SYS_fsync, rename);
    int written = last_before(&calls, SYS_write, rename);
    assert_true(0 <= rename && rename < folder);
    assert_true(!content || (written < file && 0 <= file && file < rename));
    free(path);
}

static void the_data_is_synced_before_the_rename_and_the_folder_after_it(void **state) {
    syncs_before_and_after_the_rename(write_new, true, state);
    syncs_before_and_after_the_rename(copy_new, true, state);
    syncs_before_and_after_the_rename(adopt_new, true, state);
    syncs_before_and_after_the_rename(link_new, false, state); /* of a content that is synced */
}

/* A folder can be opened and not read, and no file takes its name. */
static void where_one_is_a_folder_nothing_is_put_and_nothing_left(void **state) {
    char *path = temporary_path(state, "file"), *folder = temporary_path(state, "folder"),
         *temporary = temporary_path(state, "file.tmp"),
         *other = temporary_path(state, "folder.tmp");
    struct error error = {0};
    write_old(path);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_false(atomic_file_copy(folder, path, &error));
    assert_non_null(strstr(error.message, "cannot read "));
    assert_false(atomic_file_copy(path, folder, &error));
    assert_non_null(strstr(error.message, "/folder: Is a directory"));
    error = (struct error){0};
    assert_false(atomic_file_link(path, folder, &error));
    assert_non_null(strstr(error.message, "cannot rename "));
    assert_true(holds(path, old_text));
    assert_int_not_equal(access(temporary, F_OK), 0);
    assert_int_not_equal(access(other, F_OK), 0);
    free(path);
    free(folder);
    free(temporary);
    free(other);
}

static void what_cannot_take_its_name_at_the_end_is_not_left(void **state) {
    char *path = temporary_path(state, "file"), *temporary = temporary_path(state, "file.tmp");
    struct atomic_file file;
    struct error error = {0};
    assert_true(atomic_file_begin(path, &file, &error));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(atomic_file_commit(&file, &error));
    assert_non_null(strstr(error.message, "cannot rename "));
    assert_int_not_equal(access(temporary, F_OK), 0);
    free(path);
    free(temporary);
}

/* So that work of an hour does not end there. */
static void a_place_that_no_file_can_be_put_at_is_told_beforehand(void **state) {
    struct error error = {0};
    char *path = temporary_path(state, "f"), *inside = temporary_path(state, "f/g"),
         *away = temporary_path(state, "x/f"), *fifo = temporary_path(state, "p"), message[600];
    assert_true(atomic_file_check(path, &error));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(file_write_atomic(path, "old", 3, &error));
    assert_true(atomic_file_check(path, &error));
    assert_true(atomic_file_check("f", &error)); /* in the current folder */
    assert_true(atomic_file_check("/dev/null", &error));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_true(atomic_file_check(fifo, &error)); /* nobody reads there, and opening would wait */
    assert_false(atomic_file_check(away, &error));
    snprintf(message, sizeof message, "cannot write %s: No such file or directory", away);
    assert_string_equal(error.message, message);
    assert_int_equal(error.code, ERROR_FAILED);
    error = (struct error){0};
    assert_false(atomic_file_check(*state, &error));
    assert_non_null(strstr(error.message, ": Is a directory"));
    error = (struct error){0};
    assert_false(atomic_file_check(inside, &error));
    assert_non_null(strstr(error.message, "f/g: Not a directory"));
    free(path);
    free(inside);
    free(away);
    free(fifo);
}

static void what_is_not_there_is_not_taken(void **state) {
    char *path = temporary_path(state, "file"), *missing = temporary_path(state, "missing");
    struct error error = {0};
    write_old(path);
    assert_false(atomic_file_adopt(missing, path, &error));
    assert_non_null(strstr(error.message, "cannot read "));
    assert_false(atomic_file_copy(missing, path, NULL));
    assert_false(atomic_file_link(missing, path, NULL));
    assert_true(holds(path, old_text));
    free(path);
    free(missing);
}

/* No name in another file system is a name of the same file. */
static void what_cannot_be_linked_is_copied(void **state) {
    char *path = temporary_path(state, "file");
    struct stat status;
    struct error error = {0};
    write_old(path);
    assert_true(atomic_file_link("/proc/version", path, &error));
    assert_string_equal(error.message, "");
    assert_false(holds(path, old_text));
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 0);
    free(path);
}

/* How a process ends that `child` has run in and a signal was sent to. */
static int end_by(int number, void (*disposition)(int), child_function *child, const char *path) {
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(number, disposition);
        atomic_file_tidy_when_ended();
        child(path);
        raise(number);
        _exit(7);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void begin_two(const char *path) {
    static struct atomic_file file, other;
    char beside[600];
    snprintf(beside, sizeof beside, "%s.from", path);
    if (!atomic_file_begin(path, &file, NULL) || !atomic_file_begin(beside, &other, NULL))
        _exit(1);
}

/* Another process has begun the file by then. */
static void commit_and_lend_the_name(const char *path) {
    char temporary[600];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    write_new(path);
    if (link(path, temporary) != 0)
        _exit(1);
}

static void who_is_ended_by_a_signal_leaves_nothing_unfinished(void **state) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    char *path = temporary_path(state, "file"), *temporary = temporary_path(state, "file.tmp"),
         *other = temporary_path(state, "file.from.tmp");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        write_old(path);
        int status = end_by(numbers[i], SIG_DFL, begin_two, path);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
        assert_true(holds(path, old_text));
        assert_int_not_equal(access(temporary, F_OK), 0);
        assert_int_not_equal(access(other, F_OK), 0);
        status = end_by(numbers[i], SIG_IGN, begin_two, path);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
        assert_int_equal(access(temporary, F_OK), 0);
    }
    free(path);
    free(temporary);
    free(other);
}

static void what_is_finished_is_not_removed_by_a_signal(void **state) {
    char *path = temporary_path(state, "file"), *temporary = temporary_path(state, "file.tmp");
    int status = end_by(SIGTERM, SIG_DFL, commit_and_lend_the_name, path);
    assert_true(WIFSIGNALED(status));
    assert_true(holds(path, new_text));
    assert_int_equal(access(temporary, F_OK), 0);
    free(path);
    free(temporary);
}

/* Else `--out /dev/null`, given by root, would make a file of /dev/null. */
static void a_pipe_is_written_to_and_stays_one(void **state) {
    char *path = temporary_path(state, "pipe"), text[sizeof new_text] = "";
    struct stat status;
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    write_new(path);
    assert_int_equal(read(reader, text, sizeof text), sizeof new_text - 1);
    assert_string_equal(text, new_text);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    close(reader);
    free(path);
}

/* As `--out /dev/stdout` is, with stdout a file: nothing can be made beside it. */
static void what_a_process_has_open_is_written_to(void **state) {
    char *path = temporary_path(state, "file"), place[32];
    write_old(path);
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    snprintf(place, sizeof place, "/dev/fd/%d", descriptor);
    write_new(place);
    assert_true(holds(path, new_text));
    close(descriptor);
    free(path);
}

static void a_file_that_is_linked_already_is_left_as_it_is(void **state) {
    char *path = temporary_path(state, "file"), *temporary = temporary_path(state, "file.tmp");
    write_old(path);
    link_new(path);
    link_new(path);
    assert_true(holds(path, new_text));
    assert_int_not_equal(access(temporary, F_OK), 0);
    free(path);
    free(temporary);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pipe_is_written_to_and_stays_one, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(what_a_process_has_open_is_written_to, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_that_is_linked_already_is_left_as_it_is,
                                        temporary_make, temporary_remove),
        IN_FOLDER(where_one_is_a_folder_nothing_is_put_and_nothing_left),
        IN_FOLDER(what_cannot_take_its_name_at_the_end_is_not_left),
        IN_FOLDER(a_place_that_no_file_can_be_put_at_is_told_beforehand),
        IN_FOLDER(who_is_ended_by_a_signal_leaves_nothing_unfinished),
        IN_FOLDER(what_is_finished_is_not_removed_by_a_signal),
        IN_FOLDER(what_is_not_there_is_not_taken),
        IN_FOLDER(what_cannot_be_linked_is_copied),
        cmocka_unit_test_setup_teardown(a_killed_writer_leaves_the_old_file_or_the_new_one,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_killed_link_leaves_the_old_file_or_the_new_one,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_killed_copy_leaves_the_old_file_or_the_new_one,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(who_writes_after_a_killed_link_leaves_the_linked_file_alone,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(
            the_data_is_synced_before_the_rename_and_the_folder_after_it, temporary_make,
            temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
