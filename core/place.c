#include "core/place.h"

#include <ctype.h>
#include <string.h>

static bool plain(const char *key) {
    if (!isalpha((unsigned char)key[0]) && key[0] != '_')
        return false;
    for (; *key != '\0'; key++)
        if (!isalnum((unsigned char)*key) && *key != '_')
            return false;
    return true;
}

/* In quotes, the quote and the backslash escaped, control characters as \u00XX; the rest as it is,
 * so that a person reads the key as they wrote it. */
static void add_quoted(struct text *place, const char *key) {
    text_add(place, "\"", 1);
    for (; *key != '\0'; key++) {
        unsigned char byte = (unsigned char)*key;
        if (byte < 0x20 || byte == 0x7f)
            text_format(place, "\\u%04x", (unsigned)byte);
        else if (byte == '"' || byte == '\\')
            text_format(place, "\\%c", byte);
        else
            text_add(place, key, 1);
    }
    text_add(place, "\"", 1);
}

void place_add_key(struct text *place, const char *key) {
    if (plain(key)) {
        text_format(place, "%s%s", place->length > 0 ? "." : "", key);
        return;
    }
    text_add(place, "[", 1);
    add_quoted(place, key);
    text_add(place, "]", 1);
}

void place_add_index(struct text *place, size_t index) {
    text_format(place, "[%zu]", index);
}

void place_cut(struct text *place, size_t length) {
    if (length >= place->length)
        return;
    place->length = length;
    place->data[length] = '\0';
}

const char *place_below(const char *place, const char *prefix) {
    size_t length = strlen(prefix);
    if (strncmp(place, prefix, length) != 0)
        return NULL;
    const char *rest = place + length;
    return length == 0 || *rest == '\0' || *rest == '.' || *rest == '[' ? rest : NULL;
}
