/* schema_branch: which part of a schema a value answers to: its "$ref"s followed, its "oneOf"
 * chosen. Shared by what checks values and what fills in defaults; others need only schema_resolve.
 *
 * A oneOf is told apart by a property whose schema is a `const` ("op", "name") when the value is an
 * object and the branches have one, else by type.
 */
#ifndef ASSAY_CORE_SCHEMA_BRANCH_H
#define ASSAY_CORE_SCHEMA_BRANCH_H

#include "core/schema.h"

/* Follows the "$ref"s of `schema` (into $defs of `root`) to what they name. */
const cJSON *schema_resolve(const cJSON *root, const cJSON *schema);

/* True when the schema's "type" (one or a list; none takes all) takes the value. */
bool schema_type_takes(const cJSON *type, const cJSON *value);

/* The property that tells the branches of a oneOf apart: the first branch's `const`, or NULL. */
const cJSON *schema_discriminator(const cJSON *root, const cJSON *branches);

/* The constant that the branch's discriminator has; NULL for a branch without one: null beside
 * objects. */
const char *schema_branch_const(const cJSON *root, const cJSON *branch, const char *key);

/* The branch for the value; NULL when there is none. */
const cJSON *schema_branch(const cJSON *root, const cJSON *branches, const cJSON *value);

#endif
