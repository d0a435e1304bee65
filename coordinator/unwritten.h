/* unwritten: what the scheduler knows and the database does not, kept when a batch fails and the
 * scheduler is filled again from the database: who was told to drain and who is lost, what rests
 * and who failed it, how often in a row its machine could not do it, and how far runs have come.
 *
 * A coordinator that starts again has forgotten it. It is also lost when there is no memory for it.
 */
#ifndef ASSAY_COORDINATOR_UNWRITTEN_H
#define ASSAY_COORDINATOR_UNWRITTEN_H

#include "coordinator/scheduler.h"

/* Zero-initialise; free with unwritten_free. */
struct unwritten {
    struct drained *drained;
    struct missed *missed;
    struct going *going;
    size_t drained_count, missed_count, going_count;
};
void unwritten_free(struct unwritten *unwritten);

/* Before the scheduler is emptied. A worker that only the failed batch told to drain (it would have
 * said so at `revision`) counts as not told. */
void unwritten_keep(struct unwritten *unwritten, const struct scheduler *scheduler,
                    const struct presence *present, int64_t revision);
/* Into the scheduler that has been filled again, as far as it still is so there. */
void unwritten_put_back(const struct unwritten *unwritten, struct scheduler *scheduler);

#endif
