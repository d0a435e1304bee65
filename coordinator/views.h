/* views: what is read from the database, as the JSON that answers carry (docs/protocol.md).
 *
 * Trees are the caller's to delete.
 */
#ifndef ASSAY_COORDINATOR_VIEWS_H
#define ASSAY_COORDINATOR_VIEWS_H

#include "coordinator/store.h"

#include <cjson/cJSON.h>
#include <stdint.h>

enum {
    /* so that nobody waits long for somebody who asks for a great many */
    VIEW_PAGE_SUMMARIES = 100,
    VIEW_PAGE_BYTES = 1 << 20, /* about; escapes may make it six times as much */
    VIEW_ESCAPED = 6           /* what a byte of a text takes at most: \u001f */
};

/* Which experiments: those that meet all that is not NULL. */
struct view_filter {
    const char *ids; /* a JSON array of numbers */
    const char *group, *state;
    int64_t after; /* ids above this one */
};

/* One page in order of id: one, and as many more as VIEW_PAGE_BYTES hold, of summaries no more than
 * VIEW_PAGE_SUMMARIES. *next is 0, or the id to go on after. `progress` and `waits` are null: the
 * database does not have them. */
bool view_experiments(struct store *store, const struct view_filter *filter, bool details,
                      cJSON **experiments, int64_t *next, struct error *error);
/* One of these ids (JSON array) that there is not; 0 when all are there. */
bool view_missing(struct store *store, const char *ids, int64_t *id, struct error *error);

/* The ids that were submitted under the key, as a JSON array; *found is false for a new key. */
bool view_submission(struct store *store, const char *key, cJSON **ids, bool *found,
                     struct error *error);

/* What an assignment carries beside id and attempt: name, config, variant, resume, from,
 * files. */
bool view_assignment(struct store *store, int64_t id, cJSON *assignment, struct error *error);

#endif
