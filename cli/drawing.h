/* drawing: a picture as a list of lines, boxes, dots and words, written as PNG (by cairo) or as
 * SVG.
 *
 * cairo's own SVG turns words into outlines, which nobody can select, search or hear read; so the
 * list is written as SVG text here. Colours are roles: in a page that has a style for the classes
 * p-paper, p-ink, p-faint, p-hair, p-0 to p-6 they follow it (light and dark); elsewhere they are
 * those of a light page. Lengths are pixels, y grows downwards.
 */
#ifndef ASSAY_CLI_DRAWING_H
#define ASSAY_CLI_DRAWING_H

#include "core/error.h"
#include "core/text.h"

#include <stddef.h>

/* The seven after TINT_FIRST are told apart by the colour-blind too (Okabe & Ito, "Color Universal
 * Design", 2008, without its yellow). */
enum tint { TINT_PAPER, TINT_INK, TINT_FAINT, TINT_HAIR, TINT_FIRST };
enum { TINT_SERIES = 7, TINT_COUNT = TINT_FIRST + TINT_SERIES };

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

enum dash { DASH_NONE, DASH_LONG, DASH_DOTS, DASH_MIXED, DASH_COUNT };

struct pen {
    enum tint tint;
    double width;   /* of lines */
    double opacity; /* 0 to 1 */
    enum dash dash;
};

struct words {
    double size; /* pixels */
    enum tint tint;
    enum anchor anchor;
    bool bold, turned; /* turned: upwards */
};

struct point {
    double x, y;
};

struct drawing;

/* NULL without memory; so with everything that is added: drawing_write and drawing_svg tell. */
struct drawing *drawing_new(double width, double height);
void drawing_free(struct drawing *drawing);
/* Below what is there a picture grows. */
void drawing_set_height(struct drawing *drawing, double height);

/* A line through the points (copied). */
void drawing_line(struct drawing *drawing, const struct pen *pen, const struct point *points,
                  size_t count);
void drawing_segment(struct drawing *drawing, const struct pen *pen, double x1, double y1,
                     double x2, double y2);
void drawing_box(struct drawing *drawing, const struct pen *pen, double x, double y, double width,
                 double height);
/* Filled with the pen's tint, or hollow: filled with paper inside a line. */
void drawing_dot(struct drawing *drawing, const struct pen *pen, double x, double y, double radius,
                 bool hollow);
/* One line of UTF-8 on the base line y. */
void drawing_words(struct drawing *drawing, const struct words *words, double x, double y,
                   const char *text);
/* The same with its middle left out so that it is at most `width` wide: names differ at the end. */
void drawing_fitted(struct drawing *drawing, const struct words *words, double x, double y,
                    double width, const char *text);
double drawing_words_width(const struct words *words, const char *text);

/* Whether a path ends in .png or .svg, in any case. */
bool drawing_takes(const char *path);
/* Writes PNG or SVG by the path's ending, atomically; `title` is what SVG readers read aloud. */
bool drawing_write(const struct drawing *drawing, const char *path, const char *title,
                   struct error *error);
/* Adds an <svg> element. */
void drawing_svg(const struct drawing *drawing, const char *title, struct text *text);

/* Adds text as HTML and XML have it: & < > " as entities, a tab as a space; what controls a
 * terminal (text_controls), what XML has no place for and what is no UTF-8 is left out. */
void drawing_escape(struct text *text, const char *string);

#endif
