#include "core/text.h"

#include "core/shortage.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and a NUL. */
static bool text_reserve(struct text *text, size_t more) {
    if (text->failed)
        return false;
    if (more < text->capacity - text->length)
        return true;
    size_t capacity = text->capacity < 256 ? 256 : text->capacity;
    while (capacity - text->length <= more && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *data = capacity - text->length > more ? realloc(text->data, capacity) : NULL;
    if (data == NULL) {
        text->failed = true;
        shortage_note();
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, const char *bytes, size_t length) {
    if (!text_reserve(text, length))
        return;
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_format(struct text *text, const char *format, ...) {
    va_list arguments;
    size_t room = text->failed ? 0 : text->capacity - text->length;
    va_start(arguments, format);
    int length = vsnprintf(room > 0 ? text->data + text->length : NULL, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < room) {
        text->length += (size_t)length;
        return;
    }
    if (room > 0)
        text->data[text->length] = '\0';
    if (length < 0) {
        text->failed = true;
        return;
    }
    if (!text_reserve(text, (size_t)length))
        return;
    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void text_csv_field(struct text *text, const char *string) {
    if (strpbrk(string, ",\"\r\n") == NULL) {
        text_add(text, string, strlen(string));
        return;
    }
    text_add(text, "\"", 1);
    for (const char *quote; (quote = strchr(string, '"')) != NULL; string = quote + 1) {
        text_add(text, string, (size_t)(quote - string));
        text_add(text, "\"\"", 2);
    }
    text_add(text, string, strlen(string));
    text_add(text, "\"", 1);
}

/* Table 3-7 of the Unicode standard, "Well-Formed UTF-8 Byte Sequences". */
size_t utf8_decode(const char *bytes, unsigned long *code) {
    unsigned char first = (unsigned char)bytes[0];
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                    : first >= 0xe0 && first <= 0xef ? 3
                    : first >= 0xf0 && first <= 0xf4 ? 4
                                                     : 0;
    unsigned long value = length == 0 ? 0 : first & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)bytes[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3f);
    }
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return length;
}

/* \uXXXX, beyond U+FFFF a surrogate pair. */
static void escape_by_number(struct text *text, unsigned long code) {
    if (code < 0x10000)
        text_format(text, "\\u%04lx", code);
    else
        text_format(text, "\\u%04lx\\u%04lx", 0xd800 + ((code - 0x10000) >> 10),
                    0xdc00 + ((code - 0x10000) & 0x3ff));
}

/* One character that json.dumps does not print as itself. */
static void text_escape(struct text *text, unsigned long code) {
    static const char named[] = "\"\\\n\r\t\f\b", letters[] = "\"\\nrtfb";
    const char *at = code != 0 && code < 0x80 ? strchr(named, (int)code) : NULL;
    if (at != NULL)
        text_format(text, "\\%c", letters[at - named]);
    else
        escape_by_number(text, code);
}

const char *text_add_plain(struct text *text, const char *string) {
    size_t plain = 0;
    while (string[plain] >= ' ' && string[plain] <= '~' && string[plain] != '"' &&
           string[plain] != '\\')
        plain++;
    text_add(text, string, plain);
    return string + plain;
}

void text_json_string(struct text *text, const char *string) {
    text_add(text, "\"", 1);
    while (*(string = text_add_plain(text, string)) != '\0') {
        unsigned long code = 0;
        size_t length = utf8_decode(string, &code);
        text_escape(text, length != 0 ? code : 0xdc00ul + (unsigned char)*string);
        string += length != 0 ? length : 1;
    }
    text_add(text, "\"", 1);
}

bool text_controls(unsigned long code) {
    static const struct {
        unsigned long first, last;
    } ranges[] = {
        {0x00, 0x1f},       /* C0 */
        {0x7f, 0x9f},       /* DEL, C1 */
        {0xad, 0xad},       /* soft hyphen */
        {0x61c, 0x61c},     /* Arabic letter mark */
        {0x180e, 0x180e},   /* Mongolian vowel separator */
        {0x200b, 0x200b},   /* zero width space */
        {0x200e, 0x200f},   /* left-to-right and right-to-left marks */
        {0x2028, 0x202e},   /* line and paragraph separators; embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, invisible operators, isolates, deprecated ones */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xfff9, 0xfffb},   /* interlinear annotation */
        {0xe0001, 0xe0001}, /* language tag */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

bool text_printable(const char *string) {
    for (size_t length; *string != '\0'; string += length) {
        unsigned long code = 0;
        length = utf8_decode(string, &code);
        if (length == 0 || text_controls(code))
            return false;
    }
    return true;
}

bool text_ends(const char *string, const char *ending) {
    size_t length = strlen(string), end = strlen(ending);
    return length >= end && strcmp(string + length - end, ending) == 0;
}

static bool inside_character(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

char *text_without_middle(const char *string, size_t kept) {
    size_t length = strlen(string), head = kept / 2, tail = length - (kept - head);
    struct text shown = {0};
    while (head > 0 && inside_character(string[head]))
        head--;
    while (tail < length && inside_character(string[tail]))
        tail++;
    text_add(&shown, string, head);
    text_format(&shown, "\xE2\x80\xA6%s", string + tail);
    return text_take(&shown);
}

void text_shell_word(struct text *text, const char *word) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "%+,-./:=@_";
    if (word[0] != '\0' && word[strspn(word, safe)] == '\0') {
        text_add(text, word, strlen(word));
        return;
    }
    text_add(text, "'", 1);
    for (const char *quote; (quote = strchr(word, '\'')) != NULL; word = quote + 1) {
        text_add(text, word, (size_t)(quote - word));
        text_add(text, "'\\''", 4);
    }
    text_add(text, word, strlen(word));
    text_add(text, "'", 1);
}

/* In place: '?' is no longer than what it stands for. */
static void replace_controls(char *string, const char *kept) {
    char *end = string;
    while (*string != '\0') {
        unsigned long code = 0;
        size_t length = utf8_decode(string, &code);
        bool keep = length > 0 && (!text_controls(code) || strchr(kept, (int)code) != NULL);
        if (keep)
            memmove(end, string, length);
        else
            *end = '?';
        end += keep ? length : 1;
        string += length > 0 ? length : 1;
    }
    *end = '\0';
}

void text_harmless(char *string) {
    replace_controls(string, "\n\t");
}

void text_one_line(char *string) {
    replace_controls(string, "");
}

char *text_harmless_json(const char *json) {
    struct text text = {0};
    text_add(&text, "", 0);
    while (*json != '\0') {
        unsigned long code = 0;
        size_t length = utf8_decode(json, &code);
        if (length > 0 && code >= 0x7f && text_controls(code))
            escape_by_number(&text, code);
        else
            text_add(&text, json, length > 0 ? length : 1);
        json += length > 0 ? length : 1;
    }
    return text_take(&text);
}

char *text_take(struct text *text) {
    text_add(text, "", 0);
    char *data = text->failed ? NULL : text->data;
    if (data == NULL)
        free(text->data);
    *text = (struct text){0};
    return data;
}

void text_free(struct text *text) {
    free(text->data);
    *text = (struct text){0};
}

const char *text_string(const struct text *text) {
    return text->data != NULL ? text->data : "";
}
