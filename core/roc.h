/* roc: how well scores put the real pictures above the fake ones, whatever the threshold.
 *
 * The curve has a point for "nothing is called real" and one more for each distinct probability
 * from the highest down, so that the order of pictures of equal probability cannot matter. All
 * counts are integers: what follows from them is the same on every machine. With pictures of one
 * label only every measure is undefined.
 */
#ifndef ASSAY_CORE_ROC_H
#define ASSAY_CORE_ROC_H

#include "core/error.h"
#include "core/scores.h"

/* What is called real when every picture of this probability or more is. */
struct roc_point {
    double probability; /* of the first point: infinity */
    uint64_t true_positive, false_positive;
};

struct roc {
    struct roc_point *points; /* the last is "everything is called real" */
    size_t count;
    uint64_t positive, negative; /* pictures of label 1, of label 0 */
};

/* ERROR_INPUT when a probability is not from 0 to 1 (NaN), or there are more than 2^31 pictures. */
bool roc_make(const struct score *scores, size_t count, struct roc *roc, struct error *error);
void roc_free(struct roc *roc); /* a zeroed one may be freed */

/* Each returns false, and leaves *value alone, when undefined. */

/* The area under the curve by trapezoids: the chance that a real picture has a higher probability
 * than a fake one, a tie counting one half. scikit-learn's roc_auc_score. */
bool roc_auc(const struct roc *roc, double *value);
/* The sum over the points of precision times the recall that the point adds, not interpolated:
 * scikit-learn's average_precision_score. */
bool roc_average_precision(const struct roc *roc, double *value);
/* The error rate at the threshold where the part of the fakes called real equals the part of the
 * real pictures called fake, interpolated linearly between the two nearest points of the curve. */
bool roc_equal_error_rate(const struct roc *roc, double *value);

/* The threshold with the largest Youden's J, which is recall less the part of the fakes called
 * real, so that it does not depend on how many fakes there are for a real picture. Halfway between
 * two probabilities, or 0.5 where that is as good; of equally good ones the nearest to 0.5, then
 * the lower. Never one that calls everything the same, unless 0.5 does. */
bool roc_threshold(const struct roc *roc, double *value);

#endif
