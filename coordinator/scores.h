/* scores: what a checkpoint said of each picture of a split: written from reports, read by people.
 *
 * A split may have any number of pictures, so that both come in pieces: a report carries up to
 * 1,000 pictures, an answer up to SCORES_PAGE. A picture's natural key is its position.
 */
#ifndef ASSAY_COORDINATOR_SCORES_H
#define ASSAY_COORDINATOR_SCORES_H

#include "coordinator/records.h"

enum { SCORES_PAGE = 10000, SCORES_PAGE_BYTES = 8 << 20 };

/* Stores a report of kind "scores", as record_report does. */
bool scores_record(struct store *store, const struct report_key *key, const cJSON *body,
                   struct error *error);

/* Of which evaluation, and from which picture of its split on. */
struct scores_asked {
    const char *checkpoint, *split;
    int64_t position;
};

/* One page, the body of a `score_list` answer: as many pictures as SCORES_PAGE and
 * SCORES_PAGE_BYTES allow, none where not all of them and their evaluation were reported. *found is
 * false when there is no such experiment. The tree is the caller's to delete. */
bool scores_view(struct store *store, int64_t id, const struct scores_asked *asked, cJSON **list,
                 bool *found, struct error *error);

#endif
