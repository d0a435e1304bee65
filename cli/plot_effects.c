/* plot_effects: what each value of a matrix does on average over all others. */
#include "cli/chart.h"
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/plots.h"
#include "compare/effects.h"

#include <math.h>
#include <stdlib.h>

/* Pixels. */
enum { NAME = 330, ROW = 34, KEY = 40, FOOT = 48, DOT = 6, TICKS = 9 };

static const struct words key_words = {.size = 14, .tint = TINT_INK, .bold = true};
static const struct words value_words = {.size = 13, .tint = TINT_INK, .anchor = ANCHOR_END};
static const struct words axis_words = {.size = 12, .tint = TINT_FAINT, .anchor = ANCHOR_MIDDLE};
static const struct pen grid = {.tint = TINT_HAIR, .width = 1, .opacity = 1};

/* Every mean with its deviation has to be on the axis. */
static void cover(const cJSON *effect, double *low, double *high) {
    for (size_t i = 0; i < SPLIT_COUNT; i++) {
        const cJSON *split = field_at(effect, split_names[i]);
        if (split == NULL)
            continue;
        double mean = field_number(split, "mean", 0);
        double deviation = field_number(split, "standard_deviation", 0);
        *low = fmin(*low, mean - deviation);
        *high = fmax(*high, mean + deviation);
    }
}

static void draw_split(struct drawing *drawing, const cJSON *split, size_t which, double y,
                       const struct chart_scale *scale) {
    struct pen pen = frame_pen(which);
    if (split == NULL)
        return;
    double mean = field_number(split, "mean", 0);
    double deviation = field_number(split, "standard_deviation", 0);
    if (deviation > 0)
        drawing_segment(drawing, &pen, chart_place(scale, mean - deviation), y,
                        chart_place(scale, mean + deviation), y);
    drawing_dot(drawing, &pen, chart_place(scale, mean), y, DOT, which == SPLIT_TEST);
}

/* Returns where it ends. */
static double draw_key(struct drawing *drawing, const cJSON *levels, double y,
                       const struct chart_scale *scale) {
    const cJSON *effect;
    drawing_fitted(drawing, &key_words, FRAME_MARGIN, y + 26, NAME, levels->string);
    y += KEY;
    cJSON_ArrayForEach(effect, levels) {
        char count[64];
        drawing_fitted(drawing, &value_words, FRAME_MARGIN + NAME - 66, y + 5, NAME - 82,
                       effect->string);
        struct words words = axis_words;
        words.anchor = ANCHOR_END;
        snprintf(count, sizeof count, "n = %.0f", field_number(effect, "experiments", 0));
        drawing_words(drawing, &words, FRAME_MARGIN + NAME - 8, y + 5, count);
        draw_split(drawing, field_at(effect, "valid"), SPLIT_VALID, y - 6, scale);
        draw_split(drawing, field_at(effect, "test"), SPLIT_TEST, y + 8, scale);
        y += ROW;
    }
    return y;
}

static void draw(struct drawing *drawing, const cJSON *effects, double top) {
    struct chart_scale scale = {.from = FRAME_MARGIN + NAME + 20,
                                .to = FRAME_WIDTH - FRAME_MARGIN - 20};
    const cJSON *levels, *effect;
    double low = INFINITY, high = -INFINITY, bottom = top + 10;
    cJSON_ArrayForEach(levels, effects) {
        bottom += KEY + ROW * cJSON_GetArraySize(levels);
        cJSON_ArrayForEach(effect, levels) cover(effect, &low, &high);
    }
    scale.ticks = ticks_around(low, high, TICKS);
    for (size_t i = 0; i < scale.ticks.count; i++) {
        char label[TICKS_LABEL];
        double x = chart_place(&scale, scale.ticks.values[i]);
        drawing_segment(drawing, &grid, x, top + 10, x, bottom);
        drawing_words(drawing, &axis_words, x, bottom + 18, ticks_label(&scale.ticks, i, label));
    }
    drawing_words(drawing, &axis_words, (scale.from + scale.to) / 2, bottom + 38,
                  "accuracy (share of pictures)");
    double y = top + 10;
    cJSON_ArrayForEach(levels, effects) y = draw_key(drawing, levels, y, &scale);
    drawing_set_height(drawing, bottom + FOOT + FRAME_MARGIN);
}

static struct drawing *make(const char *title, const cJSON *effects) {
    struct legend legend = {0};
    const struct pen valid = frame_pen(SPLIT_VALID), test = frame_pen(SPLIT_TEST);
    double top;
    struct drawing *drawing = NULL;
    if (legend_add(&legend, &valid, "valid") && legend_add(&legend, &test, "test")) {
        legend.entries[0].sample = SAMPLE_DOT;
        legend.entries[1].sample = SAMPLE_RING;
        drawing = frame_new(title,
                            "what each value does on average over all others: mean accuracy of the "
                            "checkpoints to keep ± standard deviation",
                            &legend, &top);
    }
    if (drawing != NULL)
        draw(drawing, effects, top);
    legend_free(&legend);
    return drawing;
}

struct drawing *plots_effects(const char *title, const cJSON *experiments, struct error *error) {
    size_t count;
    struct drawing *drawing = NULL;
    struct contender *contenders = contenders_make(experiments, &count);
    cJSON *effects = contenders != NULL ? effects_of(contenders, count) : NULL;
    if (effects != NULL && effects->child == NULL)
        error_set(error, ERROR_INPUT,
                  "no key of a matrix has two values among what is evaluated, so that there are no "
                  "effects to plot");
    else if (effects == NULL || (drawing = make(title, effects)) == NULL)
        error_memory(error);
    cJSON_Delete(effects);
    free(contenders);
    return drawing;
}
