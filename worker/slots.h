/* slots: several workers side by side on one machine, each a process of its own, so that none can
 * take another with it. The program itself only starts them, starts them again when they die
 * (slot.h), and passes on that they are to leave.
 *
 * In DIR: lock (held by the program and by each of its slots, so that nobody else begins in the
 * folder before the last has left), spool.db for the name, slot-1 to slot-N: each slot's own
 * folder, as agent.h has it. The slots are workers NAME/1 to NAME/N; each is bound to its share of
 * the cores.
 *
 * SIGTERM, SIGINT and SIGUSR1 (folder_drain) have all give back what they hold and leave; a second
 * SIGTERM or SIGINT ends all at once. If the program itself is killed, its slots give back and
 * leave.
 */
#ifndef ASSAY_WORKER_SLOTS_H
#define ASSAY_WORKER_SLOTS_H

#include "core/error.h"

#include <stddef.h>

enum { SLOTS_MAX = 64, SLOTS_NAME_MAX = 127 };

/* What one slot is given. */
struct slots_place {
    size_t number;          /* from 1 */
    const char *dir, *name; /* its own */
};

struct slots_options {
    const char *dir;
    const char *name; /* NULL: the folder's */
    size_t count;     /* at most SLOTS_MAX */
    /* Works in the slot's process, with its signals blocked; what it returns is the exit code. */
    int (*work)(void *context, const struct slots_place *place);
    /* one line for people, without its end; trouble: for stderr */
    void (*say)(void *context, bool trouble, const char *line);
    void *context;
};

/* Returns when every slot is over; *code is the highest exit code among them. False fills error: no
 * slot was started. Before any other thread is. */
bool slots_run(const struct slots_options *options, int *code, struct error *error);

#endif
