/* evaluation: a checkpoint on one split: the counts, the score of every picture, and what follows
 * from the scores.
 *
 * The threshold is chosen on the validation split alone (roc_threshold), also for the test split:
 * chosen there, it would no longer tell how the model does on faces it has not seen.
 */
#ifndef ASSAY_WORKER_EVALUATION_H
#define ASSAY_WORKER_EVALUATION_H

#include "core/scores.h"
#include "core/split.h"

/* A number that may be undefined: pictures of one label only, or none. */
struct measure {
    bool defined;
    double value;
};

struct evaluation_report {
    const char *checkpoint; /* "best", "last", "epoch" */
    const char *split;      /* "valid", "test" */
    uint32_t epoch;         /* of the checkpoint */
    struct metrics metrics; /* at 0.5 */
    struct measure roc_auc, average_precision, equal_error_rate;
    struct measure threshold;      /* chosen on the validation split */
    struct metrics at_threshold;   /* counts, where there is a threshold; no losses */
    struct split_class *classes;   /* those of the split */
    struct class_result *by_class; /* one a class */
    size_t class_count;
    struct score *scores;          /* one a picture of the list */
    const struct split_list *list; /* borrowed */
};

/* Copies the split's classes, makes room for the scores of `list`, one of its lists, and sets
 * everything else to nothing. Whether or not it succeeds the report may be freed. */
bool evaluation_begin(const struct split *split, const struct split_list *list,
                      struct evaluation_report *report, struct error *error);
void evaluation_free(struct evaluation_report *report); /* leaves it zeroed */

/* After the pass has filled scores: sets what follows from them. `chosen` is the report of the same
 * checkpoint on the validation split, whose threshold is taken; NULL: this is that one. */
bool evaluation_finish(struct evaluation_report *report, const struct evaluation_report *chosen,
                       struct error *error);

/* DIR/scores_CHECKPOINT_SPLIT.csv ("best" or "last", "valid" or "test"); the caller frees, NULL
 * without memory. */
char *evaluation_scores_path(const char *dir, const char *checkpoint, const char *split);

/* Writes DIR/scores_CHECKPOINT_SPLIT.csv, whole or not at all: path,class,label,probability, one
 * picture a line in the order of the split, as RFC 4180 has it. */
bool evaluation_write_scores(const struct evaluation_report *report, const char *dir,
                             struct error *error);

#endif
