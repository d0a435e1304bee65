/* train_log: an experiment's train.log, in pieces that do not overlap, written down and read again.
 */
#ifndef ASSAY_COORDINATOR_TRAIN_LOG_H
#define ASSAY_COORDINATOR_TRAIN_LOG_H

#include "coordinator/records.h"

enum { TRAIN_LOG_PAGE_BYTES = 256 << 10 };

/* Stores a report of kind "log", as record_report does. */
bool train_log_record(struct store *store, const struct report_key *key, const cJSON *body,
                      struct error *error);

/* The body of a `log` answer: as much from the offset on as a page holds; *found is false when
 * there is no such experiment. The tree is the caller's to delete. */
bool train_log_view(struct store *store, int64_t id, int64_t offset, cJSON **log, bool *found,
                    struct error *error);

#endif
