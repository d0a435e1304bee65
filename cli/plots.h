/* plots: pictures of experiments, as `assay plot` writes them and a report shows them.
 *
 * Each makes a drawing of FRAME_WIDTH pixels that the caller frees, or fails: ERROR_INPUT where
 * there is nothing to draw yet. `experiments` are as `show` gives them; more than FRAME_LINES_MAX
 * are refused where each is a line or a block. `title` stands at the top; NULL: the page has one.
 */
#ifndef ASSAY_CLI_PLOTS_H
#define ASSAY_CLI_PLOTS_H

#include "cli/client.h"
#include "cli/drawing.h"
#include "compare/contender.h"

enum { PLOT_LOSS = 1, PLOT_ACCURACY = 2, PLOT_LEARNING_RATE = 4 };

/* Those of PLOT_... that are asked for, by epoch, the best epoch marked: of validation strong, of
 * training faint. */
struct drawing *plots_curves(const char *title, const cJSON *experiments, unsigned what,
                             struct error *error);

/* Which evaluation: `checkpoint` below 0 is the one that each experiment would keep. */
struct plot_source {
    int checkpoint;
    enum split_name split;
};

/* The checkpoint of it whose evaluation is drawn; -1: none, it has no such evaluation. */
int plot_source_checkpoint(const struct plot_source *source, const struct contender *contender);
/* frame_check of those that have one. */
bool plot_source_check(const struct plot_source *source, const cJSON *experiments,
                       const struct contender *contenders, size_t count, struct error *error);

/* Whether any of them may still come to what is not there yet. */
bool plot_goes_on(const cJSON *experiments);

/* The ROC curve of each, from its scores, which `client` is asked for. */
struct drawing *plots_roc(const char *title, struct client *client, const cJSON *experiments,
                          const struct plot_source *source, struct error *error);

/* What each class was called, of each experiment. */
struct drawing *plots_confusion(const char *title, const cJSON *experiments,
                                const struct plot_source *source, struct error *error);

/* The mean accuracy of each value of each matrix key, over all others. */
struct drawing *plots_effects(const char *title, const cJSON *experiments, struct error *error);

#endif
