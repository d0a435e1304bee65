/* comparison: all that follows from comparing experiments, as `assay compare` prints it and the
 * live page shows it: which to keep and why, what differs, how repeats scatter, what each value of
 * a matrix does, and what is more than chance.
 */
#ifndef ASSAY_COMPARE_COMPARISON_H
#define ASSAY_COMPARE_COMPARISON_H

#include "compare/duel.h"

struct comparison {
    struct contender *contenders;
    size_t count;
    size_t *order, ranked; /* contenders_rank */
    size_t *repeats;       /* contenders_repeats */
    size_t *repeat_counts; /* of each contender: how many repeat it, itself among them */
    double *values;        /* room for one of each, for contenders_spread */
    struct duel duels[DUELS_MAX];
    size_t duel_count;
    cJSON *differences, *effects; /* differences_of, effects_of */
};

/* Of `experiments` as `show` gives them, borrowed for as long as the comparison; `source` is asked
 * for the scores. Zero-initialise; comparison_free, also on failure. */
bool comparison_make(const struct source *source, const cJSON *experiments,
                     struct comparison *comparison, struct error *error);
void comparison_free(struct comparison *comparison);

/* What a contender that has a checkpoint to keep would keep, on a split; NULL: not evaluated. */
const cJSON *comparison_kept(const struct contender *contender, enum split_name split);

/* The sentences: duels_verdict of the first in the ranking. NULL when there is nothing to keep; the
 * caller frees. */
char *comparison_verdict(const struct comparison *comparison);

/* The document of `assay compare --json` (docs/results.md), for cJSON_Delete; valid as long as the
 * comparison. */
cJSON *comparison_json(const struct comparison *comparison);

#endif
