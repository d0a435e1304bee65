/* matrix: the experiments of a file: the product of its `matrix`, or the one that it describes.
 *
 * The semantics of exclude and include are those of the matrix of GitHub Actions, "Running
 * variations of jobs in a workflow".
 */
#ifndef ASSAY_CORE_MATRIX_H
#define ASSAY_CORE_MATRIX_H

#include "core/faults.h"

#include <cjson/cJSON.h>

/* One experiment of a file: `config` has no matrix, `name` is the member's
 * ("aug3_v2/flip+jitter,real x2,seed=1"), `variant` maps each matrix key to the label of its value
 * ({"augmentations":"flip+jitter","train.seed":"1"}; empty without a matrix). */
struct member {
    char *name, *group;
    cJSON *config, *variant;
    cJSON *origin; /* maps each place of config that the matrix set to where its value stands in the
                      file:
                      {"augmentations": "matrix.augmentations[\"flip+jitter\"]"}; for faults */
};

struct members {
    struct member *items;
    size_t count;
};

/* Fills items' name, group, config and variant from a file's JSON. On success the caller frees with
 * members_free. */
bool matrix_expand(const cJSON *file, struct members *members, struct faults *faults);
void members_free(struct members *members); /* leaves it zeroed */

#endif
