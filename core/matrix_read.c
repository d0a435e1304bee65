#include "core/matrix_read.h"

#include "core/json.h"
#include "core/place.h"
#include "core/rules.h"
#include "core/schema.h"
#include "core/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const reserved[] = {"ablate", "exclude", "include"};

static bool is_reserved(const char *key) {
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(key, reserved[i]) == 0)
            return true;
    return false;
}

bool variant_is(const struct variant *variant, const cJSON *value) {
    return (cJSON_IsString(value) && strcmp(value->valuestring, variant->label) == 0) ||
           json_same(value, variant->value);
}

/* --- paths --- */

static void fault_path(const char *key, const char *place, struct faults *faults) {
    char *nearest = schema_path_nearest(schema_experiment(), key);
    if (nearest != NULL)
        faults_add(faults, place, "unknown path \"%.100s\"; did you mean \"%s\"?", key, nearest);
    else
        faults_add(faults, place,
                   "unknown path \"%.100s\"; write the keys of an experiment with dots between: "
                   "\"train.seed\"",
                   key);
    free(nearest);
}

/* Fills key, path and place of an axis. */
static bool read_path(const char *key, const char *place, struct axis *axis,
                      struct faults *faults) {
    struct text inner = {0};
    axis->key = key;
    if (strcmp(key, "name") == 0 || strcmp(key, "matrix") == 0) {
        faults_add(faults, place, "a matrix cannot vary \"%s\"; take it out", key);
        return false;
    }
    errno = 0;
    if (!schema_path_find(schema_experiment(), key, &axis->path)) {
        if (errno == ENOMEM)
            faults_add_memory(faults, place, "expand it");
        else
            fault_path(key, place, faults);
        return false;
    }
    for (size_t i = 0; i < axis->path.count; i++)
        place_add_key(&inner, axis->path.keys[i]);
    axis->place = text_take(&inner);
    if (axis->place == NULL)
        faults_add_memory(faults, place, "expand it");
    return axis->place != NULL;
}

/* Two paths of which one lies in the other would undo each other. */
static bool paths_overlap(const struct axis *a, const struct axis *b) {
    return place_below(a->place, b->place) != NULL || place_below(b->place, a->place) != NULL;
}

/* --- variants --- */

/* What names a value in a list: its text, or its number where the text would be long. */
static char *label_of(const cJSON *value, const char *numbering, size_t index) {
    char *label = NULL;
    if (cJSON_IsString(value))
        return strdup(value->valuestring);
    if (!cJSON_IsObject(value) && !cJSON_IsArray(value))
        return json_text(value);
    return asprintf(&label, "%s#%zu", numbering, index + 1) < 0 ? NULL : label;
}

/* `key` is what stands before the label in the member's name ("seed" in "seed=1"), NULL for
 * nothing. */
static bool variant_fill(struct variant *variant, const cJSON *value, char *label, const char *key,
                         const char *place, struct faults *faults) {
    *variant = (struct variant){.label = label, .value = value, .place = strdup(place)};
    if (label == NULL || variant->place == NULL ||
        asprintf(&variant->part, "%s%s%s", key != NULL ? key : "", key != NULL ? "=" : "", label) <
            0) {
        variant->part = NULL;
        faults_add_memory(faults, place, "expand it");
        return false;
    }
    const char *reason = rules_unprintable(label);
    if (reason == NULL && label[0] == '\0')
        reason = "is empty";
    if (reason == NULL && strlen(label) > 200)
        reason = "is longer than 200 bytes";
    if (reason != NULL)
        faults_add(faults, place, "what would name the variant %s; give it another name", reason);
    return true;
}

static void variant_free(struct variant *variant) {
    free(variant->label);
    free(variant->part);
    free(variant->place);
}

static void axis_free(struct axis *axis) {
    for (size_t i = 0; i < axis->count; i++)
        variant_free(&axis->variants[i]);
    free(axis->variants);
    free(axis->place);
    schema_path_free(&axis->path);
}

/* The last key of the path, unless another axis ends in it too. */
static const char *short_key(const struct axis *axis, const cJSON *json) {
    const char *dot = strrchr(axis->key, '.'), *last = dot != NULL ? dot + 1 : axis->key;
    for (const cJSON *other = json->child; other != NULL; other = other->next) {
        dot = strrchr(other->string, '.');
        if (strcmp(other->string, axis->key) != 0 && !is_reserved(other->string) &&
            strcmp(dot != NULL ? dot + 1 : other->string, last) == 0)
            return axis->key;
    }
    return last;
}

static void check_labels(const struct axis *axis, struct faults *faults) {
    for (size_t i = 1; i < axis->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(axis->variants[i].label, axis->variants[j].label) == 0) {
                faults_add(faults, axis->variants[i].place,
                           "a second variant \"%.100s\"; take one out", axis->variants[i].label);
                break;
            }
}

static bool read_axis(const cJSON *json, const cJSON *values, struct axis *axis,
                      struct faults *faults) {
    struct text place = {0};
    bool named = cJSON_IsObject(values);
    size_t first = faults->count;
    text_format(&place, "matrix");
    place_add_key(&place, values->string);
    size_t length = place.length;
    axis->variants = calloc((size_t)cJSON_GetArraySize(values), sizeof *axis->variants);
    bool ok =
        axis->variants != NULL && read_path(values->string, text_string(&place), axis, faults);
    const char *key = !ok || named ? NULL : short_key(axis, json);
    for (const cJSON *value = values->child; ok && value != NULL; value = value->next) {
        size_t index = axis->count++;
        if (named)
            place_add_key(&place, value->string);
        else
            place_add_index(&place, index);
        char *label = named ? strdup(value->string) : label_of(value, "", index);
        ok = variant_fill(&axis->variants[index], value, label, key, text_string(&place), faults);
        if (ok && named && strchr(label, '/') != NULL)
            faults_add(faults, text_string(&place),
                       "the name of a variant holds a slash; use another character");
        place_cut(&place, length);
    }
    if (ok)
        check_labels(axis, faults);
    if (!ok && !faults_since(faults, first))
        faults_add_memory(faults, text_string(&place), "expand it");
    text_free(&place);
    return !faults_since(faults, first);
}

static void read_axes(struct matrix *matrix, struct faults *faults) {
    for (const cJSON *values = matrix->json->child; values != NULL; values = values->next) {
        if (is_reserved(values->string))
            continue;
        if (matrix->axis_count == MATRIX_AXES_MAX) {
            faults_add(faults, "matrix", "has more than %d paths", MATRIX_AXES_MAX);
            return;
        }
        struct axis *axis = &matrix->axes[matrix->axis_count++];
        if (!read_axis(matrix->json, values, axis, faults))
            continue;
        for (size_t i = 0; i + 1 < matrix->axis_count; i++)
            if (matrix->axes[i].place != NULL && paths_overlap(axis, &matrix->axes[i]))
                faults_add(faults, axis->variants[0].place,
                           "\"%s\" and \"%s\" lie in one another; vary one of them", axis->key,
                           matrix->axes[i].key);
    }
}

/* --- entries of include and exclude --- */

static void fault_axis(const struct matrix *matrix, const char *key, const char *place,
                       struct faults *faults) {
    const char *known[MATRIX_AXES_MAX];
    for (size_t i = 0; i < matrix->axis_count; i++)
        known[i] = matrix->axes[i].key;
    const char *nearest = nearest_word(key, known, matrix->axis_count);
    if (nearest != NULL)
        faults_add(faults, place, "\"%.100s\" is not in the matrix; did you mean \"%s\"?", key,
                   nearest);
    else
        faults_add(faults, place, "\"%.100s\" is not in the matrix; there is nothing to leave out",
                   key);
}

static void fault_variant(const struct axis *axis, const cJSON *value, const char *place,
                          struct faults *faults) {
    const char **known = calloc(axis->count, sizeof *known);
    char *text = json_text(value);
    for (size_t i = 0; known != NULL && i < axis->count; i++)
        known[i] = axis->variants[i].label;
    const char *nearest = known != NULL && cJSON_IsString(value)
                              ? nearest_word(value->valuestring, known, axis->count)
                              : NULL;
    if (nearest != NULL)
        faults_add(faults, place, "no variant of \"%s\" is %.100s; did you mean \"%s\"?", axis->key,
                   text != NULL ? text : "this", nearest);
    else
        faults_add(faults, place, "no variant of \"%s\" is %.100s", axis->key,
                   text != NULL ? text : "this");
    free(text);
    free(known);
}

/* A pair of include that no variant of an axis answers: a value of its own. */
static void read_own(const struct matrix *matrix, struct pair *pair, size_t entry,
                     const char *place, struct faults *faults) {
    struct axis *own = &pair->own;
    if (!read_path(pair->value->string, place, own, faults))
        return;
    for (size_t i = 0; i < matrix->axis_count; i++)
        if (pair->axis == matrix->axis_count && matrix->axes[i].place != NULL &&
            paths_overlap(own, &matrix->axes[i]))
            faults_add(faults, place, "\"%s\" and \"%s\" lie in one another; vary one of them",
                       own->key, matrix->axes[i].key);
    own->variants = calloc(1, sizeof *own->variants);
    if (own->variants == NULL) {
        faults_add_memory(faults, place, "expand it");
        return;
    }
    own->count = 1;
    variant_fill(own->variants, pair->value, label_of(pair->value, "include", entry),
                 short_key(own, matrix->json), place, faults);
    pair->variant = own->variants;
}

static void read_pair(const struct matrix *matrix, const cJSON *value, bool exclude, size_t entry,
                      const char *place, struct pair *pair, struct faults *faults) {
    pair->value = value;
    while (pair->axis < matrix->axis_count &&
           strcmp(matrix->axes[pair->axis].key, value->string) != 0)
        pair->axis++;
    if (pair->axis < matrix->axis_count) {
        const struct axis *axis = &matrix->axes[pair->axis];
        for (size_t i = 0; i < axis->count && pair->variant == NULL; i++)
            if (variant_is(&axis->variants[i], value))
                pair->variant = &axis->variants[i];
        if (exclude && pair->variant == NULL)
            fault_variant(axis, value, place, faults);
    } else if (exclude) {
        fault_axis(matrix, value->string, place, faults);
    }
    if (!exclude && pair->variant == NULL)
        read_own(matrix, pair, entry, place, faults);
}

static void read_entries(const struct matrix *matrix, const cJSON *list, struct entries *entries,
                         struct faults *faults) {
    if (list == NULL)
        return;
    bool exclude = strcmp(list->string, "exclude") == 0;
    struct text place = {0};
    entries->items = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *entries->items);
    if (entries->items == NULL)
        faults_add_memory(faults, "matrix", "expand it");
    text_format(&place, "matrix.%s", list->string);
    size_t length = place.length;
    for (const cJSON *one = list->child; one != NULL && entries->items != NULL; one = one->next) {
        struct entry *entry = &entries->items[entries->count];
        place_add_index(&place, entries->count++);
        size_t inner = place.length;
        entry->pairs = calloc((size_t)cJSON_GetArraySize(one), sizeof *entry->pairs);
        if (entry->pairs == NULL)
            faults_add_memory(faults, text_string(&place), "expand it");
        for (const cJSON *value = one->child; value != NULL && entry->pairs != NULL;
             value = value->next) {
            place_add_key(&place, value->string);
            read_pair(matrix, value, exclude, entries->count - 1, text_string(&place),
                      &entry->pairs[entry->count++], faults);
            place_cut(&place, inner);
        }
        place_cut(&place, length);
    }
    text_free(&place);
}

bool matrix_read(const cJSON *json, struct matrix *matrix, struct faults *faults) {
    const cJSON *schema = schema_experiment();
    size_t first = faults->count;
    *matrix = (struct matrix){.json = json};
    schema_check(schema, json_member(json_member(schema, "properties"), "matrix"), json, "matrix",
                 faults);
    if (faults_since(faults, first))
        return false;
    matrix->one_at_a_time = json_member(json, "ablate") != NULL;
    read_axes(matrix, faults);
    if (faults_since(faults, first))
        return false;
    read_entries(matrix, json_member(json, "exclude"), &matrix->exclude, faults);
    read_entries(matrix, json_member(json, "include"), &matrix->include, faults);
    return !faults_since(faults, first);
}

static void entries_free(struct entries *entries) {
    for (size_t i = 0; i < entries->count; i++) {
        for (size_t j = 0; j < entries->items[i].count; j++)
            axis_free(&entries->items[i].pairs[j].own);
        free(entries->items[i].pairs);
    }
    free(entries->items);
}

void matrix_free(struct matrix *matrix) {
    for (size_t i = 0; i < matrix->axis_count; i++)
        axis_free(&matrix->axes[i]);
    entries_free(&matrix->exclude);
    entries_free(&matrix->include);
    *matrix = (struct matrix){0};
}
