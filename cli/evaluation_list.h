/* evaluation_list: the best and the last checkpoint of experiments on the validation and the test
 * split, below each experiment's name or as rows that can be arranged (listing_evaluations).
 */
#ifndef ASSAY_CLI_EVALUATION_LIST_H
#define ASSAY_CLI_EVALUATION_LIST_H

#include "cli/arrangement.h"
#include "compare/contender.h"

void evaluation_list_print(const struct contender *contenders, size_t count,
                           const struct screen *screen);

/* Makes the rows that were asked for of experiments (`show`'s): an array, which the caller deletes
 * also on failure, of {"id", "name", "group", "variant", "state", "tags", "checkpoint", "split",
 * "keep": "yes" or "no", "epoch", counts, ratios}. The experiments follow: where there is a filter
 * those without a row leave the array, and the others come in the order of their first rows, those
 * without one last. Without anything asked for *rows is NULL and all stays as it is. */
bool evaluation_list_arrange(struct arrangement *arrangement, cJSON *experiments, cJSON **rows,
                             struct error *error);

#endif
