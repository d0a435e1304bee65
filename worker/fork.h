/* fork: the checkpoints that a run begins with when it goes on from another experiment's.
 */
#ifndef ASSAY_WORKER_FORK_H
#define ASSAY_WORKER_FORK_H

#include "worker/checkpoint.h"

struct fork {
    struct checkpoint *from;
    /* The best one as of then, beside `from` in its folder: NULL when that is `from` itself, or
     * when it is gone. */
    struct checkpoint *best;
};

/* Whether the checkpoint at `path` is there and of that epoch and, `with_best`, its best one as of
 * then is beside it. False without memory to find out. */
bool fork_is_there(const char *path, uint32_t epoch, bool with_best, bool *there,
                   struct error *error);
/* Opens options->from and checks that the experiment can go on from it (core/fork.h). Close with
 * fork_close, also on failure. */
bool fork_open(const struct trainer_options *options, const struct experiment *experiment,
               struct fork *fork, struct error *error);
/* Whether the experiment asks for another learning rate than the checkpoint's did. A rate that is
 * asked for counts at once; without one, what the scheduler has come to does. */
bool fork_changes_rate(const struct fork *fork, double lr);
void fork_close(struct fork *fork); /* a zeroed one is fine */

#endif
