#include "cli/dashboard_curves.h"

#include "cli/braille.h"
#include "cli/field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AXIS_COLUMNS = 8, GAP = 2 };

struct series {
    double *train, *valid;
    size_t count;
    double least, most;
};

/* One metric over the epochs of a history; false without memory. */
static bool series_of(const cJSON *history, const char *metric, struct series *series) {
    size_t count = (size_t)cJSON_GetArraySize(history), i = 0;
    char train[32], valid[32];
    const cJSON *epoch;
    snprintf(train, sizeof train, "train.%s", metric);
    snprintf(valid, sizeof valid, "valid.%s", metric);
    *series = (struct series){calloc(count + 1, sizeof(double)), calloc(count + 1, sizeof(double)),
                              count, INFINITY, -INFINITY};
    if (series->train == NULL || series->valid == NULL)
        return false;
    cJSON_ArrayForEach(epoch, history) {
        series->train[i] = field_number(epoch, train, NAN);
        series->valid[i] = field_number(epoch, valid, NAN);
        series->least = fmin(series->least, fmin(series->train[i], series->valid[i]));
        series->most = fmax(series->most, fmax(series->train[i], series->valid[i]));
        i++;
    }
    return true;
}

struct area {
    size_t row, column, rows, columns;
};

static void draw_braille(struct page *page, const struct area *area, const struct braille *plot) {
    static const enum style styles[] = {STYLE_PLAIN, STYLE_BUSY, STYLE_GOOD};
    for (size_t row = 0; row < plot->rows; row++)
        for (size_t column = 0; column < plot->columns; column++) {
            char cell[BRAILLE_CELL];
            uint8_t curve = plot->curves[row * plot->columns + column];
            braille_cell(plot, column, row, cell);
            if (curve > 0)
                page_text(page, area->row + row, area->column + column, 1, styles[curve], cell);
        }
}

/* A number beside the axis, as exactly as there is room for: cut it would be another. */
static void draw_bound(struct page *page, size_t row, size_t column, double value) {
    char text[FORMAT_SIZE];
    int decimals = 4;
    while (decimals >= 0 && snprintf(text, sizeof text, "%.*f", decimals, value) >= AXIS_COLUMNS)
        decimals--;
    if (decimals < 0 && snprintf(text, sizeof text, "%.1e", value) >= AXIS_COLUMNS)
        snprintf(text, sizeof text, "%.0e", value);
    page_text(page, row, column, AXIS_COLUMNS - 1, STYLE_DIM, text);
}

/* Title and legend, the plot beside its axis, the epochs below it with the best one marked. */
static void draw_curves(struct page *page, const struct area *area, const cJSON *detail,
                        const char *metric) {
    char text[FORMAT_SIZE];
    struct series series = {0};
    struct braille plot = {0};
    struct area inner = {area->row + 1, area->column + AXIS_COLUMNS, area->rows - 2,
                         area->columns - AXIS_COLUMNS};
    const cJSON *history = field_at(detail, "history");
    size_t epochs = (size_t)field_number(detail, "epochs", 0);
    size_t column = page_text(page, area->row, inner.column, inner.columns, STYLE_BOLD, metric);
    column = page_text(page, area->row, column + GAP, 7, STYLE_BUSY, "─ train");
    page_text(page, area->row, column + GAP, 7, STYLE_GOOD, "─ valid");
    if (!series_of(history, metric, &series) || series.count == 0 || series.most < series.least) {
        page_text(page, inner.row, inner.column, inner.columns, STYLE_DIM,
                  series.count == 0 ? "no epoch yet" : "n/a in every epoch");
        goto out;
    }
    if (!braille_new(&plot, inner.columns, inner.rows))
        goto out;
    epochs = epochs < series.count ? series.count : epochs;
    braille_curve(&plot, series.train, series.count, epochs, series.least, series.most, 1);
    braille_curve(&plot, series.valid, series.count, epochs, series.least, series.most, 2);
    draw_braille(page, &inner, &plot);
    draw_bound(page, inner.row, area->column, series.most);
    draw_bound(page, inner.row + inner.rows - 1, area->column, series.least);
    size_t best = (size_t)field_number(detail, "best.epoch", 0), bottom = inner.row + inner.rows;
    snprintf(text, sizeof text, "%zu", epochs);
    page_text(page, bottom, inner.column, 1, STYLE_DIM, "1");
    page_text(page, bottom, inner.column + inner.columns - strlen(text), strlen(text), STYLE_DIM,
              text);
    if (best > 0) {
        snprintf(text, sizeof text, "▲ best %zu", best);
        size_t at = braille_column(&plot, best - 1, epochs), width = screen_columns(text);
        bool left = at + width > inner.columns; /* the words stand before the mark */
        if (left)
            snprintf(text, sizeof text, "best %zu ▲", best);
        page_text(page, bottom, inner.column + (left ? at + 1 - width : at), width, STYLE_BOLD,
                  text);
    }
out:
    free(series.train);
    free(series.valid);
    braille_free(&plot);
}

void dashboard_curves_draw(struct page *page, size_t row, size_t rows, const cJSON *detail) {
    bool both = page->columns >= 70;
    size_t columns = both ? (page->columns - GAP) / 2 : page->columns;
    if (rows < DASHBOARD_CURVES_LEAST_ROWS || columns <= AXIS_COLUMNS + 10)
        return;
    draw_curves(page, &(struct area){row, 0, rows, columns}, detail, "loss");
    if (both)
        draw_curves(page, &(struct area){row, columns + GAP, rows, columns}, detail, "accuracy");
}
