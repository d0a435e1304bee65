/* substitute: the installed font for a letter that the usual one lacks, as fontconfig finds it.
 *
 * To ask fontconfig takes about as long as to draw a line, and a name is measured several times
 * before it is drawn. What it said is kept with the usual font, for as long as cairo keeps that.
 * For one thread.
 */
#ifndef ASSAY_CLI_SUBSTITUTE_H
#define ASSAY_CLI_SUBSTITUTE_H

#include <cairo.h>

/* Like `usual`, a toy font, and with the letter of that code point, unless none has it. The caller
 * destroys; NULL without memory. */
cairo_font_face_t *substitute_for(cairo_font_face_t *usual, unsigned long code);

#endif
