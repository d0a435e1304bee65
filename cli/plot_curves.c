/* plot_curves: loss, accuracy and learning rate by epoch. */
#include "cli/chart.h"
#include "cli/client.h"
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/plots.h"

#include <math.h>
#include <stdlib.h>

enum value { TRAIN_LOSS, VALID_LOSS, TRAIN_ACCURACY, VALID_ACCURACY, LEARNING_RATE, VALUE_COUNT };
static const char *const paths[VALUE_COUNT] = {"train.loss", "valid.loss", "train.accuracy",
                                               "valid.accuracy", "learning_rate"};

/* One experiment's history. */
struct curve {
    double *epochs, *values[VALUE_COUNT]; /* one block of memory, at `epochs` */
    size_t count;
    long best; /* the index of the best epoch, or -1 */
};

static const struct panel {
    unsigned what;
    const char *title, *y_label;
    int train, valid; /* values; -1: none */
    enum scale scale;
} panels[] = {
    {PLOT_LOSS, "Loss", "cross-entropy (nats)", TRAIN_LOSS, VALID_LOSS, SCALE_LINEAR},
    {PLOT_ACCURACY, "Accuracy", "share of pictures", TRAIN_ACCURACY, VALID_ACCURACY, SCALE_LINEAR},
    {PLOT_LEARNING_RATE, "Learning rate", "learning rate (logarithmic)", -1, LEARNING_RATE,
     SCALE_LOG},
};
/* Of the loss, once the largest is so many times the smallest: one experiment that diverged, or a
 * long one, would press all else flat. Not where a best loss is 0: its ring would have no place. */
static const char *const y_label_log = "cross-entropy (nats, logarithmic)";
enum { LOSS_LOG_FROM = 20 };

enum { PANEL_COUNT = sizeof panels / sizeof panels[0], PANEL_GAP = 36 };

static bool curve_make(const cJSON *experiment, struct curve *curve) {
    const cJSON *history = field_at(experiment, "history"), *report;
    size_t room = (size_t)cJSON_GetArraySize(history);
    *curve = (struct curve){.best = -1};
    client_tell_cut(experiment);
    curve->epochs = calloc(room + 1, (VALUE_COUNT + 1) * sizeof *curve->epochs);
    if (curve->epochs == NULL)
        return false;
    for (size_t i = 0; i < VALUE_COUNT; i++)
        curve->values[i] = curve->epochs + (i + 1) * room;
    cJSON_ArrayForEach(report, history) {
        size_t at = curve->count++;
        curve->epochs[at] = field_number(report, "epoch", NAN);
        for (size_t i = 0; i < VALUE_COUNT; i++)
            curve->values[i][at] = field_number(report, paths[i], NAN);
        if (cJSON_IsTrue(field_at(report, "best")))
            curve->best = (long)at;
    }
    return true;
}

static struct chart_line line_of(const struct curve *curve, int value, size_t index, bool faint) {
    struct chart_line line = {.x = curve->epochs,
                              .y = curve->values[value],
                              .count = curve->count,
                              .pen = frame_pen(index),
                              .marked = faint ? -1 : curve->best};
    if (faint) {
        line.pen.width = 1.2;
        line.pen.opacity = 0.55;
    }
    return line;
}

static bool wants_log(const struct chart_line *lines, size_t count) {
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < lines[i].count; j++) {
            double y = lines[i].y[j];
            if (y <= 0 && lines[i].marked == (long)j)
                return false;
            if (!isfinite(y) || y <= 0)
                continue;
            least = fmin(least, y);
            most = fmax(most, y);
        }
    return most >= LOSS_LOG_FROM * least;
}

static bool draw_panel(struct drawing *drawing, const struct panel *panel,
                       const struct curve *curves, size_t count, double left, double top,
                       double width, double height) {
    struct chart_line *lines = calloc(2 * count + 1, sizeof *lines);
    size_t line_count = 0;
    if (lines == NULL)
        return false;
    for (size_t i = 0; i < count && panel->train >= 0; i++)
        lines[line_count++] = line_of(&curves[i], panel->train, i, true);
    for (size_t i = 0; i < count; i++)
        lines[line_count++] = line_of(&curves[i], panel->valid, i, false);
    bool loss_log = panel->what == PLOT_LOSS && wants_log(lines, line_count);
    const struct chart chart = {
        .title = panel->title,
        .x = {.label = "epoch", .scale = SCALE_WHOLE, .low = 1},
        .y = {.label = loss_log ? y_label_log : panel->y_label,
              .scale = loss_log ? SCALE_LOG : panel->scale,
              .low = 1},
        .lines = lines,
        .line_count = line_count,
        .empty = "no value that can be drawn",
    };
    chart_draw(drawing, &chart, left, top, width, height);
    free(lines);
    return true;
}

/* The first panel over the whole width; two more below it side by side. */
static bool draw_panels(struct drawing *drawing, unsigned what, const struct curve *curves,
                        size_t count, double top) {
    const double half = (FRAME_INNER - PANEL_GAP) / 2.0;
    size_t drawn = 0;
    bool good = true;
    for (size_t i = 0; i < PANEL_COUNT && good; i++) {
        if ((what & panels[i].what) == 0)
            continue;
        double height = drawn == 0 ? 440 : 320;
        double left = FRAME_MARGIN + (drawn == 2 ? half + PANEL_GAP : 0);
        good = draw_panel(drawing, &panels[i], curves, count, left,
                          drawn == 0 ? top : top + 440 + PANEL_GAP, drawn == 0 ? FRAME_INNER : half,
                          height);
        drawn++;
    }
    drawing_set_height(drawing, top + 440 + (drawn > 1 ? PANEL_GAP + 320 : 0) + FRAME_MARGIN);
    return good;
}

static bool add_legend(const cJSON *experiments, const cJSON *experiment, const struct curve *curve,
                       struct legend *legend) {
    const struct pen pen = frame_pen(legend->count);
    const char *name = frame_short_name(frame_group(experiments), experiment);
    double id = field_number(experiment, "id", 0);
    if (curve->count == 0)
        return legend_add(legend, &pen, "%.0f %s (no epochs)", id, name);
    if (curve->best < 0)
        return legend_add(legend, &pen, "%.0f %s", id, name);
    return legend_add(legend, &pen, "%.0f %s (best: epoch %.0f)", id, name,
                      curve->epochs[curve->best]);
}

static struct drawing *draw(const char *title, unsigned what, const struct curve *curves,
                            const struct legend *legend) {
    double top;
    struct drawing *drawing =
        frame_new(title,
                  what == PLOT_LEARNING_RATE
                      ? "by epoch; the ring marks the lowest validation loss"
                      : "by epoch: validation strong, training faint; the ring marks the lowest "
                        "validation loss",
                  legend, &top);
    if (drawing != NULL && draw_panels(drawing, what, curves, legend->count, top))
        return drawing;
    drawing_free(drawing);
    return NULL;
}

struct drawing *plots_curves(const char *title, const cJSON *experiments, unsigned what,
                             struct error *error) {
    struct curve curves[FRAME_LINES_MAX] = {0};
    struct legend legend = {0};
    struct drawing *drawing = NULL;
    const cJSON *experiment;
    size_t epochs = 0;
    bool good = true;
    if (!frame_check(experiments, (size_t)cJSON_GetArraySize(experiments), error))
        return NULL;
    cJSON_ArrayForEach(experiment, experiments) {
        struct curve *curve = &curves[legend.count];
        good = good && curve_make(experiment, curve) &&
               add_legend(experiments, experiment, curve, &legend);
        epochs += good ? curve->count : 0;
    }
    if (good && epochs == 0)
        error_set(
            error, ERROR_INPUT,
            plot_goes_on(experiments)
                ? "no epochs yet: there is nothing to plot; assay watch shows how far they are"
                : "no epochs: there is nothing to plot, and none of these goes on");
    else if (!good || (drawing = draw(title, what, curves, &legend)) == NULL)
        error_memory(error);
    for (size_t i = 0; i < FRAME_LINES_MAX; i++)
        free(curves[i].epochs);
    legend_free(&legend);
    return drawing;
}
