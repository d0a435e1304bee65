/* epochs: the reports of one experiment's epochs, written down and read again (docs/protocol.md: an
 * epoch report).
 */
#ifndef ASSAY_COORDINATOR_EPOCHS_H
#define ASSAY_COORDINATOR_EPOCHS_H

#include "coordinator/records.h"

/* Stores a report of kind "epoch", as record_report does. */
bool epochs_record(struct store *store, const struct report_key *key, const cJSON *body,
                   struct error *error);

/* Adds how far the experiment came: "epochs_done", "best" and "latest". What never ran (`ran`:
 * false) needs no look into the epochs. */
bool epochs_view(struct store *store, int64_t id, bool ran, cJSON *object, struct error *error);
/* How many of them are of that attempt: it reports again what it goes on from. */
bool epochs_of_attempt(struct store *store, int64_t id, int64_t attempt, int64_t *count,
                       struct error *error);
/* Adds "history": all of them, or the last COLUMNS_ROWS_MAX. */
bool epochs_view_history(struct store *store, int64_t id, cJSON *object, struct error *error);

#endif
