/* plot_roc: how well each checkpoint puts the real pictures above the fakes. */
#include "cli/chart.h"
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/plots.h"
#include "compare/score_list.h"
#include "core/roc.h"

#include <stdlib.h>

enum { SQUARE = 640 };

/* One experiment's curve; `rates` is false rates, then true ones. */
struct curve {
    double *rates;
    size_t count;
};

static bool roc_of(const struct score_list *list, struct roc *roc, struct error *error) {
    struct score *scores = calloc(list->count + 1, sizeof *scores);
    if (scores == NULL)
        return error_memory(error);
    for (size_t i = 0; i < list->count; i++)
        scores[i] = (struct score){.probability = list->items[i].probability,
                                   .label = list->items[i].label};
    bool good = roc_make(scores, list->count, roc, error);
    free(scores);
    return good;
}

static bool curve_make(const struct roc *roc, struct curve *curve, struct error *error) {
    curve->count = roc->count;
    curve->rates = calloc(2 * roc->count, sizeof *curve->rates);
    if (curve->rates == NULL)
        return error_memory(error);
    for (size_t i = 0; i < roc->count; i++) {
        curve->rates[i] = (double)roc->points[i].false_positive / (double)roc->negative;
        curve->rates[roc->count + i] = (double)roc->points[i].true_positive / (double)roc->positive;
    }
    return true;
}

/* Takes what a checkpoint said over into a curve and a line of the legend; one without scores, or
 * with pictures of one label only, gets neither. */
static bool add(const cJSON *experiments, const cJSON *experiment, const char *checkpoint,
                const struct score_list *list, struct curve *curve, struct legend *legend,
                struct error *error) {
    struct roc roc = {0};
    const struct pen pen = frame_pen(legend->count);
    double area;
    bool good = roc_of(list, &roc, error);
    if (good && roc_auc(&roc, &area))
        good =
            curve_make(&roc, curve, error) &&
            (legend_add(legend, &pen, "%.0f %s, %s: area %.4f", field_number(experiment, "id", 0),
                        frame_short_name(frame_group(experiments), experiment), checkpoint, area) ||
             error_memory(error));
    roc_free(&roc);
    return good;
}

static struct drawing *draw(const char *title, const struct curve *curves,
                            const struct legend *legend, enum split_name split) {
    struct chart_line lines[FRAME_LINES_MAX];
    char subtitle[128];
    double top;
    snprintf(subtitle, sizeof subtitle, "ROC curve on the %s split; dashed: what guessing gives",
             split_names[split]);
    struct drawing *drawing = frame_new(title, subtitle, legend, &top);
    for (size_t i = 0; i < legend->count; i++)
        lines[i] = (struct chart_line){.x = curves[i].rates,
                                       .y = curves[i].rates + curves[i].count,
                                       .count = curves[i].count,
                                       .pen = legend->entries[i].pen,
                                       .marked = -1};
    const struct chart chart = {
        .title = "",
        .x = {.label = "fakes called real (share)", .high = 1},
        .y = {.label = "real ones called real (share)", .high = 1},
        .lines = lines,
        .line_count = legend->count,
        .diagonal = true,
    };
    if (drawing == NULL)
        return NULL;
    chart_draw(drawing, &chart, (FRAME_WIDTH - SQUARE) / 2.0, top, SQUARE, SQUARE);
    drawing_set_height(drawing, top + SQUARE + FRAME_MARGIN);
    return drawing;
}

struct drawing *plots_roc(const char *title, struct client *client, const cJSON *experiments,
                          const struct plot_source *source, struct error *error) {
    struct curve curves[FRAME_LINES_MAX] = {0};
    struct legend legend = {0};
    struct drawing *drawing = NULL;
    struct source from = client_source(client);
    size_t count;
    struct contender *contenders = contenders_make(experiments, &count);
    bool good = contenders != NULL
                    ? plot_source_check(source, experiments, contenders, count, error)
                    : error_memory(error);
    for (size_t i = 0; good && i < count; i++) {
        struct score_list list;
        int checkpoint = plot_source_checkpoint(source, &contenders[i]);
        if (checkpoint < 0)
            continue;
        const char *name = checkpoint_names[checkpoint];
        long long id = (long long)field_number(contenders[i].experiment, "id", 0);
        good = score_list_fetch(&from, id, name, split_names[source->split], &list, error) &&
               add(experiments, contenders[i].experiment, name, &list, &curves[legend.count],
                   &legend, error);
        score_list_free(&list);
    }
    if (good && legend.count == 0)
        error_set(error, ERROR_INPUT,
                  "there are no scores of %s pictures of both labels: they come at the end of an "
                  "experiment whose %s split has both; the other one is --split %s",
                  split_names[source->split], split_names[source->split],
                  split_names[source->split == SPLIT_TEST ? SPLIT_VALID : SPLIT_TEST]);
    else if (good && (drawing = draw(title, curves, &legend, source->split)) == NULL)
        error_memory(error);
    for (size_t i = 0; i < FRAME_LINES_MAX; i++)
        free(curves[i].rates);
    legend_free(&legend);
    free(contenders);
    return drawing;
}
