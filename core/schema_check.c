#include "core/schema.h"

#include "core/json.h"
#include "core/place.h"
#include "core/schema_branch.h"
#include "core/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What stays the same on the way down; the place grows and shrinks with it. */
struct check {
    const cJSON *root;
    struct text place;
    struct faults *faults;
};

static void check_value(struct check *check, const cJSON *schema, const cJSON *value);

static double number_or(const cJSON *schema, const char *keyword, double otherwise) {
    const cJSON *number = json_member(schema, keyword);
    return number != NULL ? number->valuedouble : otherwise;
}

#define FAULT(check, ...) faults_add((check)->faults, text_string(&(check)->place), __VA_ARGS__)

/* --- words for people --- */

/* The value in an error line: short ones as they are, others by their kind. */
static const char *describe(const cJSON *value, char text[64]) {
    if (cJSON_IsObject(value))
        return "an object";
    if (cJSON_IsArray(value))
        return "an array";
    char *json = json_text(value);
    bool fits = json != NULL && strlen(json) < 64;
    if (fits)
        memcpy(text, json, strlen(json) + 1);
    free(json);
    return fits ? text : cJSON_IsString(value) ? "a long string" : "another value";
}

static void add_list(struct text *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        text_format(text, "%s%s", i > 0 ? ", " : "", words[i]);
}

/* `WHAT "word"; did you mean "nearest"?`, or all that is known, if anything. */
static void fault_unknown(struct check *check, const char *what, const char *word,
                          const char *const *known, size_t count) {
    const char *nearest = nearest_word(word, known, count);
    if (nearest != NULL) {
        FAULT(check, "unknown %s \"%.100s\"; did you mean \"%s\"?", what, word, nearest);
        return;
    }
    struct text list = {0};
    add_list(&list, known, count);
    FAULT(check, "unknown %s \"%.100s\"%s%s", what, word, count > 0 ? "; known: " : "",
          text_string(&list));
    text_free(&list);
}

static size_t children(const cJSON *list) {
    return (size_t)cJSON_GetArraySize(list);
}

/* Memory for the words of a list, at least one; NULL (and a fault) without memory. */
static const char **words_new(struct check *check, size_t count) {
    const char **words = calloc(count + 1, sizeof *words);
    if (words == NULL)
        faults_add_memory(check->faults, text_string(&check->place), "check it");
    return words;
}

/* --- types --- */

static const char *type_words(const char *type) {
    static const char *const words[][2] = {{"object", "an object"}, {"array", "an array"},
                                           {"string", "a string"},  {"integer", "a whole number"},
                                           {"number", "a number"},  {"boolean", "true or false"},
                                           {"null", "null"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i][0], type) == 0)
            return words[i][1];
    return type;
}

/* Each kind of value once. */
static void add_type(struct text *text, const cJSON *type) {
    const cJSON *one = cJSON_IsArray(type) ? type->child : type;
    for (; one != NULL; one = cJSON_IsArray(type) ? one->next : NULL) {
        const char *words = type_words(one->valuestring);
        if (strstr(text_string(text), words) == NULL)
            text_format(text, "%s%s", text->length > 0 ? " or " : "", words);
    }
}

/* --- oneOf --- */

/* No branch has the object's `const`: says which there are. */
static void fault_const(struct check *check, const cJSON *branches, const cJSON *key,
                        const cJSON *value) {
    const cJSON *title = json_member(key, "title"), *chosen = json_member(value, key->string);
    const char *what = title != NULL ? title->valuestring : key->string;
    char text[64];
    size_t count = 0;
    const char **known = words_new(check, children(branches));
    if (known == NULL)
        return;
    for (const cJSON *branch = branches->child; branch != NULL; branch = branch->next) {
        known[count] = schema_branch_const(check->root, branch, key->string);
        count += known[count] != NULL;
    }
    size_t length = check->place.length;
    if (chosen != NULL)
        place_add_key(&check->place, key->string);
    if (cJSON_IsString(chosen)) {
        fault_unknown(check, what, chosen->valuestring, known, count);
    } else {
        struct text list = {0};
        add_list(&list, known, count);
        if (chosen == NULL)
            FAULT(check, "\"%s\" is missing; it is one of %s", key->string, text_string(&list));
        else
            FAULT(check, "must be one of %s, is %s", text_string(&list), describe(chosen, text));
        text_free(&list);
    }
    place_cut(&check->place, length);
    free(known);
}

static void check_one_of(struct check *check, const cJSON *branches, const cJSON *value) {
    const cJSON *branch = schema_branch(check->root, branches, value);
    const cJSON *key = schema_discriminator(check->root, branches);
    char text[64];
    if (branch != NULL) {
        check_value(check, branch, value);
    } else if (key != NULL && cJSON_IsObject(value)) {
        fault_const(check, branches, key, value);
    } else {
        struct text list = {0};
        for (branch = branches->child; branch != NULL; branch = branch->next)
            add_type(&list, json_member(schema_resolve(check->root, branch), "type"));
        FAULT(check, "must be %s, is %s", text_string(&list), describe(value, text));
        text_free(&list);
    }
}

/* --- one value --- */

static bool check_type(struct check *check, const cJSON *schema, const cJSON *value) {
    const cJSON *type = json_member(schema, "type");
    char text[64];
    if (schema_type_takes(type, value))
        return true;
    struct text list = {0};
    add_type(&list, type);
    FAULT(check, "must be %s, is %s", text_string(&list), describe(value, text));
    text_free(&list);
    return false;
}

static void check_number(struct check *check, const cJSON *schema, const cJSON *value) {
    static const struct {
        const char *keyword, *words;
    } bounds[] = {{"minimum", "at least"},
                  {"exclusiveMinimum", "more than"},
                  {"maximum", "at most"},
                  {"exclusiveMaximum", "less than"}};
    double number = value->valuedouble;
    if (number >= number_or(schema, "minimum", -INFINITY) &&
        number <= number_or(schema, "maximum", INFINITY) &&
        number > number_or(schema, "exclusiveMinimum", -INFINITY) &&
        number < number_or(schema, "exclusiveMaximum", INFINITY))
        return;
    char text[64];
    struct text list = {0};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        const cJSON *bound = json_member(schema, bounds[i].keyword);
        if (bound != NULL)
            text_format(&list, "%s%s %s", list.length > 0 ? " and " : "", bounds[i].words,
                        describe(bound, text));
    }
    FAULT(check, "must be %s, is %s", text_string(&list), describe(value, text));
    text_free(&list);
}

/* Lengths of strings count bytes: the bounds are there for memory and columns, not for reading. */
static void check_length(struct check *check, size_t length, double least, double most,
                         const char *unit) {
    if ((double)length < least)
        FAULT(check, "must have at least %.0f %s%s, has %zu", least, unit, least == 1 ? "" : "s",
              length);
    if ((double)length > most)
        FAULT(check, "must have at most %.0f %s%s, has %zu", most, unit, most == 1 ? "" : "s",
              length);
}

static void check_string(struct check *check, const cJSON *schema, const cJSON *value) {
    size_t length = strlen(value->valuestring);
    if (length == 0 && number_or(schema, "minLength", 0) == 1)
        FAULT(check, "must not be empty");
    else
        check_length(check, length, number_or(schema, "minLength", 0),
                     number_or(schema, "maxLength", INFINITY), "byte");
}

static void check_enum(struct check *check, const cJSON *list, const cJSON *value) {
    char text[64];
    size_t count = 0;
    for (const cJSON *one = list->child; one != NULL; one = one->next)
        if (cJSON_Compare(one, value, true))
            return;
    const char **known = words_new(check, children(list));
    if (known == NULL)
        return;
    for (const cJSON *one = list->child; one != NULL; one = one->next)
        if (cJSON_IsString(one))
            known[count++] = one->valuestring;
    if (count == children(list) && cJSON_IsString(value))
        fault_unknown(check, "value", value->valuestring, known, count);
    else {
        char *all = json_text(list);
        FAULT(check, "must be one of %s, is %s", all, describe(value, text));
        free(all);
    }
    free(known);
}

static void check_const(struct check *check, const cJSON *constant, const cJSON *value) {
    char text[64], other[64];
    if (!cJSON_Compare(constant, value, true))
        FAULT(check, "must be %s, is %s", describe(constant, text), describe(value, other));
}

/* No fault would be kept any more: a message can have a million of them. */
static bool is_full(const struct check *check) {
    return check->faults->more && check->faults->count == FAULTS_MAX;
}

/* An array that is too long is one fault, not one an item; what is behind the last that it may have
 * is not looked at. */
static void check_array(struct check *check, const cJSON *schema, const cJSON *value) {
    const cJSON *prefix = json_member(schema, "prefixItems"), *rest = json_member(schema, "items");
    size_t index = 0, length = check->place.length;
    double most = number_or(schema, "maxItems", INFINITY);
    check_length(check, children(value), number_or(schema, "minItems", 0), most, "item");
    if ((double)children(value) > most)
        check->faults->more = true;
    prefix = prefix != NULL ? prefix->child : NULL;
    for (const cJSON *item = value->child; item != NULL && (double)index < most && !is_full(check);
         item = item->next) {
        const cJSON *shape = prefix != NULL ? prefix : rest;
        place_add_index(&check->place, index++);
        if (shape != NULL)
            check_value(check, shape, item);
        place_cut(&check->place, length);
        prefix = prefix != NULL ? prefix->next : NULL;
    }
}

static void fault_key(struct check *check, const cJSON *properties, const char *key) {
    size_t count = 0;
    const char **known = words_new(check, children(properties));
    if (known == NULL)
        return;
    for (const cJSON *one = properties != NULL ? properties->child : NULL; one != NULL;
         one = one->next)
        known[count++] = one->string;
    fault_unknown(check, "key", key, known, count);
    free(known);
}

static void check_object(struct check *check, const cJSON *schema, const cJSON *value) {
    const cJSON *properties = json_member(schema, "properties"),
                *required = json_member(schema, "required");
    const cJSON *others = json_member(schema, "additionalProperties");
    size_t length = check->place.length;
    if (number_or(schema, "minProperties", 0) > (double)children(value))
        FAULT(check, "must not be empty");
    for (const cJSON *key = required != NULL ? required->child : NULL; key != NULL; key = key->next)
        if (json_member(value, key->valuestring) == NULL)
            FAULT(check, "\"%s\" is missing; add it", key->valuestring);
    for (const cJSON *item = value->child; item != NULL && !is_full(check); item = item->next) {
        const cJSON *shape = json_member(properties, item->string);
        if (shape == NULL)
            shape = others;
        place_add_key(&check->place, item->string);
        if (cJSON_IsFalse(shape))
            fault_key(check, properties, item->string);
        else if (cJSON_IsObject(shape))
            check_value(check, shape, item);
        place_cut(&check->place, length);
    }
}

static void check_value(struct check *check, const cJSON *schema, const cJSON *value) {
    const cJSON *keyword;
    schema = schema_resolve(check->root, schema);
    if ((keyword = json_member(schema, "oneOf")) != NULL) {
        check_one_of(check, keyword, value);
        return;
    }
    if (!check_type(check, schema, value))
        return;
    if ((keyword = json_member(schema, "const")) != NULL)
        check_const(check, keyword, value);
    if ((keyword = json_member(schema, "enum")) != NULL)
        check_enum(check, keyword, value);
    if (cJSON_IsObject(value))
        check_object(check, schema, value);
    else if (cJSON_IsArray(value))
        check_array(check, schema, value);
    else if (cJSON_IsString(value))
        check_string(check, schema, value);
    else if (cJSON_IsNumber(value))
        check_number(check, schema, value);
}

void schema_check(const cJSON *root, const cJSON *schema, const cJSON *value, const char *place,
                  struct faults *faults) {
    struct check check = {.root = root, .faults = faults};
    text_add(&check.place, place, strlen(place));
    check_value(&check, schema, value);
    faults->more = faults->more || (faults->count > 0 && check.place.failed);
    text_free(&check.place);
}
