#include "cli/drawing_marks.h"

#include "cli/lettering.h"
#include "core/array.h"

#include <cairo.h>
#include <stdlib.h>
#include <string.h>

const struct tint_colour tint_colours[TINT_COUNT] = {
    {"p-paper", 255, 255, 255}, {"p-ink", 28, 30, 36},     {"p-faint", 96, 100, 110},
    {"p-hair", 222, 224, 229},  {"p-0", 0x00, 0x72, 0xb2}, {"p-1", 0xd5, 0x5e, 0x00},
    {"p-2", 0x00, 0x9e, 0x73},  {"p-3", 0xcc, 0x79, 0xa7}, {"p-4", 0xe6, 0x9f, 0x00},
    {"p-5", 0x56, 0xb4, 0xe9},  {"p-6", 0x5a, 0x5a, 0x5a},
};

const double dash_lengths[DASH_COUNT][5] = {{0}, {8, 4}, {2, 3}, {8, 3, 2, 3}};

struct drawing *drawing_new(double width, double height) {
    struct drawing *drawing = calloc(1, sizeof *drawing);
    if (drawing != NULL) {
        drawing->width = width;
        drawing->height = height;
    }
    return drawing;
}

void drawing_free(struct drawing *drawing) {
    if (drawing == NULL)
        return;
    for (size_t i = 0; i < drawing->count; i++) {
        free(drawing->marks[i].points);
        free(drawing->marks[i].text);
    }
    free(drawing->marks);
    free(drawing);
}

void drawing_set_height(struct drawing *drawing, double height) {
    drawing->height = height;
}

static void add(struct drawing *drawing, const struct mark *mark) {
    struct mark *marks =
        array_room(drawing->marks, drawing->count + 1, &drawing->capacity, sizeof *marks);
    if (marks == NULL) {
        drawing->failed = true;
        free(mark->points);
        free(mark->text);
        return;
    }
    drawing->marks = marks;
    drawing->marks[drawing->count++] = *mark;
}

void drawing_line(struct drawing *drawing, const struct pen *pen, const struct point *points,
                  size_t count) {
    if (count == 0)
        return;
    struct mark mark = {.kind = MARK_LINE, .pen = *pen, .count = count};
    mark.points = malloc(count * sizeof *points);
    if (mark.points == NULL) {
        drawing->failed = true;
        return;
    }
    memcpy(mark.points, points, count * sizeof *points);
    add(drawing, &mark);
}

void drawing_segment(struct drawing *drawing, const struct pen *pen, double x1, double y1,
                     double x2, double y2) {
    const struct point points[] = {{x1, y1}, {x2, y2}};
    drawing_line(drawing, pen, points, 2);
}

void drawing_box(struct drawing *drawing, const struct pen *pen, double x, double y, double width,
                 double height) {
    add(drawing,
        &(struct mark){
            .kind = MARK_BOX, .pen = *pen, .x = x, .y = y, .width = width, .height = height});
}

void drawing_dot(struct drawing *drawing, const struct pen *pen, double x, double y, double radius,
                 bool hollow) {
    add(drawing,
        &(struct mark){
            .kind = MARK_DOT, .pen = *pen, .x = x, .y = y, .width = radius, .hollow = hollow});
}

void drawing_words(struct drawing *drawing, const struct words *words, double x, double y,
                   const char *text) {
    char *copy = strdup(text);
    if (copy == NULL)
        drawing->failed = true;
    else
        add(drawing,
            &(struct mark){.kind = MARK_WORDS, .words = *words, .x = x, .y = y, .text = copy});
}

/* --- how wide words are --- */

/* To measure by. */
static cairo_t *context_of(const struct words *words) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *cairo = cairo_create(surface);
    cairo_surface_destroy(surface);
    lettering_use(cairo, words->size, words->bold);
    return cairo;
}

double drawing_words_width(const struct words *words, const char *text) {
    cairo_t *cairo = context_of(words);
    double width = lettering_width(cairo, text);
    cairo_destroy(cairo);
    return width;
}

void drawing_fitted(struct drawing *drawing, const struct words *words, double x, double y,
                    double width, const char *text) {
    cairo_t *cairo = context_of(words);
    char *shown = lettering_fit(cairo, width, text);
    cairo_destroy(cairo);
    drawing_words(drawing, words, x, y, shown != NULL ? shown : "");
    drawing->failed = drawing->failed || shown == NULL;
    free(shown);
}
