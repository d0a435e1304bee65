#include "core/json_reader.h"

#include "core/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- errors --- */

bool reader_fail(struct reader *reader, const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    text_one_line(what);
    return error_set(reader->error, ERROR_INPUT, "%s:%zu: %s", reader->name, reader->line, what);
}

bool reader_fail_memory(struct reader *reader) {
    return error_machine(reader->error, "%s: no memory to parse it", reader->name);
}

bool reader_word_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_' || byte == '.' || byte == '+' || byte == '-';
}

const char *reader_found(const struct reader *reader, char text[READER_FOUND_MAX]) {
    const char *at = reader->at;
    size_t length = (size_t)(reader->end - at), count = 0;
    if (length == 0)
        return "the end of the text (is it cut short?)";
    if (*at == '"')
        for (count = 1; count < length && count < 24 && at[count] > ' ' && at[count] <= '~';)
            if (at[count++] == '"')
                break;
    while (count < length && count < 24 && reader_word_byte(at[count]))
        count++;
    if (count == 0 && *at > ' ' && *at <= '~')
        count = 1;
    if (count == 0)
        snprintf(text, READER_FOUND_MAX, "the byte 0x%02x", (unsigned)(unsigned char)*at);
    else
        snprintf(text, READER_FOUND_MAX, *at == '"' ? "%.*s" : "'%.*s'", (int)count, at);
    return text;
}

/* --- tokens --- */

void reader_space(struct reader *reader) {
    for (; reader->at < reader->end; reader->at++) {
        char byte = *reader->at;
        if (byte == '\n')
            reader->line++;
        else if (byte != ' ' && byte != '\t' && byte != '\r')
            return;
    }
}

bool reader_at(const struct reader *reader, char byte) {
    return reader->at < reader->end && *reader->at == byte;
}

bool reader_take(struct reader *reader, char byte) {
    if (!reader_at(reader, byte))
        return false;
    reader->at++;
    return true;
}

static bool read_hex4(struct reader *reader, unsigned long *code) {
    if (reader->end - reader->at < 4)
        return reader_fail(reader, "\\u needs four hexadecimal digits");
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char digit = *reader->at++;
        if (!isxdigit((unsigned char)digit))
            return reader_fail(reader, "\\u needs four hexadecimal digits");
        *code = *code << 4 | (unsigned long)(isdigit((unsigned char)digit)
                                                 ? digit - '0'
                                                 : tolower((unsigned char)digit) - 'a' + 10);
    }
    return true;
}

static char *put_utf8(char *out, unsigned long code) {
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned long lead[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(lead[more] | code >> (6 * more));
    while (more-- > 0)
        *out++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
    return out;
}

/* After "\u". */
static bool read_unicode(struct reader *reader, char **out) {
    unsigned long code = 0, low = 0;
    if (!read_hex4(reader, &code))
        return false;
    if (code == 0)
        return reader_fail(reader, "a string holds the character \\u0000; take it out");
    if (code >= 0xd800 && code <= 0xdbff) {
        if (!reader_take(reader, '\\') || !reader_take(reader, 'u'))
            return reader_fail(
                reader, "\\u%04lx is half a character; \\uDC00 to \\uDFFF must follow", code);
        if (!read_hex4(reader, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return reader_fail(
                reader, "\\u%04lx is half a character; \\uDC00 to \\uDFFF must follow", code);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (reader->names && code >= 0xdc80 && code <= 0xdcff) {
        *(*out)++ = (char)(code - 0xdc00);
        return true;
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return reader_fail(reader, "\\u%04lx is half a character; \\uD800 to \\uDBFF must precede",
                           code);
    }
    *out = put_utf8(*out, code);
    return true;
}

static bool read_escape(struct reader *reader, char **out) {
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (reader_take(reader, 'u'))
        return read_unicode(reader, out);
    const char *letter =
        reader->at < reader->end && *reader->at != '\0' ? strchr(letters, *reader->at) : NULL;
    if (letter == NULL)
        return reader_fail(reader,
                           "a backslash in a string stands before one of \" \\ / b f n r t u; "
                           "write \\\\ for a backslash");
    reader->at++;
    *(*out)++ = bytes[letter - letters];
    return true;
}

/* One character that stands for itself. */
static bool read_character(struct reader *reader, char **out) {
    unsigned char first = (unsigned char)*reader->at;
    unsigned long code;
    if (first < 0x20)
        return reader_fail(reader, first == '\n' ? "a string has no closing quote on its line"
                                                 : "a string holds a control character; escape it");
    size_t need = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    size_t length = need <= (size_t)(reader->end - reader->at) ? utf8_decode(reader->at, &code) : 0;
    if (length == 0)
        return reader_fail(reader, "a string is not UTF-8 (byte 0x%02x); save the file as UTF-8",
                           (unsigned)first);
    memcpy(*out, reader->at, length);
    *out += length;
    reader->at += length;
    return true;
}

/* An escape is never shorter than what it stands for, so the bytes up to the closing quote are room
 * enough. */
bool reader_string(struct reader *reader, char **string) {
    const char *close = reader->at + 1;
    while (close < reader->end && *close != '"')
        close += *close == '\\' && close + 1 < reader->end ? 2 : 1;
    char *out = *string = malloc((size_t)(close - reader->at) + 1);
    if (out == NULL)
        return reader_fail_memory(reader);
    reader->at++;
    bool ok = true;
    while (ok && reader->at < reader->end && *reader->at != '"')
        ok = reader_take(reader, '\\') ? read_escape(reader, &out) : read_character(reader, &out);
    if (ok && !reader_take(reader, '"'))
        ok = reader_fail(reader, "the text ends inside a string; is it cut short?");
    *out = '\0';
    if (!ok) {
        free(*string);
        *string = NULL;
    }
    return ok;
}
