#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool program_path(const char *name, char *path, size_t size, struct error *error) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return error_errno(error, ERROR_FAILED, "cannot tell where this program stands");
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    int written = snprintf(path, size, "%s/%s", self, name);
    if (written < 0 || (size_t)written >= size)
        return error_set(error, ERROR_FAILED, "the path of %s is too long", name);
    return true;
}

/* In the child: the program with its output in the pipe. */
static void become(const char *path, const char *const *arguments, int pipe_end) {
    const char *argv[16] = {path};
    for (size_t i = 0; i < 14 && arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere >= 0 && dup2(nowhere, STDIN_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0 &&
        dup2(pipe_end, STDOUT_FILENO) >= 0)
        execv(path, (char *const *)argv);
    _exit(127);
}

bool program_output(const char *name, const char *const *arguments, char *output, size_t size) {
    char path[PATH_MAX];
    int ends[2], status = -1;
    if (!program_path(name, path, sizeof path, NULL) || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        become(path, arguments, ends[1]);
    close(ends[1]);
    size_t length = 0;
    for (;;) {
        ssize_t got = read(ends[0], output + length, size - 1 - length);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    output[length] = '\0';
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
