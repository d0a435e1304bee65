#include "cli/child.h"

#include "cli/program.h"
#include "core/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_LINES = 15, LOG_BYTES = 8192 };

static sigset_t stop_set(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

void child_signals(void) {
    sigset_t set = stop_set();
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool child_interrupted(void) {
    sigset_t set = stop_set();
    const struct timespec now = {0};
    return sigtimedwait(&set, NULL, &now) > 0;
}

/* In the new process, up to execv; only what may be called after fork. */
static _Noreturn void become(const char *path, char *const *argv, int log, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it ended before prctl: nobody will tell us */
        _exit(ERROR_FAILED);
    if (log >= 0) {
        int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (setpgid(0, 0) != 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
            dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
            _exit(ERROR_FAILED);
    }
    execv(path, argv);
    _exit(127);
}

bool child_start(struct child *child, const char *name, const char *const *arguments,
                 const char *log, struct error *error) {
    char path[PATH_MAX], **argv;
    int descriptor = -1;
    size_t count = 0;
    *child = (struct child){.name = name};
    if (!program_path(name, path, sizeof path, error))
        return false;
    if (access(path, X_OK) != 0)
        return error_errno(error, ERROR_FAILED, "cannot run %s; it should stand beside assay",
                           path);
    if (log != NULL) {
        descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (descriptor < 0)
            return error_errno(error, ERROR_FAILED, "cannot write %s", log);
    }
    while (arguments[count] != NULL)
        count++;
    argv = calloc(count + 2, sizeof *argv);
    if (argv == NULL) {
        if (descriptor >= 0)
            close(descriptor);
        return error_memory(error);
    }
    argv[0] = path;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = (char *)(size_t)arguments[i]; /* execv changes nothing */
    fflush(NULL);
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0)
        become(path, argv, descriptor, parent);
    if (child->pid < 0) {
        child->pid = 0;
        error_errno(error, ERROR_FAILED, "cannot start %s", name);
    }
    if (descriptor >= 0)
        close(descriptor);
    free(argv);
    child->log = child->pid > 0 ? log : NULL;
    return child->pid > 0;
}

/* True when a child that was running has ended. */
static bool reap(struct child *children, size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        struct child *child = &children[i];
        int status;
        if (child->pid == 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
            continue;
        child->pid = 0;
        child->ended = any = true;
        child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return any;
}

enum child_event child_wait(struct child *children, size_t count, int timeout_ms) {
    int64_t end_ms = clock_steady_ms() + timeout_ms;
    sigset_t set = stop_set();
    sigaddset(&set, SIGCHLD);
    for (;;) {
        if (reap(children, count))
            return CHILD_ENDED;
        int64_t left_ms = end_ms - clock_steady_ms();
        if (left_ms <= 0)
            return CHILD_TIMEOUT;
        struct timespec left = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
        int number = sigtimedwait(&set, NULL, &left);
        if (number > 0 && number != SIGCHLD)
            return CHILD_INTERRUPTED;
    }
}

void child_stop(struct child *child, int patience_ms) {
    if (child->pid == 0)
        return;
    kill(child->pid, SIGTERM);
    if (child_wait(child, 1, patience_ms) != CHILD_ENDED) {
        kill(child->pid, SIGKILL);
        while (child_wait(child, 1, patience_ms) != CHILD_ENDED) {
        }
    }
}

void child_print_log(const struct child *child, FILE *stream) {
    char text[LOG_BYTES + 1];
    FILE *log = child->log != NULL ? fopen(child->log, "re") : NULL;
    if (log == NULL)
        return;
    if (fseek(log, -LOG_BYTES, SEEK_END) != 0)
        rewind(log);
    size_t length = fread(text, 1, LOG_BYTES, log);
    fclose(log);
    size_t start = length;
    for (int lines = 0; start > 0; start--)
        if (text[start - 1] == '\n' && start < length && ++lines == LOG_LINES)
            break;
    fwrite(text + start, 1, length - start, stream);
}
