/* evaluations: what the best and the last checkpoint came to on a split, written down and read
 * again (docs/protocol.md: an evaluation; docs/results.md).
 */
#ifndef ASSAY_COORDINATOR_EVALUATIONS_H
#define ASSAY_COORDINATOR_EVALUATIONS_H

#include "coordinator/records.h"

/* Stores a report of kind "evaluation", as record_report does. */
bool evaluations_record(struct store *store, const struct report_key *key, const cJSON *body,
                        struct error *error);

/* Adds "evaluations". */
bool evaluations_view(struct store *store, int64_t id, cJSON *object, struct error *error);

#endif
