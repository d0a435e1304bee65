/* contender: which checkpoint of which experiment to keep, and how far repeats scatter.
 *
 * Everything is chosen on the validation split: by accuracy, and by loss where that is equal. The
 * test split is shown and never chosen by: it would no longer tell how the model does on faces it
 * has not seen. Repeats are finished experiments whose configs differ in train.seed (and name)
 * alone.
 */
#ifndef ASSAY_COMPARE_CONTENDER_H
#define ASSAY_COMPARE_CONTENDER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum checkpoint { CHECKPOINT_BEST, CHECKPOINT_LAST, CHECKPOINT_COUNT };
enum split_name { SPLIT_VALID, SPLIT_TEST, SPLIT_COUNT };
enum ratio {
    RATIO_ACCURACY,
    RATIO_RECALL,
    RATIO_PRECISION,
    RATIO_LOSS,
    RATIO_SHOWN, /* those on screen; the others are in --json alone */
    RATIO_ROC_AUC = RATIO_SHOWN,
    RATIO_AVERAGE_PRECISION,
    RATIO_EQUAL_ERROR_RATE,
    RATIO_COUNT
};

extern const char *const checkpoint_names[CHECKPOINT_COUNT];
extern const char *const split_names[SPLIT_COUNT];
extern const char *const ratio_names[RATIO_COUNT];

/* One experiment; all pointers into the answer it was made from. */
struct contender {
    const cJSON *experiment;
    const cJSON *evaluations[CHECKPOINT_COUNT][SPLIT_COUNT]; /* NULL while there is none */
    int keep; /* the checkpoint to keep; -1 while none is evaluated on the validation split */
};

/* The contender that an experiment (`show`'s) is. */
struct contender contender_of(const cJSON *experiment);

/* A contender for each experiment of the array (`show`'s), in their order. NULL without memory;
 * free(). */
struct contender *contenders_make(const cJSON *experiments, size_t *count);

/* The indexes of contenders that have a checkpoint to keep, the one to prefer first (equal ones in
 * their order), and how many they are. `order` has room for count. False without memory. */
bool contenders_rank(const struct contender *contenders, size_t count, size_t *order,
                     size_t *ranked);

/* Mean and sample standard deviation (n - 1 below the line); the mean is defined from one value on,
 * the deviation from two. */
struct spread {
    size_t count;
    double mean, deviation;
};
struct spread spread_of(const double *values, size_t count);

/* Puts in repeats[i] the index of the first contender that contender i repeats (itself when it is
 * the first), each seed counted once. A contender that is unfinished or has a seed seen before gets
 * `count`. False without memory. */
bool contenders_repeats(const struct contender *contenders, size_t count, size_t *repeats);

/* How a ratio scatters over the repeats of contender `first`; false when it is undefined in one of
 * them. `values` has room for count. */
bool contenders_spread(const struct contender *contenders, size_t count, const size_t *repeats,
                       size_t first, enum checkpoint checkpoint, enum split_name split,
                       enum ratio ratio, double *values, struct spread *spread);

#endif
