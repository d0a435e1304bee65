/* plot_confusion: what each class was called: caught or let through. */
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/plots.h"

#include <stdlib.h>

/* Pixels. */
enum { BLOCK = 364, BLOCK_GAP = 18, HEAD = 62, ROW = 54, NAME = 128, CELL = 114, BELOW = 34 };
/* Many classes have a line each. */
enum { LOW_FROM = 25, LOW_ROW = 20 };
enum { ACROSS = 3 };

static const struct words block_words = {.size = 15, .tint = TINT_INK, .bold = true};
static const struct words head_words = {.size = 12, .tint = TINT_FAINT, .anchor = ANCHOR_MIDDLE};
static const struct words name_words = {.size = 12, .tint = TINT_INK, .anchor = ANCHOR_END};
static const struct words share_words = {.size = 12, .tint = TINT_INK, .anchor = ANCHOR_MIDDLE};
static const struct words count_words = {
    .size = 16, .tint = TINT_INK, .bold = true, .anchor = ANCHOR_MIDDLE};

/* One row: pictures of a class, and how many of them were called real. */
struct row {
    const char *name;
    int label;
    double pictures, called_real;
    double height;
};

static void draw_cell(struct drawing *drawing, const struct row *row, int called, double left,
                      double top) {
    const double count = called == 1 ? row->called_real : row->pictures - row->called_real,
                 share = row->pictures > 0 ? count / row->pictures : 0;
    /* light enough for ink on it, and never so light that right and wrong look alike */
    const struct pen pen = {.tint = row->label == called ? TINT_FIRST : (enum tint)(TINT_FIRST + 1),
                            .opacity = 0.06 + 0.44 * share};
    char counted[32], shared[32], both[68];
    snprintf(counted, sizeof counted, "%.0f", count);
    if (row->pictures > 0)
        snprintf(shared, sizeof shared, "%.2f %%", 100 * share);
    else /* of none there is no share */
        snprintf(shared, sizeof shared, "n/a");
    snprintf(both, sizeof both, "%s · %s", counted, shared);
    if (row->height < ROW) {
        drawing_box(drawing, &pen, left, top, CELL - 3, row->height - 1);
        drawing_fitted(drawing, &share_words, left + CELL / 2.0, top + 14, CELL - 7, both);
        return;
    }
    drawing_box(drawing, &pen, left, top, CELL - 3, ROW - 3);
    drawing_words(drawing, &count_words, left + CELL / 2.0, top + 23, counted);
    drawing_words(drawing, &share_words, left + CELL / 2.0, top + 41, shared);
}

static void draw_row(struct drawing *drawing, const struct row *row, double left, double top) {
    const double line = row->height < ROW ? 14 : 30;
    drawing_fitted(drawing, &name_words, left + NAME - 10, top + line, NAME - 10, row->name);
    draw_cell(drawing, row, 0, left + NAME, top);
    draw_cell(drawing, row, 1, left + NAME + CELL, top);
}

/* The class of that index, or the label where an evaluation has no classes. False after the last.
 */
static bool row_at(const cJSON *evaluation, int index, struct row *row) {
    const cJSON *classes = field_at(evaluation, "classes");
    if (cJSON_GetArraySize(classes) > 0) {
        const cJSON *class = cJSON_GetArrayItem(classes, index);
        *row = (struct row){.height = cJSON_GetArraySize(classes) < LOW_FROM ? ROW : LOW_ROW,
                            .name = field_text(class, "name", "?"),
                            .label = (int)field_number(class, "label", 0),
                            .pictures = field_number(class, "pictures", 0)};
        double correct = field_number(class, "correct", 0);
        row->called_real = row->label == 1 ? correct : row->pictures - correct;
        return class != NULL;
    }
    double positive = field_number(evaluation, index == 1 ? "true_positive" : "false_positive", 0);
    double negative = field_number(evaluation, index == 1 ? "false_negative" : "true_negative", 0);
    *row = (struct row){.height = ROW,
                        .name = index == 1 ? "real" : "fake",
                        .label = index,
                        .pictures = positive + negative,
                        .called_real = positive};
    return index < 2;
}

/* Returns the height. */
static double draw_block(struct drawing *drawing, const cJSON *experiments,
                         const struct contender *contender, int checkpoint, enum split_name split,
                         double left, double top) {
    const cJSON *evaluation = contender->evaluations[checkpoint][split];
    char text[128], ratio[FORMAT_SIZE];
    struct text name = {0};
    struct row row;
    double y = top + HEAD;
    text_format(&name, "%.0f %s", field_number(contender->experiment, "id", 0),
                frame_short_name(frame_group(experiments), contender->experiment));
    drawing_fitted(drawing, &block_words, left, top + 14, BLOCK, text_string(&name));
    text_free(&name);
    snprintf(text, sizeof text, "%s (epoch %.0f), accuracy %s", checkpoint_names[checkpoint],
             field_number(evaluation, "epoch", 0), field_ratio(ratio, evaluation, "accuracy"));
    struct words words = head_words;
    words.anchor = ANCHOR_START;
    drawing_fitted(drawing, &words, left, top + 32, BLOCK, text);
    drawing_words(drawing, &head_words, left + NAME + CELL / 2.0, top + HEAD - 6, "called fake");
    drawing_words(drawing, &head_words, left + NAME + 1.5 * CELL, top + HEAD - 6, "called real");
    for (int i = 0; row_at(evaluation, i, &row); i++, y += row.height)
        draw_row(drawing, &row, left, y);
    return y - top;
}

static struct drawing *draw(const char *title, const cJSON *experiments,
                            const struct contender *contenders, size_t count,
                            const struct plot_source *source, size_t *drawn) {
    char subtitle[128];
    double top, tallest = 0;
    snprintf(subtitle, sizeof subtitle,
             "what the pictures of each class of the %s split were called; blue is right",
             split_names[source->split]);
    struct drawing *drawing = frame_new(title, subtitle, NULL, &top);
    *drawn = 0;
    for (size_t i = 0; drawing != NULL && i < count; i++) {
        int checkpoint = plot_source_checkpoint(source, &contenders[i]);
        if (checkpoint < 0)
            continue;
        if (*drawn > 0 && *drawn % ACROSS == 0) {
            top += tallest + BELOW;
            tallest = 0;
        }
        double left = FRAME_MARGIN + (double)(*drawn % ACROSS) * (BLOCK + BLOCK_GAP);
        double height =
            draw_block(drawing, experiments, &contenders[i], checkpoint, source->split, left, top);
        tallest = height > tallest ? height : tallest;
        *drawn += 1;
    }
    if (drawing != NULL)
        drawing_set_height(drawing, top + tallest + FRAME_MARGIN);
    return drawing;
}

struct drawing *plots_confusion(const char *title, const cJSON *experiments,
                                const struct plot_source *source, struct error *error) {
    size_t count, drawn = 0;
    struct drawing *drawing = NULL;
    struct contender *contenders = contenders_make(experiments, &count);
    bool good = contenders != NULL
                    ? plot_source_check(source, experiments, contenders, count, error)
                    : error_memory(error);
    if (good)
        drawing = draw(title, experiments, contenders, count, source, &drawn);
    free(contenders);
    if (!good || (drawing != NULL && drawn > 0))
        return drawing;
    if (drawing == NULL)
        error_memory(error);
    else
        error_set(error, ERROR_INPUT,
                  plot_goes_on(experiments)
                      ? "nothing is evaluated on %s yet: that comes at the end of an experiment"
                      : "nothing is evaluated on %s: that comes at the end of an experiment, which "
                        "none of these came to",
                  split_names[source->split]);
    drawing_free(drawing);
    return NULL;
}
