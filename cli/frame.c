#include "cli/frame.h"

#include "cli/field.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pixels. */
enum { SAMPLE = 30, SAMPLE_GAP = 8, COLUMN_GAP = 28, ROW = 20, DOT = 6 };

static const struct words title_words = {.size = 22, .tint = TINT_INK, .bold = true};
static const struct words subtitle_words = {.size = 13, .tint = TINT_FAINT};
static const struct words legend_words = {.size = 13, .tint = TINT_INK};

struct pen frame_pen(size_t index) {
    assert(index < FRAME_LINES_MAX);
    return (struct pen){.tint = (enum tint)(TINT_FIRST + index % TINT_SERIES),
                        .width = 2.2,
                        .opacity = 1,
                        .dash = (enum dash)(index / TINT_SERIES)};
}

bool legend_add(struct legend *legend, const struct pen *pen, const char *format, ...) {
    struct legend_entry *entry = &legend->entries[legend->count];
    va_list arguments;
    assert(legend->count < FRAME_LINES_MAX);
    va_start(arguments, format);
    bool good = vasprintf(&entry->text, format, arguments) >= 0;
    va_end(arguments);
    entry->pen = *pen;
    legend->count += good;
    return good;
}

void legend_free(struct legend *legend) {
    for (size_t i = 0; i < legend->count; i++)
        free(legend->entries[i].text);
    legend->count = 0;
}

static double sample_width(const struct legend *legend) {
    return legend->entries[0].sample == SAMPLE_LINE ? SAMPLE : 2 * DOT;
}

static void draw_sample(struct drawing *drawing, const struct legend_entry *entry, double x,
                        double y) {
    if (entry->sample == SAMPLE_LINE)
        drawing_segment(drawing, &entry->pen, x, y, x + SAMPLE, y);
    else
        drawing_dot(drawing, &entry->pen, x + DOT, y, DOT, entry->sample == SAMPLE_RING);
}

/* In columns as wide as the widest entry, as many as there is room for. Returns the height. */
static double draw_legend(struct drawing *drawing, const struct legend *legend, double top) {
    double widest = 0;
    for (size_t i = 0; i < legend->count; i++)
        widest = fmax(widest, drawing_words_width(&legend_words, legend->entries[i].text));
    const double extra = sample_width(legend) + SAMPLE_GAP;
    /* long names are cut rather than stand one below the other */
    double most =
        legend->count > 1 ? (FRAME_INNER - COLUMN_GAP) / 2.0 - extra : FRAME_INNER - extra;
    widest = fmin(ceil(widest), floor(most));
    size_t columns = (size_t)((FRAME_INNER + COLUMN_GAP) / (widest + extra + COLUMN_GAP));
    size_t rows = (legend->count + columns - 1) / columns;
    for (size_t i = 0; i < legend->count; i++) {
        size_t column = i / rows, row = i % rows;
        double x = FRAME_MARGIN + (double)column * (widest + extra + COLUMN_GAP);
        double y = top + (double)row * ROW;
        draw_sample(drawing, &legend->entries[i], x, y + 10);
        drawing_fitted(drawing, &legend_words, x + extra, y + 14, widest, legend->entries[i].text);
    }
    return (double)rows * ROW;
}

struct drawing *frame_new(const char *title, const char *subtitle, const struct legend *legend,
                          double *top) {
    struct drawing *drawing = drawing_new(FRAME_WIDTH, 0);
    if (drawing == NULL)
        return NULL;
    *top = 0;
    if (title != NULL) {
        drawing_fitted(drawing, &title_words, FRAME_MARGIN, FRAME_MARGIN + 16, FRAME_INNER, title);
        *top = FRAME_MARGIN + 22;
    }
    drawing_fitted(drawing, &subtitle_words, FRAME_MARGIN, *top + 16, FRAME_INNER, subtitle);
    *top += 30;
    if (legend != NULL && legend->count > 0)
        *top += draw_legend(drawing, legend, *top);
    *top += 18;
    return drawing;
}

bool frame_check(const cJSON *experiments, size_t drawn, struct error *error) {
    if (cJSON_GetArraySize(experiments) == 0)
        return error_set(error, ERROR_INPUT, "no experiments; assay submit FILE queues some");
    return drawn <= FRAME_LINES_MAX ||
           error_set(error, ERROR_INPUT,
                     "%zu experiments are more than one picture can tell apart (at most %d); name "
                     "fewer",
                     drawn, FRAME_LINES_MAX);
}

const char *frame_group(const cJSON *experiments) {
    const cJSON *experiment;
    const char *group = field_text(experiments->child, "group", "");
    cJSON_ArrayForEach(experiment, experiments) {
        if (strcmp(field_text(experiment, "group", ""), group) != 0)
            return NULL;
    }
    return group;
}

const char *frame_short_name(const char *group, const cJSON *experiment) {
    const char *name = field_text(experiment, "name", "?");
    if (group == NULL)
        return name;
    size_t length = strlen(group);
    return strncmp(name, group, length) == 0 && name[length] == '/' ? name + length + 1 : name;
}

char *frame_subject(const cJSON *experiments) {
    char *subject = NULL;
    int count = cJSON_GetArraySize(experiments), written;
    const char *group = count > 1 ? frame_group(experiments) : NULL;
    if (count == 1)
        written = asprintf(&subject, "%.0f %s", field_number(experiments->child, "id", 0),
                           field_text(experiments->child, "name", "?"));
    else if (group != NULL)
        written = asprintf(&subject, "%s", group);
    else
        written = asprintf(&subject, "%d experiments", count);
    return written >= 0 ? subject : NULL;
}
