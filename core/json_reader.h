/* json_reader: the tokens of a JSON text, with the line they stand on. Shared by json.c, which
 * builds trees, and json_line.c, which finds a place in a text; nobody else needs it.
 *
 * Functions that fail say so in the reader's error, "NAME:LINE: what", and return false.
 */
#ifndef ASSAY_CORE_JSON_READER_H
#define ASSAY_CORE_JSON_READER_H

#include "core/error.h"

#include <stddef.h>

struct reader {
    const char *at, *end;
    size_t line; /* of `at`, 1-based */
    unsigned depth;
    bool names;       /* a lone \udc80 to \udcff is a byte (json_parse_names) */
    const char *name; /* what errors call the text */
    struct error *error;
};

bool reader_fail(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool reader_fail_memory(struct reader *reader);

/* What stands at the reader, for an error line. */
enum { READER_FOUND_MAX = 48 };
const char *reader_found(const struct reader *reader, char text[READER_FOUND_MAX]);

void reader_space(struct reader *reader);
bool reader_at(const struct reader *reader, char byte);
bool reader_take(struct reader *reader, char byte);
/* A byte that numbers and bare words are made of. */
bool reader_word_byte(char byte);

/* A string, decoded; the reader stands on the opening quote. The caller frees *string. */
bool reader_string(struct reader *reader, char **string);

#endif
