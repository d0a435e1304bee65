/* pipeline: the transforms of an experiment file, from JSON that the schema has passed and whose
 * defaults are filled in. Checks what the schema cannot say: the order of a range's ends, one
 * normalize at the end, one size for all pictures, nothing random in evaluation.
 */
#ifndef ASSAY_CORE_PIPELINE_H
#define ASSAY_CORE_PIPELINE_H

#include "core/faults.h"
#include "core/transform.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* `place` is the list's own ("augmentations"). Adds faults and leaves an empty pipeline when it
 * returns false; else the caller frees with pipeline_free. An op in which the schema has found a
 * fault, from the item `first` of `faults` on, is passed over, and what all ops are together is
 * then not looked at. */
bool pipeline_from_json(const cJSON *list, const char *place, bool random_allowed, size_t first,
                        struct pipeline *pipeline, struct faults *faults);
void pipeline_free(struct pipeline *pipeline); /* leaves it zeroed */

#endif
