/* rules: what an experiment file must hold beyond its schema, pipelines apart (core/pipeline.h):
 * names that can be printed, folders that stay inside the root, labels of both kinds, parts that
 * sum to 1, stages that a ResNet has, a warm-up that ends, arithmetic that the device has.
 */
#ifndef ASSAY_CORE_RULES_H
#define ASSAY_CORE_RULES_H

#include "core/faults.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Adds the faults that only the keys as written show, before defaults are filled in: what is split
 * (data.classes, or data.files) must be said, and split files leave nothing to data.split. */
void rules_check_written(const cJSON *config, struct faults *faults);

/* Adds the faults of `config`, whose defaults are filled in. A part in which the schema has found a
 * fault already, from the item `first` of `faults` on, is passed over: its shape is not to be
 * trusted. */
void rules_check(const cJSON *config, struct faults *faults, size_t first);

/* True when `value`, which stands at `place`, is there and no fault from `first` on lies in it, nor
 * may one that was not kept (faults->more). */
bool rules_sound(const cJSON *value, const char *place, const struct faults *faults, size_t first);

/* Why `name` cannot stand in a listing (what text_controls has, a space at an end), or NULL. */
const char *rules_unprintable(const char *name);

#endif
