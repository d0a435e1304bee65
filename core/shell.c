#include "core/shell.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int prepare_files(posix_spawn_file_actions_t *files, int output) {
    int code = posix_spawn_file_actions_adddup2(files, output, STDERR_FILENO);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
    if (code == 0)
        code = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (code == 0) /* whatever was opened without O_CLOEXEC: a lock, a port */
        code = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
    return code;
}

/* No signal is blocked or ignored in it, whatever we do with ours. */
static int prepare_rest(posix_spawnattr_t *attributes, bool apart) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    return posix_spawnattr_setflags(attributes,
                                    (short)(apart ? flags | POSIX_SPAWN_SETPGROUP : flags));
}

int shell_start(const char *command, char *const *environment, int output, bool apart, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char *const words[] = {"sh", "-c", (char *)(size_t)command, NULL}; /* it changes nothing */
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    int code = prepare_files(&files, output);
    if (code == 0)
        code = prepare_rest(&attributes, apart);
    if (code == 0)
        code = posix_spawn(pid, "/bin/sh", &files, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return code;
}

bool shell_ended(pid_t pid, int *status) {
    int raw;
    if (waitpid(pid, &raw, WNOHANG) != pid)
        return false;
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return true;
}

bool shell_complaint(int status, char *text, size_t size) {
    if (status > 128 && status <= 128 + SIGRTMAX) /* beyond there is no signal */
        snprintf(text, size, "was ended by signal %d", status - 128);
    else if (status != 0)
        snprintf(text, size, "exited with %d", status);
    return status != 0;
}
