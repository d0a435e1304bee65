/* schema_path: dotted paths into the objects that a schema describes: "train.optimizer.lr". They
 * are how a matrix names what it varies.
 */
#ifndef ASSAY_CORE_SCHEMA_PATH_H
#define ASSAY_CORE_SCHEMA_PATH_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { SCHEMA_PATH_KEYS = 8 };

/* A path cut into its keys; borrowed from `text`. */
struct schema_path {
    char *text;
    const char *keys[SCHEMA_PATH_KEYS];
    size_t count;
};

/* Cuts `path`. Where an object takes any key (data.upsample), the rest of the path is that key,
 * dots and all. False when the schema knows no such path, or without memory (errno is ENOMEM
 * then); else free with schema_path_free. */
bool schema_path_find(const cJSON *root, const char *path, struct schema_path *found);
void schema_path_free(struct schema_path *path);

/* The known path that is nearest to `path`, which the caller frees, or NULL when none is near. */
char *schema_path_nearest(const cJSON *root, const char *path);

/* Sets the value at the path, making objects on the way, in place of null too; takes `value` over.
 * What else stands in the way and is no object stays, for the schema to complain of. */
void schema_path_set(cJSON *object, const struct schema_path *path, cJSON *value);

#endif
