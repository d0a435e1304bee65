/* schema: JSON Schema 2020-12, the part that schema/ uses, applied to cJSON trees.
 *
 * schema/experiment.schema.json is the one definition of an experiment's keys, types, ranges and
 * defaults, and schema/messages.schema.json of what travels between the programs; both are compiled
 * into the programs. Understood: type, properties, required, additionalProperties, items,
 * prefixItems, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minItems,
 * maxItems, minLength, maxLength, minProperties, pattern-free strings, oneOf (told apart by a
 * `const` property such as "op" or "name", else by type), $ref into $defs, default. A schema with
 * any other keyword is our bug, which the tests look for.
 */
#ifndef ASSAY_CORE_SCHEMA_H
#define ASSAY_CORE_SCHEMA_H

#include "core/error.h"
#include "core/faults.h"

#include <cjson/cJSON.h>

/* Parses the embedded schemas, once; false when there is no memory for them. For main, before
 * anything asks for one. */
bool schema_load(struct error *error);
/* The parsed schemas, never freed; any thread may ask. */
const cJSON *schema_experiment(void);
const cJSON *schema_messages(void); /* its $defs are named after the messages */

/* Adds a fault for each way in which `value` breaks `schema` ("$ref"s resolve inside `root`).
 * `place` is put before each fault's place ("" at the top). Unknown keys name the nearest known
 * key. */
void schema_check(const cJSON *root, const cJSON *schema, const cJSON *value, const char *place,
                  struct faults *faults);

/* Puts each missing key that has a `default` into `value`, at every depth, as far as there is
 * memory (shortage_in_trees). `value` must be valid. */
void schema_fill_defaults(const cJSON *root, const cJSON *schema, cJSON *value);

#endif
