/* finish: --on-finish of the coordinator: the operator's command for each experiment that finishes,
 * with its result in the environment (docs/on-finish.md), also when nobody watches.
 *
 * The command comes from the command line that started the coordinator and from nowhere else. Ids
 * go in once their end is on the disk; a turn starts some and takes leave of those that have ended,
 * and waits for nothing. A few run at a time, started in the order in which they finished, each for
 * a bounded time. What waits is kept in memory alone: whoever finishes is told of once or, when the
 * coordinator ends first, not at all.
 */
#ifndef ASSAY_COORDINATOR_FINISH_H
#define ASSAY_COORDINATOR_FINISH_H

#include "coordinator/store.h"

enum {
    FINISH_AT_ONCE = 4,
    FINISH_WAITING_MAX = 100000,
    FINISH_LIMIT_MS = 600 * 1000 /* then it is ended, with what it has started in its group */
};

struct finish;

/* All but `connect`, which is copied, are borrowed until finish_close. `say` gets a line for each
 * trouble; what the command prints goes to stderr. */
bool finish_open(const char *command, const char *connect, struct store *store,
                 void (*say)(void *context, const char *line), void *context,
                 struct finish **finish, struct error *error);
/* Says how many are left waiting; those that run go on. NULL is fine, here and below. */
void finish_close(struct finish *finish);

/* The experiment has finished, at that time of the database. */
void finish_add(struct finish *finish, int64_t id, int64_t finished_ms);

/* Between transactions. An experiment that was queued again before its turn is passed over: of its
 * next end it is told again. */
void finish_turn(struct finish *finish, int64_t now_ms);

/* In how many milliseconds there is something to do, unless something else comes: `most`, or less
 * while some wait. */
int64_t finish_due_ms(const struct finish *finish, int64_t most);

#endif
