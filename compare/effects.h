/* effects: what each value of each matrix key does on average over all the others (the main effects
 * of a factorial design; Box, Hunter & Hunter, "Statistics for Experimenters", ch. 5).
 */
#ifndef ASSAY_COMPARE_EFFECTS_H
#define ASSAY_COMPARE_EFFECTS_H

#include "compare/contender.h"

/* Over the contenders that have a checkpoint to keep, of keys with two values or more among them:
 * {"augmentations": {"flip": {"experiments": 6, "valid": {"mean", "standard_deviation"|null,
 * "effect"}, "test": {...}}}}. Accuracies; `effect` is the mean less that of all. Members whose
 * matrix leaves a key as it is stand under DIFFERENCES_AS_FILE. The caller frees; NULL without
 * memory. */
cJSON *effects_of(const struct contender *contenders, size_t count);

#endif
