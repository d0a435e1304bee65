#include "cli/chart.h"

#include <math.h>
#include <stdlib.h>

/* Pixels. */
enum {
    TITLE_HEIGHT = 30,
    FOOT = 46,   /* tick labels and the name of x */
    GUTTER = 78, /* tick labels and the name of y */
    TICK_GAP = 8,
    TICK_ROOM_X = 64, /* that a tick takes at least */
    TICK_ROOM_Y = 36,
    DOT = 5,
};

static const struct words title_words = {.size = 15, .tint = TINT_INK, .bold = true};
static const struct words axis_words = {.size = 12, .tint = TINT_FAINT, .anchor = ANCHOR_MIDDLE};
static const struct pen grid = {.tint = TINT_HAIR, .width = 1, .opacity = 1};
static const struct pen edge = {.tint = TINT_FAINT, .width = 1, .opacity = 1};
static const struct pen guess = {.tint = TINT_FAINT, .width = 1, .opacity = 1, .dash = DASH_LONG};

double chart_place(const struct chart_scale *scale, double value) {
    double low = scale->ticks.low, high = scale->ticks.high;
    double share = scale->logarithmic ? (log(value) - log(low)) / (log(high) - log(low))
                                      : (value - low) / (high - low);
    return scale->from + share * (scale->to - scale->from);
}

static bool is_point(const struct chart *chart, const struct chart_line *line, size_t index) {
    double y = line->y[index];
    return isfinite(line->x[index]) && fabs(y) <= ticks_most &&
           (chart->y.scale != SCALE_LOG || y >= ticks_least);
}

static void widen(struct chart_axis *axis, double value) {
    bool fresh = axis->low > axis->high;
    axis->low = fresh ? value : fmin(axis->low, value);
    axis->high = fresh ? value : fmax(axis->high, value);
}

/* Whether any line has a point. Widens the range of y to the points, that of x to all: what has no
 * point at its end is not to look shorter than it is. */
static bool cover(const struct chart *chart, struct chart_axis *x, struct chart_axis *y) {
    bool any = false;
    for (size_t i = 0; i < chart->line_count; i++) {
        const struct chart_line *line = &chart->lines[i];
        for (size_t j = 0; j < line->count; j++) {
            if (isfinite(line->x[j]))
                widen(x, line->x[j]);
            if (!is_point(chart, line, j))
                continue;
            widen(y, line->y[j]);
            any = true;
        }
    }
    return any;
}

static struct ticks choose_ticks(const struct chart_axis *axis, double length, double room) {
    size_t most = (size_t)(length / room);
    most = most < 2 ? 2 : most > TICKS_MAX ? TICKS_MAX : most;
    switch (axis->scale) {
    case SCALE_LOG: return ticks_log(axis->low, axis->high, most);
    case SCALE_WHOLE: return ticks_whole(axis->low, axis->high, most);
    default: return ticks_around(axis->low, axis->high, most);
    }
}

static void draw_axes(struct drawing *drawing, const struct chart *chart,
                      const struct chart_scale *x, const struct chart_scale *y, double left) {
    struct words words = axis_words;
    char label[TICKS_LABEL];
    for (size_t i = 0; i < x->ticks.count; i++) {
        double at = chart_place(x, x->ticks.values[i]);
        drawing_segment(drawing, &grid, at, y->from, at, y->to);
        drawing_words(drawing, &words, at, y->from + 18, ticks_label(&x->ticks, i, label));
    }
    words.anchor = ANCHOR_END;
    for (size_t i = 0; i < y->ticks.count; i++) {
        double at = chart_place(y, y->ticks.values[i]);
        drawing_segment(drawing, &grid, x->from, at, x->to, at);
        drawing_words(drawing, &words, x->from - TICK_GAP, at + 4,
                      ticks_label(&y->ticks, i, label));
    }
    drawing_segment(drawing, &edge, x->from, y->from, x->to, y->from);
    words.anchor = ANCHOR_MIDDLE;
    drawing_words(drawing, &words, (x->from + x->to) / 2, y->from + 38, chart->x.label);
    words.turned = true;
    drawing_words(drawing, &words, left + 12, (y->from + y->to) / 2, chart->y.label);
}

/* The pieces of a line between its gaps; a piece of one point is a dot. */
static bool draw_line(struct drawing *drawing, const struct chart *chart,
                      const struct chart_line *line, const struct chart_scale *x,
                      const struct chart_scale *y) {
    struct point *points = calloc(line->count + 1, sizeof *points);
    size_t count = 0;
    if (points == NULL)
        return false;
    for (size_t i = 0; i <= line->count; i++) {
        if (i < line->count && is_point(chart, line, i)) {
            points[count++] =
                (struct point){chart_place(x, line->x[i]), chart_place(y, line->y[i])};
            continue;
        }
        if (count == 1)
            drawing_dot(drawing, &line->pen, points[0].x, points[0].y, line->pen.width + 1, false);
        else
            drawing_line(drawing, &line->pen, points, count);
        count = 0;
    }
    free(points);
    return true;
}

static void draw_mark(struct drawing *drawing, const struct chart *chart,
                      const struct chart_line *line, const struct chart_scale *x,
                      const struct chart_scale *y) {
    if (line->marked < 0 || !is_point(chart, line, (size_t)line->marked))
        return;
    struct pen pen = line->pen;
    pen.dash = DASH_NONE;
    drawing_dot(drawing, &pen, chart_place(x, line->x[line->marked]),
                chart_place(y, line->y[line->marked]), DOT, true);
}

void chart_draw(struct drawing *drawing, const struct chart *chart, double left, double top,
                double width, double height) {
    struct chart_axis x_axis = chart->x, y_axis = chart->y;
    bool any = cover(chart, &x_axis, &y_axis);
    struct chart_scale x = {.from = left + GUTTER, .to = left + width};
    struct chart_scale y = {.from = top + height - FOOT, .to = top + TITLE_HEIGHT};
    x.ticks = choose_ticks(&x_axis, x.to - x.from, TICK_ROOM_X);
    y.ticks = choose_ticks(&y_axis, y.from - y.to, TICK_ROOM_Y);
    x.logarithmic = x_axis.scale == SCALE_LOG;
    y.logarithmic = y_axis.scale == SCALE_LOG;
    drawing_fitted(drawing, &title_words, left, top + 15, width, chart->title);
    if (!any) {
        drawing_words(drawing, &axis_words, left + width / 2, top + height / 2, chart->empty);
        return;
    }
    draw_axes(drawing, chart, &x, &y, left);
    if (chart->diagonal)
        drawing_segment(drawing, &guess, x.from, y.from, x.to, y.to);
    for (size_t i = 0; i < chart->line_count; i++)
        if (!draw_line(drawing, chart, &chart->lines[i], &x, &y))
            return;
    for (size_t i = 0; i < chart->line_count; i++)
        draw_mark(drawing, chart, &chart->lines[i], &x, &y);
}
