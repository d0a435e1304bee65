/* json: cJSON with the things it lacks: strictness, the line of a value, exact numbers.
 *
 * Trees are plain cJSON; the caller frees them with cJSON_Delete. cJSON's own parser takes what is
 * no JSON (leading zeros, control characters, broken UTF-8) and tells no line, so the parser is
 * here. A "place" is the path that people write, with indexes and unusual keys in brackets
 * (core/place.h): `augmentations[2].p`, `train.optimizer.lr`, `matrix["data.upsample"]["real x2"]`.
 */
#ifndef ASSAY_CORE_JSON_H
#define ASSAY_CORE_JSON_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64 };

/* Parses `text` (length bytes, need not end in NUL) as RFC 8259 has it. `name` is what errors call
 * it: "NAME:LINE: what". Refuses besides: duplicate keys, nesting over JSON_DEPTH_MAX levels,
 * numbers beyond a double's range, the character NUL in strings. NULL on failure. */
cJSON *json_parse(const char *text, size_t length, const char *name, struct error *error);

/* The same for lists of file names that Python wrote: a name that is not UTF-8 stands there with
 * \udcXX for each byte XX that is wrong (surrogateescape, text_json_string), and is that byte
 * again. */
cJSON *json_parse_names(const char *text, size_t length, const char *name, struct error *error);

/* The 1-based line of `text` on which the value at `place` begins (for a key: the key's line), or
 * of the deepest part of the place that is there. `text` must have parsed and end in NUL. */
size_t json_line(const char *text, const char *place);

/* The value of a key, or NULL when there is none or `object` is no object. Borrowed. */
const cJSON *json_member(const cJSON *object, const char *key);

/* The value of a key as a whole number (0 when it is no number) and as a text (NULL when it is
 * none; borrowed). */
int64_t json_integer(const cJSON *object, const char *key);
const char *json_string(const cJSON *object, const char *key);

/* What cJSON_AddItemToObject and cJSON_AddItemToArray do, which lose the item, children and all,
 * where there is no memory for its key, or no object or list to add it to: it is deleted then. */
void json_put(cJSON *object, const char *key, cJSON *item);
void json_append(cJSON *array, cJSON *item);

/* Moves the items of one list to the end of another. */
void json_move_items(cJSON *from, cJSON *to);

/* Brings the keys of all objects in the value into the order of their bytes, so that values which
 * differ in it alone have one text. False without memory: some are as they were then. */
bool json_sort_keys(cJSON *value);

/* Whether two values are the same, whatever the order of an object's keys; false where one is NULL.
 * Not cJSON_Compare: to it numbers are equal that are nearly the same, such as the seeds
 * 9007199254740990 and 9007199254740991. */
bool json_same(const cJSON *a, const cJSON *b);

/* Compact text that json_parse takes back: numbers with the fewest of 15 to 17 digits that read
 * back the same (what is no number as null), bytes that are not UTF-8 as U+FFFD. Caller frees with
 * free; NULL without memory, or when there was too little for the tree (shortage_in_trees). */
char *json_text(const cJSON *value);

/* About how long that text is, in a fraction of the time: numbers count as most fractions are
 * written, texts as they are, without what escapes add (up to five times as much). */
size_t json_text_length(const cJSON *value);

/* json_text for people, with line breaks. Not cJSON_Print: of numbers that are nearly the same it
 * prints one for the other, such as 9007199254740990 for a seed of 9007199254740991. */
char *json_text_pretty(const cJSON *value);

/* A number, or null when `defined` is false: undefined precision is null, never 0. */
void json_add_defined(cJSON *object, const char *key, bool defined, double value);
/* The same of a value that is undefined where it is not finite. */
void json_add_finite(cJSON *object, const char *key, double value);

#endif
