/* scribe: writes an epoch's checkpoint while the next epoch trains, on a thread of its own.
 *
 * One at a time: whoever has another waits for the one before. What was written is durable once
 * scribe_end has said so, and not before: until then the files may be the old ones, whole.
 */
#ifndef ASSAY_WORKER_SCRIBE_H
#define ASSAY_WORKER_SCRIBE_H

#include "worker/checkpoint.h"

struct scribe;

enum { SCRIBE_PATHS = 3 };

/* Takes the draft, also on failure. It is written to the first of the paths and linked to the
 * others, in this order, each atomically; the strings are borrowed until scribe_end. */
bool scribe_begin(struct draft *draft, const char *const *paths, size_t count,
                  struct scribe **scribe, struct error *error);
/* Whether scribe_end would not have to wait. */
bool scribe_finished(const struct scribe *scribe);
/* Waits until it is written; frees the scribe. False: not all of it was. */
bool scribe_end(struct scribe *scribe, struct error *error);

#endif
