#include "cli/sheet.h"

#include "cli/lettering.h"
#include "core/resize.h"
#include "core/text.h"

#include <cairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pixels. */
enum {
    MARGIN = 28,
    CELL = 128,
    GAP = 6,        /* between cells of one title */
    TITLE_GAP = 16, /* between titles */
    BLOCK_GAP = 40,
    ROW_GAP = 10,
    LABEL_WIDTH = 168,
    HEAD = 62, /* title and subtitle */
    BLOCK_HEIGHT = 30,
    COLUMN_HEAD = 88, /* a column's title and its detail */
    DETAIL_LINE = 14,
};

struct sheet {
    cairo_surface_t *surface;
    cairo_t *cairo;
    int *lefts; /* of each column */
    size_t column_count, row_count;
};

/* The few colours of the sheet. */
static const double ink[3] = {0.11, 0.12, 0.14}, faint[3] = {0.42, 0.44, 0.48},
                    hair[3] = {0.82, 0.83, 0.86}, forged[3] = {0.80, 0.33, 0.20},
                    real[3] = {0.18, 0.52, 0.44};

static void use(cairo_t *cairo, const double colour[3]) {
    cairo_set_source_rgb(cairo, colour[0], colour[1], colour[2]);
}

/* One line, its middle left out where it is too wide. After one text that is no UTF-8, as the name
 * of a file may be, cairo would draw nothing more at all. */
static void show(cairo_t *cairo, double x, double y, double width, const char *text) {
    char *line = strdup(text), *shown = NULL;
    if (line != NULL) {
        text_one_line(line);
        shown = lettering_fit(cairo, width, line);
    }
    if (shown != NULL)
        lettering_show(cairo, x, y, shown);
    free(shown);
    free(line);
}

/* Words in as many lines as they need, at most `lines`. */
static void show_wrapped(cairo_t *cairo, double x, double y, double width, int lines,
                         const char *text) {
    for (; *text != '\0' && lines > 0; lines--, y += DETAIL_LINE) {
        char line[128], longer[128];
        size_t taken = 0, end = strcspn(text, " ");
        do {
            snprintf(longer, sizeof longer, "%s", text);
            if (end < sizeof longer)
                longer[end] = '\0';
            if (taken > 0 && lettering_width(cairo, longer) > width)
                break;
            memcpy(line, longer, sizeof line);
            taken = end;
            end += strspn(text + end, " ");
            end += strcspn(text + end, " ");
        } while (end > taken);
        show(cairo, x, y, width, line);
        text += taken + strspn(text + taken, " ");
    }
}

/* An op's name, in a second line after an underscore if need be. Returns the height taken. */
static double show_title(cairo_t *cairo, double x, double y, double width, const char *title) {
    const double line = 16;
    char head[128];
    size_t kept = strlen(title);
    snprintf(head, sizeof head, "%s", title);
    while (kept > 0 && kept < sizeof head && lettering_width(cairo, head) > width) {
        do
            kept--;
        while (kept > 0 && title[kept - 1] != '_');
        head[kept] = '\0';
    }
    if (kept == 0 || kept == strlen(title)) {
        show(cairo, x, y, width, title);
        return line;
    }
    show(cairo, x, y, width, head);
    show(cairo, x, y + line, width, title + kept);
    return 2 * line;
}

static int row_top(size_t row) {
    return MARGIN + HEAD + BLOCK_HEIGHT + COLUMN_HEAD + (int)row * (CELL + ROW_GAP);
}

/* Where the columns stand; returns the sheet's width. */
static int place_columns(const struct sheet_column *columns, size_t count, int *lefts) {
    int x = MARGIN + LABEL_WIDTH;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            x += columns[i].block != NULL ? BLOCK_GAP : columns[i].title != NULL ? TITLE_GAP : GAP;
        lefts[i] = x;
        x += CELL;
    }
    return x + MARGIN;
}

/* The right edge of the columns from `first` on that share its title, or its block. */
static int right_edge(const struct sheet *sheet, const struct sheet_column *columns, size_t first,
                      bool block) {
    size_t last = first;
    while (last + 1 < sheet->column_count && columns[last + 1].block == NULL &&
           (block || columns[last + 1].title == NULL))
        last++;
    return sheet->lefts[last] + CELL;
}

static void draw_heads(struct sheet *sheet, const struct sheet_column *columns) {
    cairo_t *cairo = sheet->cairo;
    for (size_t i = 0; i < sheet->column_count; i++) {
        double x = sheet->lefts[i], y = MARGIN + HEAD;
        if (columns[i].block != NULL) {
            double right = right_edge(sheet, columns, i, true);
            use(cairo, faint);
            lettering_use(cairo, 13, true);
            show(cairo, x, y + 14, right - x, columns[i].block);
            use(cairo, hair);
            cairo_rectangle(cairo, x, y + 22, right - x, 1);
            cairo_fill(cairo);
        }
        if (columns[i].title == NULL)
            continue;
        double width = right_edge(sheet, columns, i, false) - x;
        use(cairo, ink);
        lettering_use(cairo, 13, true);
        y += BLOCK_HEIGHT + 16;
        y += show_title(cairo, x, y, width, columns[i].title);
        use(cairo, faint);
        lettering_use(cairo, 11, false);
        show_wrapped(cairo, x, y, width, 4, columns[i].detail);
    }
}

bool sheet_new(const char *title, const char *subtitle, const struct sheet_column *columns,
               size_t column_count, size_t row_count, struct sheet **sheet, struct error *error) {
    const size_t fits_columns = IMAGE_SIDE_MAX / (CELL + BLOCK_GAP) - 3,
                 fits_rows = IMAGE_SIDE_MAX / (CELL + ROW_GAP) - 3;
    if (column_count > fits_columns || row_count > fits_rows)
        return error_set(error, ERROR_INPUT,
                         "a sheet of %zu x %zu pictures is too large (at most %zu x %zu); ask for "
                         "fewer rows",
                         column_count, row_count, fits_columns, fits_rows);
    struct sheet *made = calloc(1, sizeof *made);
    int *lefts = calloc(column_count + 1, sizeof *lefts);
    if (made == NULL || lefts == NULL) {
        free(made);
        free(lefts);
        return error_memory(error);
    }
    made->lefts = lefts;
    made->column_count = column_count;
    made->row_count = row_count;
    int width = place_columns(columns, column_count, lefts);
    int height = row_top(row_count) - ROW_GAP + MARGIN;
    made->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    made->cairo = cairo_create(made->surface);
    if (cairo_status(made->cairo) != CAIRO_STATUS_SUCCESS) {
        error_set(error, ERROR_FAILED, "cannot draw a sheet of %d x %d pixels: %s", width, height,
                  cairo_status_to_string(cairo_status(made->cairo)));
        sheet_free(made);
        return false;
    }
    cairo_set_source_rgb(made->cairo, 1, 1, 1);
    cairo_paint(made->cairo);
    use(made->cairo, ink);
    lettering_use(made->cairo, 22, true);
    show(made->cairo, MARGIN, MARGIN + 18, width - 2 * MARGIN, title);
    use(made->cairo, faint);
    lettering_use(made->cairo, 12, false);
    show(made->cairo, MARGIN, MARGIN + 38, width - 2 * MARGIN, subtitle);
    draw_heads(made, columns);
    *sheet = made;
    return true;
}

void sheet_free(struct sheet *sheet) {
    if (sheet == NULL)
        return;
    cairo_destroy(sheet->cairo);
    cairo_surface_destroy(sheet->surface);
    free(sheet->lefts);
    free(sheet);
}

void sheet_label(struct sheet *sheet, size_t row, const char *name, const char *detail, int label) {
    double y = row_top(row), width = LABEL_WIDTH - 24;
    use(sheet->cairo, label == 1 ? real : forged);
    cairo_rectangle(sheet->cairo, MARGIN, y, 4, CELL);
    cairo_fill(sheet->cairo);
    use(sheet->cairo, ink);
    lettering_use(sheet->cairo, 13, true);
    show(sheet->cairo, MARGIN + 14, y + 14, width, name);
    use(sheet->cairo, faint);
    lettering_use(sheet->cairo, 11, false);
    show(sheet->cairo, MARGIN + 14, y + 32, width, detail);
}

/* The largest size of the picture's shape that fits a cell. */
static void fit(const struct image *image, int *width, int *height) {
    int64_t longer = image->width > image->height ? image->width : image->height;
    *width = (int)(((int64_t)image->width * CELL + longer / 2) / longer);
    *height = (int)(((int64_t)image->height * CELL + longer / 2) / longer);
    *width = *width < 1 ? 1 : *width;
    *height = *height < 1 ? 1 : *height;
}

bool sheet_put(struct sheet *sheet, size_t row, size_t column, const struct image *image,
               struct error *error) {
    struct image small;
    int width, height;
    fit(image, &width, &height);
    if (!resize_bilinear(image, width, height, &small, error))
        return false;
    cairo_surface_flush(sheet->surface);
    unsigned char *pixels = cairo_image_surface_get_data(sheet->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(sheet->surface);
    size_t left = (size_t)sheet->lefts[column] + (size_t)(CELL - width) / 2;
    size_t top = (size_t)row_top(row) + (size_t)(CELL - height) / 2;
    const uint8_t *from = small.pixels;
    for (size_t y = 0; y < (size_t)height; y++)
        for (size_t x = 0; x < (size_t)width; x++, from += 3) {
            uint32_t pixel = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
            memcpy(pixels + (top + y) * stride + 4 * (left + x), &pixel, sizeof pixel);
        }
    cairo_surface_mark_dirty(sheet->surface);
    image_free(&small);
    return true;
}

bool sheet_write(struct sheet *sheet, const char *path, struct error *error) {
    struct image image;
    cairo_surface_flush(sheet->surface);
    if (!image_new(&image, cairo_image_surface_get_width(sheet->surface),
                   cairo_image_surface_get_height(sheet->surface), error))
        return false;
    const unsigned char *pixels = cairo_image_surface_get_data(sheet->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(sheet->surface);
    uint8_t *to = image.pixels;
    for (size_t y = 0; y < (size_t)image.height; y++)
        for (size_t x = 0; x < (size_t)image.width; x++, to += 3) {
            uint32_t pixel;
            memcpy(&pixel, pixels + y * stride + 4 * x, sizeof pixel);
            to[0] = (uint8_t)(pixel >> 16);
            to[1] = (uint8_t)(pixel >> 8);
            to[2] = (uint8_t)pixel;
        }
    bool done = png_write(path, &image, error);
    image_free(&image);
    return done;
}
