/* screen: what is written for people's eyes: colours only on a terminal (and never with NO_COLOR),
 * widths in columns, and lines that are redrawn in place.
 */
#ifndef ASSAY_CLI_SCREEN_H
#define ASSAY_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BUSY, STYLE_BAD };

struct screen {
    FILE *stream;
    bool terminal, redraws /* standard_redraws */, colour;
    size_t width;  /* columns; 0: no limit (not a terminal) */
    size_t height; /* lines; 0 likewise */
    size_t live;   /* lines at the bottom that screen_live drew */
};

struct screen screen_of(FILE *stream);
/* Takes the terminal's size again, which may have changed. */
void screen_measure(struct screen *screen);

/* The escape sequences around styled text; "" where there are no colours. */
const char *screen_on(const struct screen *screen, enum style style);
const char *screen_off(const struct screen *screen, enum style style);
/* A state of an experiment or a worker: done, running, failed ... */
enum style screen_state_style(const char *state);

/* Redraws the lines at the bottom of a terminal: `lines` ends each line with \n; those that find no
 * room are left out. Lines of other kinds go above them after screen_clear. Does nothing where
 * lines cannot be redrawn. */
void screen_live(struct screen *screen, const char *lines);
void screen_clear(struct screen *screen);

/* One character of UTF-8 text as it is shown: what is no printable character, or no UTF-8, is "?".
 */
struct screen_character {
    const char *text;
    size_t length, columns;
};
/* Takes the character at *text and moves on behind it; false at the end. */
bool screen_character_next(const char **text, struct screen_character *character);

/* How many columns UTF-8 text takes; what is no printable character counts one, as screen_print
 * shows it. */
size_t screen_columns(const char *text);
/* Prints at most `width` columns of text (0: all), with "…" at the end when it was cut, a control
 * character or a byte that is no UTF-8 as "?". Returns the columns printed. */
size_t screen_print(FILE *stream, const char *text, size_t width);

/* A copy of at most `width` columns (0: all of it): of what is longer the middle is "…", because
 * the names of one matrix differ at the end. The caller frees; NULL without memory. */
char *screen_squeeze(const char *text, size_t width);

/* Prints the rest of a line whose first `indent` columns are there already, broken at spaces where
 * the terminal ends and indented as much; in one line elsewhere. */
void screen_wrap_rest(const struct screen *screen, size_t indent, const char *text);

/* Prints text as lines broken at spaces, each indented, none wider than the terminal (80 columns
 * elsewhere) unless a word is. A line feed begins another one. */
void screen_wrap(const struct screen *screen, size_t indent, const char *text);

#endif
