/* drawing_png: a drawing as pixels. */
#include "cli/drawing_marks.h"

#include "cli/lettering.h"
#include "core/atomic_file.h"

#include <cairo.h>
#include <math.h>

static void use(cairo_t *cairo, enum tint tint, double opacity) {
    const struct tint_colour *colour = &tint_colours[tint];
    cairo_set_source_rgba(cairo, colour->red / 255.0, colour->green / 255.0, colour->blue / 255.0,
                          opacity);
}

static void stroke(cairo_t *cairo, const struct pen *pen) {
    const double *lengths = dash_lengths[pen->dash];
    int count = 0;
    while (lengths[count] > 0)
        count++;
    cairo_set_dash(cairo, lengths, count, 0);
    cairo_set_line_width(cairo, pen->width);
    use(cairo, pen->tint, pen->opacity);
    cairo_stroke(cairo);
}

static void draw_line(cairo_t *cairo, const struct mark *mark) {
    for (size_t i = 0; i < mark->count; i++)
        cairo_line_to(cairo, mark->points[i].x, mark->points[i].y);
    stroke(cairo, &mark->pen);
}

static void draw_dot(cairo_t *cairo, const struct mark *mark) {
    cairo_arc(cairo, mark->x, mark->y, mark->width, 0, 2 * M_PI);
    use(cairo, mark->hollow ? TINT_PAPER : mark->pen.tint, mark->pen.opacity);
    if (mark->hollow) {
        cairo_fill_preserve(cairo);
        stroke(cairo, &mark->pen);
    } else
        cairo_fill(cairo);
}

static void draw_words(cairo_t *cairo, const struct mark *mark) {
    const struct words *words = &mark->words;
    double width = drawing_words_width(words, mark->text);
    cairo_save(cairo);
    lettering_use(cairo, words->size, words->bold);
    use(cairo, words->tint, 1);
    cairo_translate(cairo, mark->x, mark->y);
    if (words->turned)
        cairo_rotate(cairo, -M_PI / 2);
    lettering_show(cairo, -width * words->anchor / 2, 0, mark->text);
    cairo_restore(cairo);
}

static void draw(cairo_t *cairo, const struct mark *mark) {
    cairo_new_path(cairo);
    switch (mark->kind) {
    case MARK_LINE: draw_line(cairo, mark); break;
    case MARK_BOX:
        use(cairo, mark->pen.tint, mark->pen.opacity);
        cairo_rectangle(cairo, mark->x, mark->y, mark->width, mark->height);
        cairo_fill(cairo);
        break;
    case MARK_DOT: draw_dot(cairo, mark); break;
    case MARK_WORDS: draw_words(cairo, mark); break;
    }
}

struct sink {
    struct atomic_file file;
    struct error *error;
};

static cairo_status_t take(void *closure, const unsigned char *data, unsigned int length) {
    struct sink *sink = closure;
    return atomic_file_write(&sink->file, data, length, sink->error) ? CAIRO_STATUS_SUCCESS
                                                                     : CAIRO_STATUS_WRITE_ERROR;
}

static bool write_surface(cairo_surface_t *surface, const char *path, struct error *error) {
    struct sink sink = {.error = error};
    if (!atomic_file_begin(path, &sink.file, error))
        return false;
    cairo_status_t status = cairo_surface_write_to_png_stream(surface, take, &sink);
    if (status == CAIRO_STATUS_SUCCESS)
        return atomic_file_commit(&sink.file, error);
    atomic_file_abandon(&sink.file);
    return status == CAIRO_STATUS_WRITE_ERROR
               ? error_context(error, "the picture")
               : error_set(error, ERROR_FAILED, "cannot write %s: %s", path,
                           cairo_status_to_string(status));
}

enum { SIDE_MAX = 32767 }; /* cairo's */

bool drawing_png_write(const struct drawing *drawing, const char *path, struct error *error) {
    if (drawing->width > SIDE_MAX || drawing->height > SIDE_MAX)
        return error_set(error, ERROR_INPUT,
                         "%.0f x %.0f pixels are too many for a PNG (%d a side); let the file's "
                         "name end in .svg, or name fewer experiments",
                         drawing->width, drawing->height, SIDE_MAX);
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)lround(drawing->width), (int)lround(drawing->height));
    cairo_t *cairo = cairo_create(surface);
    use(cairo, TINT_PAPER, 1);
    cairo_paint(cairo);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < drawing->count; i++)
        draw(cairo, &drawing->marks[i]);
    cairo_status_t status = cairo_status(cairo);
    bool good = status == CAIRO_STATUS_SUCCESS
                    ? write_surface(surface, path, error)
                    : error_set(error, ERROR_FAILED, "cannot draw %.0f x %.0f pixels: %s",
                                drawing->width, drawing->height, cairo_status_to_string(status));
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return good;
}
