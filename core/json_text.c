#include "core/json.h"
#include "core/shortage.h"
#include "core/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* %.15g gives back every decimal of up to 15 digits, so where 15 digits read back the same there is
 * nothing shorter that %.15g would not have found; only subnormal numbers hold fewer. Exactly at a
 * power of two, 17 digits may come out where 16 others would do. */
static void write_number(struct text *text, double number) {
    char digits[40];
    if (!isfinite(number)) {
        text_add(text, "null", 4);
        return;
    }
    if (fabs(number) < 0x1p53 && number == floor(number) && (number != 0 || !signbit(number))) {
        text_format(text, "%lld", (long long)number);
        return;
    }
    int precision = fabs(number) < DBL_MIN ? 1 : 15;
    do
        snprintf(digits, sizeof digits, "%.*g", precision, number);
    while (strtod(digits, NULL) != number && ++precision <= 17);
    text_format(text, "%s", digits);
}

static void write_string(struct text *text, const char *string) {
    static const char named[] = "\"\\\n\r\t\f\b", letters[] = "\"\\nrtfb";
    text_add(text, "\"", 1);
    while (*(string = text_add_plain(text, string)) != '\0') {
        unsigned long code;
        size_t length = utf8_decode(string, &code), named_index = 0;
        while (named[named_index] != '\0' && named[named_index] != *string)
            named_index++;
        if (length == 0)
            text_add(text, "\xef\xbf\xbd", 3);
        else if (letters[named_index] != '\0')
            text_format(text, "\\%c", letters[named_index]);
        else if (code < 0x20)
            text_format(text, "\\u%04lx", code);
        else
            text_add(text, string, length);
        string += length != 0 ? length : 1;
    }
    text_add(text, "\"", 1);
}

enum { COMPACT = -1 };

/* A new line at this depth; nothing in compact text. */
static void break_line(struct text *text, int depth) {
    if (depth == COMPACT)
        return;
    text_add(text, "\n", 1);
    for (int i = 0; i < depth; i++)
        text_add(text, "  ", 2);
}

static bool is_list_of_plain(const cJSON *value) {
    const cJSON *child;
    cJSON_ArrayForEach(child, value) {
        if (cJSON_IsObject(child) || cJSON_IsArray(child))
            return false;
    }
    return cJSON_IsArray(value);
}

static void write_value(struct text *text, const cJSON *value, int depth);

/* An object or a list, whose own lines stand at this depth. */
static void write_members(struct text *text, const cJSON *value, int depth) {
    bool object = cJSON_IsObject(value), one_line = is_list_of_plain(value);
    int inner = depth == COMPACT || one_line ? COMPACT : depth + 1;
    bool spaced = depth != COMPACT;
    text_add(text, object ? "{" : "[", 1);
    for (const cJSON *child = value->child; child != NULL; child = child->next) {
        break_line(text, inner);
        if (object) {
            write_string(text, child->string);
            text_add(text, ": ", spaced ? 2 : 1);
        }
        write_value(text, child, inner);
        if (child->next != NULL)
            text_add(text, ", ", spaced && one_line ? 2 : 1);
    }
    if (value->child != NULL && !one_line)
        break_line(text, depth);
    text_add(text, object ? "}" : "]", 1);
}

static void write_value(struct text *text, const cJSON *value, int depth) {
    if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
        write_members(text, value, depth);
    } else if (cJSON_IsString(value)) {
        write_string(text, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        write_number(text, value->valuedouble);
    } else {
        const char *word = cJSON_IsTrue(value) ? "true" : cJSON_IsFalse(value) ? "false" : "null";
        text_add(text, word, strlen(word));
    }
}

static char *text_of(const cJSON *value, int depth) {
    struct text text = {0};
    if (shortage_in_trees())
        return NULL;
    write_value(&text, value, depth);
    return text_take(&text);
}

char *json_text(const cJSON *value) {
    return text_of(value, COMPACT);
}

char *json_text_pretty(const cJSON *value) {
    return text_of(value, 0);
}

size_t json_text_length(const cJSON *value) {
    enum { BRACKETS = 2, MARK = 1, FRACTION = 18, WORD = 4 };
    size_t length = MARK;
    if (value->string != NULL)
        length += strlen(value->string) + BRACKETS + MARK;
    if (cJSON_IsString(value))
        return length + strlen(value->valuestring) + BRACKETS;
    if (cJSON_IsNumber(value))
        return length + FRACTION;
    if (!cJSON_IsObject(value) && !cJSON_IsArray(value))
        return length + WORD;
    length += BRACKETS;
    for (const cJSON *child = value->child; child != NULL; child = child->next)
        length += json_text_length(child);
    return length;
}

void json_add_defined(cJSON *object, const char *key, bool defined, double value) {
    if (defined)
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

void json_add_finite(cJSON *object, const char *key, double value) {
    json_add_defined(object, key, isfinite(value), value);
}
