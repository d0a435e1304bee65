#include "worker/slots.h"

#include "core/clock.h"
#include "core/file.h"
#include "worker/folder.h"
#include "worker/slot.h"
#include "worker/spool.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct slots {
    const struct slots_options *options;
    char name[SLOTS_NAME_MAX + 1];
    int lock, signals;
    struct slot slots[SLOTS_MAX];
    pid_t pids[SLOTS_MAX]; /* of those that run */
    uint64_t jitter;
    bool leaving;
};

__attribute__((format(printf, 3, 4))) static void say(const struct slots *slots, bool trouble,
                                                      const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    slots->options->say(slots->options->context, trouble, line);
}

/* ---- a slot's process ---- */

/* The share of the cores. Where that cannot be, all are as good. */
static void bind_to_cores(size_t index, size_t count) {
    cpu_set_t all, own;
    size_t first, many, place = 0;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    slot_cores(index, count, (size_t)CPU_COUNT(&all), &first, &many);
    CPU_ZERO(&own);
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &all))
            continue;
        if (place >= first && place < first + many)
            CPU_SET(core, &own);
        place++;
    }
    sched_setaffinity(0, sizeof own, &own);
}

__attribute__((noreturn)) static void be_slot(const struct slots *slots, size_t index,
                                              pid_t parent) {
    const struct slots_options *options = slots->options;
    char dir[4096], name[SLOTS_NAME_MAX + 16];
    struct slots_place place = {.number = index + 1, .dir = dir, .name = name};
    close(slots->signals);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        _exit(ERROR_FAILED);
    if (snprintf(dir, sizeof dir, "%s/slot-%zu", options->dir, place.number) >= (int)sizeof dir)
        _exit(ERROR_INPUT);
    snprintf(name, sizeof name, "%s/%zu", slots->name, place.number);
    bind_to_cores(index, options->count);
    exit(options->work(options->context, &place));
}

/* Its process has ended, with what waitpid says of it, or there was none. */
static void take_end(struct slots *slots, size_t index, int status, const char *how) {
    struct slot *slot = &slots->slots[index];
    slot_ended(slot, status, slots->leaving, clock_steady_ms(), &slots->jitter);
    if (slot->state == SLOT_DUE || slot->code == ERROR_FAILED)
        say(slots, true, "slot %zu %s; it is %s", index + 1, how,
            slot->state == SLOT_DUE ? "started again" : "given up");
}

static void start(struct slots *slots, size_t index) {
    const pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        be_slot(slots, index, parent);
    slot_started(&slots->slots[index], clock_steady_ms());
    slots->pids[index] = pid;
    if (pid > 0)
        return;
    char how[64];
    snprintf(how, sizeof how, "cannot be started: %s", strerror(errno));
    take_end(slots, index, W_EXITCODE(ERROR_FAILED, 0), how);
}

/* ---- all of them ---- */

static void send_all(const struct slots *slots, int signal) {
    for (size_t i = 0; i < slots->options->count; i++)
        if (slots->slots[i].state == SLOT_RUNS)
            kill(slots->pids[i], signal);
}

static void leave(struct slots *slots) {
    slots->leaving = true;
    for (size_t i = 0; i < slots->options->count; i++)
        slot_leave(&slots->slots[i]);
    send_all(slots, SIGUSR1);
}

/* Several that ended may have sent one signal. */
static void take_ended(struct slots *slots) {
    for (size_t i = 0; i < slots->options->count; i++) {
        int status;
        if (slots->slots[i].state != SLOT_RUNS || waitpid(slots->pids[i], &status, WNOHANG) <= 0)
            continue;
        char how[64];
        if (WIFSIGNALED(status))
            snprintf(how, sizeof how, "was ended by signal %d (%s)", WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
        else
            snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(status));
        take_end(slots, i, status, how);
    }
}

/* As the default effect of the signal has it, for all. */
static void end_at_once(const struct slots *slots, int number) {
    sigset_t set;
    send_all(slots, SIGKILL);
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void take_signals(struct slots *slots, bool *asked) {
    struct signalfd_siginfo signal;
    while (read(slots->signals, &signal, sizeof signal) == sizeof signal) {
        const int number = (int)signal.ssi_signo;
        if (number == SIGCHLD)
            continue;
        if (number != SIGUSR1 && *asked)
            end_at_once(slots, number);
        *asked |= number != SIGUSR1;
        if (!slots->leaving)
            leave(slots);
    }
    take_ended(slots);
}

/* Starts what is due. Returns how long until the next is, in ms; -1: none is. *over: all are. */
static int start_due(struct slots *slots, bool *over) {
    int wait_ms = -1;
    *over = true;
    for (size_t i = 0; i < slots->options->count; i++) {
        const struct slot *slot = &slots->slots[i];
        int64_t now_ms = clock_steady_ms();
        if (slot->state == SLOT_DUE && slot->start_ms <= now_ms)
            start(slots, i);
        if (slot->state != SLOT_OVER)
            *over = false;
        int left_ms = slot->start_ms > now_ms ? (int)(slot->start_ms - now_ms) : 0;
        if (slot->state == SLOT_DUE && (wait_ms < 0 || left_ms < wait_ms))
            wait_ms = left_ms;
    }
    return wait_ms;
}

static int supervise(struct slots *slots) {
    bool over = false, asked = false;
    int code = 0;
    for (;;) {
        int wait_ms = start_due(slots, &over);
        struct pollfd poll_signals = {.fd = slots->signals, .events = POLLIN};
        if (over)
            break;
        poll(&poll_signals, 1, wait_ms);
        take_signals(slots, &asked);
    }
    for (size_t i = 0; i < slots->options->count; i++)
        if (slots->slots[i].code > code)
            code = slots->slots[i].code;
    return code;
}

/* The name that the folder has as a worker's, and what a worker alone in it has left. */
static bool take_name(struct slots *slots, struct error *error) {
    const struct slots_options *options = slots->options;
    struct spool *spool;
    if (!folder_make(options->dir, error) || !spool_open(options->dir, &spool, error))
        return false;
    snprintf(slots->name, sizeof slots->name, "%s",
             options->name != NULL ? options->name : spool_worker(spool));
    if (spool_count(spool) > 0)
        say(slots, true,
            "%zu reports of a worker without slots wait in %s; start it once without --slots",
            spool_count(spool), options->dir);
    spool_close(spool);
    return true;
}

static bool take_over_signals(struct slots *slots, struct error *error) {
    static const int taken[] = {SIGINT, SIGTERM, SIGUSR1, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        sigaddset(&set, taken[i]);
    slots->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return (slots->signals >= 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0) ||
           error_errno(error, ERROR_FAILED, "cannot take signals");
}

bool slots_run(const struct slots_options *options, int *code, struct error *error) {
    struct slots slots = {.options = options,
                          .lock = -1,
                          .signals = -1,
                          .jitter = (uint64_t)clock_unix_ms() + (uint64_t)getpid()};
    bool ok = take_name(&slots, error) && folder_lock(options->dir, &slots.lock, error) &&
              take_over_signals(&slots, error);
    if (ok)
        *code = supervise(&slots);
    if (slots.signals >= 0)
        close(slots.signals);
    if (slots.lock >= 0)
        close(slots.lock);
    return ok;
}
