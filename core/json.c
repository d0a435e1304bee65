/* One function a grammar rule of RFC 8259, over the tokens of json_reader.h, building cJSON nodes.
 */
#include "core/json.h"

#include "core/array.h"
#include "core/json_reader.h"
#include "core/shortage.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static cJSON *read_value(struct reader *reader);

static void skip_digits(struct reader *reader) {
    while (reader->at < reader->end && isdigit((unsigned char)*reader->at))
        reader->at++;
}

/* number = [ "-" ] int [ "." digits ] [ ("e" | "E") [ "-" | "+" ] digits ] */
static bool scan_number(struct reader *reader) {
    const char *digits;
    reader_take(reader, '-');
    digits = reader->at;
    if (!reader_take(reader, '0'))
        skip_digits(reader);
    if (reader->at == digits)
        return false;
    if (reader_take(reader, '.')) {
        digits = reader->at;
        skip_digits(reader);
        if (reader->at == digits)
            return false;
    }
    if (reader_take(reader, 'e') || reader_take(reader, 'E')) {
        if (!reader_take(reader, '+'))
            reader_take(reader, '-');
        digits = reader->at;
        skip_digits(reader);
        if (reader->at == digits)
            return false;
    }
    return reader->at == reader->end || !reader_word_byte(*reader->at);
}

static cJSON *read_number(struct reader *reader) {
    char text[READER_FOUND_MAX], *copy;
    const char *start = reader->at;
    if (!scan_number(reader)) {
        reader->at = start;
        reader_fail(reader, "%s is no JSON number", reader_found(reader, text));
        return NULL;
    }
    /* strtod wants a NUL behind the digits, which the text need not have. */
    copy = strndup(start, (size_t)(reader->at - start));
    double number = copy != NULL ? strtod(copy, NULL) : 0;
    cJSON *node = copy != NULL ? cJSON_CreateNumber(number) : NULL;
    free(copy);
    if (node == NULL) {
        reader_fail_memory(reader);
    } else if (!isfinite(number)) {
        cJSON_Delete(node);
        node = NULL;
        reader->at = start;
        reader_fail(reader, "the number %s is too large", reader_found(reader, text));
    }
    return node;
}

static cJSON *read_text(struct reader *reader) {
    char *string;
    if (!reader_string(reader, &string))
        return NULL;
    cJSON *node = cJSON_CreateString(string);
    free(string);
    if (node == NULL)
        reader_fail_memory(reader);
    return node;
}

/* `open` is the bracket that began on `line`; the reader is at its end or at something unexpected.
 */
static bool fail_unclosed(struct reader *reader, char open, size_t line) {
    char text[READER_FOUND_MAX], close = open == '{' ? '}' : ']';
    if (reader->at == reader->end)
        return reader_fail(reader,
                           "the text ends inside the %s that begins on line %zu; is it cut short?",
                           open == '{' ? "object" : "array", line);
    return reader_fail(reader,
                       "expected a comma or %c, found %s; put one after the value before it", close,
                       reader_found(reader, text));
}

static cJSON *read_array(struct reader *reader) {
    cJSON *array = cJSON_CreateArray(), *item;
    size_t line = reader->line;
    if (array == NULL)
        reader_fail_memory(reader);
    reader->at++;
    reader_space(reader);
    if (array == NULL || reader_take(reader, ']'))
        return array;
    for (;;) {
        if (reader_at(reader, ']')) {
            reader_fail(reader, "a comma stands before ]; take it out");
            break;
        }
        if ((item = read_value(reader)) == NULL)
            break;
        cJSON_AddItemToArray(array, item);
        reader_space(reader);
        if (reader_take(reader, ']'))
            return array;
        if (!reader_take(reader, ',')) {
            fail_unclosed(reader, '[', line);
            break;
        }
        reader_space(reader);
    }
    cJSON_Delete(array);
    return NULL;
}

struct key {
    const char *name;
    size_t line;
};

static int compare_keys(const void *a, const void *b) {
    const struct key *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : left->line < right->line ? -1 : left->line > right->line;
}

/* The duplicate that stands first in the text is the error. Sorts the keys. */
static bool check_duplicates(struct reader *reader, struct key *keys, size_t count) {
    const struct key *first = NULL, *twin = NULL;
    if (count > 1)
        qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1].name, keys[i].name) == 0 &&
            (first == NULL || keys[i].line < first->line)) {
            first = &keys[i];
            twin = &keys[i - 1];
        }
    if (first == NULL)
        return true;
    reader->line = first->line;
    return reader_fail(reader,
                       "the key \"%.100s\" stands twice in one object (first on line %zu); take "
                       "one out",
                       first->name, twin->line);
}

/* What other languages have and JSON has not: false where there is none of it. */
static bool fail_foreign(struct reader *reader) {
    if (reader_at(reader, '/') || reader_at(reader, '#'))
        reader_fail(reader, "JSON has no comments; take it out");
    else if (reader_at(reader, '\''))
        reader_fail(reader, "strings stand in double quotes, not single ones");
    else
        return false;
    return true;
}

/* "key": value */
static bool read_pair(struct reader *reader, cJSON *object, size_t *line) {
    char text[READER_FOUND_MAX], *name = NULL;
    cJSON *value;
    *line = reader->line;
    if (reader_at(reader, '}'))
        return reader_fail(reader, "a comma stands before }; take it out");
    if (!reader_at(reader, '"'))
        return !fail_foreign(reader) &&
               reader_fail(reader, "expected a key in double quotes, found %s",
                           reader_found(reader, text));
    if (!reader_string(reader, &name))
        return false;
    reader_space(reader);
    bool ok = reader_take(reader, ':') ||
              reader_fail(reader, "expected a colon after the key \"%.100s\", found %s", name,
                          reader_found(reader, text));
    if (ok) {
        reader_space(reader);
        value = read_value(reader);
        ok = value != NULL;
        if (ok && !cJSON_AddItemToObject(object, name, value)) {
            cJSON_Delete(value);
            ok = reader_fail_memory(reader);
        }
    }
    free(name);
    return ok;
}

static bool read_pairs(struct reader *reader, cJSON *object) {
    struct key *keys = NULL;
    size_t count = 0, capacity = 0, line = reader->line;
    bool ok = false;
    for (;;) {
        struct key *room = array_room(keys, count + 1, &capacity, sizeof *keys);
        if (room == NULL) {
            reader_fail_memory(reader);
            break;
        }
        keys = room;
        reader_space(reader);
        if (!read_pair(reader, object, &keys[count].line))
            break;
        keys[count++].name = object->child->prev->string; /* cJSON: the first's prev is the last */
        reader_space(reader);
        if (reader_take(reader, '}')) {
            ok = check_duplicates(reader, keys, count);
            break;
        }
        if (!reader_take(reader, ',')) {
            fail_unclosed(reader, '{', line);
            break;
        }
    }
    free(keys);
    return ok;
}

static cJSON *read_object(struct reader *reader) {
    cJSON *object = cJSON_CreateObject();
    if (object == NULL) {
        reader_fail_memory(reader);
        return NULL;
    }
    reader->at++;
    struct reader ahead = *reader;
    reader_space(&ahead);
    if (reader_take(&ahead, '}')) {
        *reader = ahead;
        return object;
    }
    if (read_pairs(reader, object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

static bool take_word(struct reader *reader, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0 ||
        (reader->at + length < reader->end && reader_word_byte(reader->at[length])))
        return false;
    reader->at += length;
    return true;
}

static cJSON *read_word(struct reader *reader) {
    char text[READER_FOUND_MAX];
    cJSON *node;
    if (take_word(reader, "true"))
        node = cJSON_CreateTrue();
    else if (take_word(reader, "false"))
        node = cJSON_CreateFalse();
    else if (take_word(reader, "null"))
        node = cJSON_CreateNull();
    else {
        if (!fail_foreign(reader))
            reader_fail(reader, "expected a value, found %s", reader_found(reader, text));
        return NULL;
    }
    if (node == NULL)
        reader_fail_memory(reader);
    return node;
}

static cJSON *read_value(struct reader *reader) {
    char first = '\0';
    cJSON *value;
    if (reader->at < reader->end)
        first = *reader->at;
    if (first == '"')
        return read_text(reader);
    if (first == '-' || first == '+' || first == '.' || isdigit((unsigned char)first))
        return read_number(reader);
    if (first != '{' && first != '[')
        return read_word(reader);
    if (reader->depth == JSON_DEPTH_MAX) {
        reader_fail(reader, "brackets stand more than %d deep", JSON_DEPTH_MAX);
        return NULL;
    }
    reader->depth++;
    value = first == '{' ? read_object(reader) : read_array(reader);
    reader->depth--;
    return value;
}

static cJSON *parse(const char *text, size_t length, const char *name, bool names,
                    struct error *error) {
    char what[READER_FOUND_MAX];
    struct reader reader = {
        .at = text, .end = text + length, .line = 1, .names = names, .name = name, .error = error};
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        reader_fail(&reader,
                    "the text begins with a byte order mark; save it as UTF-8 without one");
        return NULL;
    }
    reader_space(&reader);
    if (reader.at == reader.end) {
        reader_fail(&reader, "there is nothing in it");
        return NULL;
    }
    unsigned gaps = shortage_count();
    cJSON *value = read_value(&reader);
    if (value == NULL) {
        shortage_forgive(gaps);
        return NULL;
    }
    reader_space(&reader);
    if (reader.at == reader.end)
        return value;
    reader_fail(&reader, "expected the end after the last bracket, found %s",
                reader_found(&reader, what));
    cJSON_Delete(value);
    return NULL;
}

cJSON *json_parse(const char *text, size_t length, const char *name, struct error *error) {
    return parse(text, length, name, false, error);
}

cJSON *json_parse_names(const char *text, size_t length, const char *name, struct error *error) {
    return parse(text, length, name, true, error);
}

const cJSON *json_member(const cJSON *object, const char *key) {
    const cJSON *member = object != NULL ? object->child : NULL;
    /* most keys differ in their first byte: a call of strcmp for each of them would be much of the
     * time that a long answer is checked */
    while (member != NULL && member->string != NULL &&
           (member->string[0] != key[0] || strcmp(member->string, key) != 0))
        member = member->next;
    return member != NULL && member->string != NULL ? member : NULL;
}

int64_t json_integer(const cJSON *object, const char *key) {
    const cJSON *value = json_member(object, key);
    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

const char *json_string(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(json_member(object, key));
}

void json_put(cJSON *object, const char *key, cJSON *item) {
    if (!cJSON_AddItemToObject(object, key, item))
        cJSON_Delete(item);
}

void json_append(cJSON *array, cJSON *item) {
    if (!cJSON_AddItemToArray(array, item))
        cJSON_Delete(item);
}

void json_move_items(cJSON *from, cJSON *to) {
    while (from->child != NULL)
        cJSON_AddItemToArray(to, cJSON_DetachItemViaPointer(from, from->child));
}

static int compare_members(const void *a, const void *b) {
    return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

bool json_sort_keys(cJSON *value) {
    size_t count = (size_t)cJSON_GetArraySize(value);
    cJSON **members = calloc(count + 1, sizeof *members), *one;
    bool good = members != NULL;
    if (good && cJSON_IsObject(value)) {
        for (size_t i = 0; i < count; i++)
            members[i] = cJSON_DetachItemViaPointer(value, value->child);
        qsort(members, count, sizeof *members, compare_members);
        for (size_t i = 0; i < count; i++)
            cJSON_AddItemToArray(value, members[i]);
    }
    free(members);
    cJSON_ArrayForEach(one, value) {
        good = good && json_sort_keys(one);
    }
    return good;
}
