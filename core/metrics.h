/* metrics: what is counted over a set of pictures, and what follows from the counts.
 *
 * Positive is label 1 (real). A ratio whose denominator is 0 is undefined: null in JSON, n/a on
 * screen.
 */
#ifndef ASSAY_CORE_METRICS_H
#define ASSAY_CORE_METRICS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct metrics {
    uint64_t true_positive, true_negative, false_positive, false_negative;
    double loss_sum; /* sum over pictures of the cross-entropy */
};

uint64_t metrics_count(const struct metrics *metrics);
/* Adds one picture: predicted is the argmax of its logits, ties to the lower index as torch.argmax.
 */
void metrics_add(struct metrics *metrics, int label, int predicted, double loss);

/* Each returns false, and leaves *value alone, when undefined. */
bool metrics_accuracy(const struct metrics *metrics, double *value);
bool metrics_precision(const struct metrics *metrics, double *value);
bool metrics_recall(const struct metrics *metrics, double *value);
bool metrics_loss(const struct metrics *metrics, double *value); /* mean */

/* {"true_positive":..,"true_negative":..,"false_positive":..,"false_negative":..,"accuracy":..,
 *  "precision":..,"recall":..,"loss":..}; the caller frees. */
cJSON *metrics_to_json(const struct metrics *metrics);
/* metrics_count of these; 0 where there are none. */
int64_t metrics_json_count(const cJSON *json);

#endif
