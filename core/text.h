/* text: a string that grows, and what may stand in one: escapes for JSON, CSV and shells, UTF-8,
 * and what a terminal may be shown.
 *
 * Zero-initialise. When memory runs out the text is marked failed, further additions do nothing,
 * and text_take returns NULL: callers check once, at the end.
 */
#ifndef ASSAY_CORE_TEXT_H
#define ASSAY_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* ends in NUL once something was added */
    size_t length, capacity;
    bool failed;
};

void text_add(struct text *text, const char *bytes, size_t length);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds what stands at the string's beginning and in every JSON string as it is: printable ASCII but
 * quotes and backslashes. Returns where that ends. */
const char *text_add_plain(struct text *text, const char *string);

/* A JSON string in quotes as Python's json.dumps writes it with ensure_ascii: everything outside
 * printable ASCII is \uXXXX, beyond U+FFFF a surrogate pair. A byte that is not UTF-8 becomes
 * \udcXX, which is what Python makes of such a file name (surrogateescape). */
void text_json_string(struct text *text, const char *string);

/* A field of a CSV line as RFC 4180 has it: in quotes where it holds a comma, a quote or a line
 * break. */
void text_csv_field(struct text *text, const char *string);

/* Hands over the string (caller frees) and leaves an empty text; NULL when memory ran out. */
char *text_take(struct text *text);
void text_free(struct text *text);

/* What was added so far, "" at first; borrowed. */
const char *text_string(const struct text *text);

/* Whether a terminal may take the character for an order instead of printing it: the control
 * characters (C0, DEL, C1) and the format characters (Unicode's Cf) that turn or break lines, or
 * are not seen at all (U+200E, U+202E, U+FEFF and their like; but the joiners of Indic scripts and
 * of emoji, U+200C and U+200D, are no orders). The one rule for what comes from elsewhere and goes
 * to people. */
bool text_controls(unsigned long code);
/* UTF-8 without any of them: what a name in a listing may be. */
bool text_printable(const char *string);
/* Whether it ends in these bytes. */
bool text_ends(const char *string, const char *ending);
/* UTF-8 with an ellipsis for its middle: `kept` bytes of it (fewer than it has) at most, and whole
 * characters. Caller frees; NULL when memory ran out. */
char *text_without_middle(const char *string, size_t kept);

/* Adds a word as a shell takes it: as it is, or in single quotes where that is not safe. */
void text_shell_word(struct text *text, const char *word);
/* Makes text of it that a terminal prints as it is: what controls it, and bytes that are no UTF-8,
 * become '?'; line feeds and tabs stay. In place. */
void text_harmless(char *string);
/* The same, and one line of it: line feeds and tabs become '?' too. */
void text_one_line(char *string);
/* The same JSON text (of cJSON, which escapes C0) with the other control characters of its strings
 * as \uXXXX. The caller frees; NULL when memory ran out. */
char *text_harmless_json(const char *json);

/* How many bytes the UTF-8 sequence at `bytes` takes (1 to 4, *code is its code point), or 0 when
 * it is none: a wrong byte, cut short by the NUL, overlong, a surrogate or beyond U+10FFFF. */
size_t utf8_decode(const char *bytes, unsigned long *code);

#endif
