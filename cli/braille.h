/* braille: curves in a terminal's characters: each cell is 2 dots wide and 4 high (U+2800..U+28FF,
 * Unicode 15 section 21.1), so that a plot of 40 x 8 cells has 80 x 32 dots.
 */
#ifndef ASSAY_CLI_BRAILLE_H
#define ASSAY_CLI_BRAILLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BRAILLE_CELL = 4 }; /* bytes of a cell's text: three of UTF-8 and a NUL */

struct braille {
    size_t columns, rows; /* cells */
    uint8_t *dots;        /* a bit a dot, as the code points have them */
    uint8_t *curves;      /* the number of the curve that was drawn in the cell last, from 1 */
};

/* An empty plot; false without memory. Free with braille_free. */
bool braille_new(struct braille *braille, size_t columns, size_t rows);
void braille_free(struct braille *braille);

/* Draws values[0..count) from the left edge to that of `whole` values, low at the bottom, high at
 * the top, joined by lines; what is beyond is left out, and so are values that are no numbers.
 * `curve` is its number, from 1. */
void braille_curve(struct braille *braille, const double *values, size_t count, size_t whole,
                   double low, double high, uint8_t curve);

/* The column of value `index` of `whole`. */
size_t braille_column(const struct braille *braille, size_t index, size_t whole);

/* The cell's character, " " where there is no dot. */
void braille_cell(const struct braille *braille, size_t column, size_t row,
                  char text[BRAILLE_CELL]);

#endif
