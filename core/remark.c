#include "core/remark.h"

#include "core/text.h"

#include <ctype.h>
#include <string.h>

static const char tag_characters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    "._-:";

bool tag_check(const char *tag, struct error *error) {
    size_t length = strlen(tag);
    if (length == 0)
        return error_set(error, ERROR_INPUT, "a tag is empty");
    if (strspn(tag, tag_characters) != length)
        return error_set(error, ERROR_INPUT,
                         "\"%.80s\" is no tag; write it with letters, digits and . _ - :", tag);
    return length <= TAG_BYTES_MAX ||
           error_set(error, ERROR_INPUT, "the tag %.16s... has %zu characters; %d are the most",
                     tag, length, TAG_BYTES_MAX);
}

bool note_check(const char *text, struct error *error) {
    bool something = false;
    for (const char *at = text; *at != '\0';) {
        unsigned long code;
        size_t length = utf8_decode(at, &code);
        if (length == 0)
            return error_set(error, ERROR_INPUT, "a note is not UTF-8 at byte %zu",
                             (size_t)(at - text) + 1);
        if ((code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0))
            return error_set(error, ERROR_INPUT, "a note has a control character at byte %zu",
                             (size_t)(at - text) + 1);
        something = something || code > 0x7f || isgraph((int)code);
        at += length;
    }
    if (!something)
        return error_set(error, ERROR_INPUT, "a note is empty");
    size_t length = strlen(text);
    return length <= NOTE_BYTES_MAX ||
           error_set(error, ERROR_INPUT, "a note has %zu bytes; %d are the most", length,
                     NOTE_BYTES_MAX);
}
