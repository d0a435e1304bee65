/* child: programs that a command starts beside itself and never leaves behind.
 *
 * A child gets SIGTERM when its parent ends, however that ends (prctl PR_SET_PDEATHSIG). One with a
 * log runs in a process group of its own, so that Ctrl-C reaches the parent alone and the parent
 * decides in which order things stop. The parent calls child_signals first and then learns of
 * everything in one place, child_wait; there are no handlers.
 */
#ifndef ASSAY_CLI_CHILD_H
#define ASSAY_CLI_CHILD_H

#include "core/error.h"

#include <stdio.h>
#include <sys/types.h>

/* Zero-initialise. */
struct child {
    const char *name; /* the program: "assay-worker" */
    const char *log;  /* the file that takes its stdout and stderr; NULL: they stay ours */
    pid_t pid;        /* 0: not running */
    bool ended;
    int status; /* once ended: the exit code, or 128 and the signal that ended it, as a shell says
                   it */
};

/* Blocks SIGINT, SIGTERM, SIGHUP and SIGCHLD in this thread and those it starts, for child_wait. */
void child_signals(void);
/* True once one of the first three has come; takes it. */
bool child_interrupted(void);

/* Starts the program of that name that stands beside this one. `arguments` ends in NULL and begins
 * after argv[0]; `name` and `log` are borrowed, `log` not when it fails. */
bool child_start(struct child *child, const char *name, const char *const *arguments,
                 const char *log, struct error *error);

enum child_event { CHILD_TIMEOUT, CHILD_ENDED, CHILD_INTERRUPTED };

/* Waits until one of the children that were running has ended (`ended` and `status` say which), a
 * signal asks us to stop, or the time is over. */
enum child_event child_wait(struct child *children, size_t count, int timeout_ms);

/* Asks a running child to end (SIGTERM) and waits; ends it the hard way after `patience_ms` or when
 * we are asked to stop meanwhile. */
void child_stop(struct child *child, int patience_ms);

/* The last lines of its log. */
void child_print_log(const struct child *child, FILE *stream);

#endif
