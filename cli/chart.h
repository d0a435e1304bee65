/* chart: lines over two axes in a part of a drawing: ticks, grid, names with units, marks.
 */
#ifndef ASSAY_CLI_CHART_H
#define ASSAY_CLI_CHART_H

#include "cli/drawing.h"
#include "core/ticks.h"

/* Points whose y is not finite, or not positive on a logarithmic axis, part the line. */
struct chart_line {
    const double *x, *y;
    size_t count;
    struct pen pen;
    long marked; /* the index of a point that gets a dot, or -1 */
};

enum scale { SCALE_LINEAR, SCALE_LOG, SCALE_WHOLE };

struct chart_axis {
    const char *label;
    enum scale scale;
    double low, high; /* what has to be on it; low > high: what the lines need */
};

struct chart {
    const char *title;
    struct chart_axis x, y;
    const struct chart_line *lines;
    size_t line_count;
    const char *empty; /* stands in the middle when no line has a point */
    bool diagonal;     /* from corner to corner: what guessing gives */
};

/* An axis as it lies in a drawing. */
struct chart_scale {
    struct ticks ticks;
    bool logarithmic;
    double from, to; /* pixels: of ticks.low, of ticks.high */
};

/* The pixel of a value. */
double chart_place(const struct chart_scale *scale, double value);

/* Fills width x height pixels with everything that belongs to the chart. */
void chart_draw(struct drawing *drawing, const struct chart *chart, double left, double top,
                double width, double height);

#endif
