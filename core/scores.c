#include "core/scores.h"

#include <math.h>
#include <string.h>

double score_probability(const float logits[2]) {
    double margin = (double)logits[1] - (double)logits[0];
    double small = exp(-fabs(margin));
    double probability = margin < 0 ? small / (1 + small) : 1 / (1 + small);
    /* A margin below 2^-53 is lost in the rounding, and which logit is larger must not be. */
    return margin > 0 && probability <= 0.5 ? nextafter(0.5, 1) : probability;
}

static int called(const struct score *score, double threshold) {
    return score->probability > threshold;
}

void scores_count(const struct score *scores, size_t count, double threshold,
                  struct metrics *metrics) {
    *metrics = (struct metrics){0};
    for (size_t i = 0; i < count; i++)
        metrics_add(metrics, scores[i].label, called(&scores[i], threshold), 0);
}

void scores_by_class(const struct score *scores, size_t count, double threshold,
                     struct class_result *results, size_t class_count) {
    memset(results, 0, class_count * sizeof *results);
    for (size_t i = 0; i < count; i++) {
        struct class_result *result = &results[scores[i].class_index];
        result->pictures++;
        result->correct += called(&scores[i], 0.5) == scores[i].label;
        result->correct_at_threshold += called(&scores[i], threshold) == scores[i].label;
    }
}
