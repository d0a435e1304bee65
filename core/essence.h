/* essence: which part of an experiment's config decides its weights, and so whether a checkpoint
 * belongs to it.
 *
 * Whoever goes on from a checkpoint, evaluates it or fetches another in its place asks here. A path
 * is no answer: the same path may belong to another experiment, on another machine or of another
 * database.
 */
#ifndef ASSAY_CORE_ESSENCE_H
#define ASSAY_CORE_ESSENCE_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Whether two configs are the same but for what does not change the weights (name, priority,
 * max_attempts, resources, after, stop). A key that is missing, as in one of an earlier version,
 * counts as its default. */
bool essence_same(const cJSON *config, const cJSON *other);

/* Whether the file is a checkpoint of such an experiment. One that cannot be read is not; where it
 * was memory that was missing, the error says so (error_is_shortage). */
bool essence_of_file(const char *path, const cJSON *config, struct error *error);

#endif
