/* drawing_marks: what a drawing is made of, for the files that write it (cli/drawing_png.c,
 * cli/drawing_svg.c, and cli/drawing_write.c, which chooses between them).
 */
#ifndef ASSAY_CLI_DRAWING_MARKS_H
#define ASSAY_CLI_DRAWING_MARKS_H

#include "cli/drawing.h"

struct mark {
    enum { MARK_LINE, MARK_BOX, MARK_DOT, MARK_WORDS } kind;
    struct pen pen;
    struct words words;
    struct point *points; /* of a line */
    size_t count;
    double x, y, width, height; /* of a dot: width is its radius */
    bool hollow;
    char *text;
};

struct drawing {
    double width, height;
    struct mark *marks;
    size_t count, capacity;
    bool failed; /* without memory */
};

struct tint_colour {
    const char *class;
    unsigned char red, green, blue;
};
extern const struct tint_colour tint_colours[TINT_COUNT];
/* Lengths of line and gap, in turn, ending in 0. */
extern const double dash_lengths[DASH_COUNT][5];

bool drawing_png_write(const struct drawing *drawing, const char *path, struct error *error);

#endif
