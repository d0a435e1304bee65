/* json: cJSON with the three things it lacks: the line of a value, bounded reading, atomic writing.
 *
 * Trees are plain cJSON; the caller frees them with cJSON_Delete. A "place" is the dotted path that
 * people write, with indexes in brackets: `augmentations[2].p`, `train.optimizer.lr`.
 */
#ifndef ASSAY_CORE_JSON_H
#define ASSAY_CORE_JSON_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/* Parses `text` (length bytes, need not end in NUL). `name` is what errors call it: "NAME:LINE:
 * what". Refuses trailing bytes, duplicate keys, nesting over 64 levels, NaN and infinity. NULL on
 * failure. */
cJSON *json_parse(const char *text, size_t length, const char *name, struct error *error);

/* Reads a whole file of at most `limit` bytes into memory that the caller frees; a NUL follows it.
 */
bool file_read(const char *path, size_t limit, char **data, size_t *length, struct error *error);

/* Writes data to a temporary name beside `path`, syncs it, renames it over `path` and syncs the
 * folder: after a crash the file is the old one or the new one, whole. */
bool file_write_atomic(const char *path, const void *data, size_t length, struct error *error);

/* Makes the folder and its parents (mode 0777 less the umask). An existing folder is no error. */
bool folder_make(const char *path, struct error *error);

/* The 1-based line of `text` on which the value at `place` begins (for a key: the key's line), or
 * of the deepest part of the place that is there. `text` must have parsed. */
size_t json_line(const char *text, const char *place);

/* Compact text; numbers print as the shortest decimal that reads back the same. Caller frees with
 * free. */
char *json_text(const cJSON *value);

/* A number, or null when `defined` is false: undefined precision is null, never 0. */
void json_add_defined(cJSON *object, const char *key, bool defined, double value);

#endif
