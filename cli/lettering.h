/* lettering: a line of words in letters that are there.
 *
 * What cairo calls its toy text knows one font: a letter that this lacks is a box, whatever else is
 * installed. Here it comes from the installed font that has it and is most like the one in use, as
 * fontconfig finds it. Letters stand one behind the other as they come: nothing is joined or turned
 * round, as Arabic would be.
 */
#ifndef ASSAY_CLI_LETTERING_H
#define ASSAY_CLI_LETTERING_H

#include <cairo.h>
#include <stdbool.h>

#define LETTERING_FONT "sans-serif"

void lettering_use(cairo_t *cairo, double size, bool bold);

/* How wide UTF-8 is in the font in use. */
double lettering_width(cairo_t *cairo, const char *text);
/* From (x, y) on, which is on the base line. */
void lettering_show(cairo_t *cairo, double x, double y, const char *text);

/* The text, or as much of its beginning and its end, with an ellipsis between them, as is at most
 * `width` wide: names differ at their end. The caller frees. Less than that, or NULL,
 * without memory, which is noted (shortage_note). */
char *lettering_fit(cairo_t *cairo, double width, const char *text);

#endif
