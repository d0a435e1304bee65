/* scores: what a model said of each picture of an evaluation, and what is counted from it.
 *
 * A score is the probability of label 1 ("real"): the softmax of the two logits. A picture is
 * called real when its probability is above the threshold; at 0.5 that is the larger logit, ties to
 * label 0, as metrics count. What follows from the order of the scores alone is core/roc.h.
 */
#ifndef ASSAY_CORE_SCORES_H
#define ASSAY_CORE_SCORES_H

#include "core/metrics.h"

struct score {
    double probability; /* of label 1; 0 to 1 */
    int label;
    size_t class_index; /* of the split's classes */
};

/* In double from the float logits; above 0.5 exactly when the second logit is the larger. NaN when
 * a logit is NaN or both are the same infinity. */
double score_probability(const float logits[2]);

/* The counts at a threshold; the losses are not known here: loss_sum is 0. */
void scores_count(const struct score *scores, size_t count, double threshold,
                  struct metrics *metrics);

/* How one class came off. A fake that is right was caught, a real face that is right was let
 * through. */
struct class_result {
    uint64_t pictures, correct; /* at 0.5 */
    uint64_t correct_at_threshold;
};
/* Fills `class_count` results, one a class; every class_index is below that. */
void scores_by_class(const struct score *scores, size_t count, double threshold,
                     struct class_result *results, size_t class_count);

#endif
