/* unwritten: what the scheduler knows and no row of the database says, kept over a batch that
 * fails: the scheduler is filled again from the database then. Who was told to drain, what rests
 * and how often in a row its machine could not do it, how far runs have come.
 *
 * A coordinator that starts again has forgotten it. Memory that there is none for forgets it too.
 */
#ifndef ASSAY_COORDINATOR_UNWRITTEN_H
#define ASSAY_COORDINATOR_UNWRITTEN_H

#include "coordinator/scheduler.h"

/* Zero-initialise; free with unwritten_free. */
struct unwritten {
    struct drained *drained;
    struct going *going;
    size_t drained_count, going_count;
};
void unwritten_free(struct unwritten *unwritten);

/* Before the scheduler is emptied. Whom only the batch that failed has told to drain, at that
 * revision, has not been told. */
void unwritten_keep(struct unwritten *unwritten, const struct scheduler *scheduler,
                    int64_t revision);
/* Into the scheduler that has been filled again, as far as it still is so there. */
void unwritten_put_back(const struct unwritten *unwritten, struct scheduler *scheduler);

#endif
