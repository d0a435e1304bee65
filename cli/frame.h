/* frame: what every plot has around it: a title, a line below it, a legend that takes as many rows
 * as its names need.
 */
#ifndef ASSAY_CLI_FRAME_H
#define ASSAY_CLI_FRAME_H

#include "cli/drawing.h"

#include <cjson/cJSON.h>

enum {
    FRAME_WIDTH = 1200,
    FRAME_MARGIN = 36,
    FRAME_INNER = FRAME_WIDTH - 2 * FRAME_MARGIN,
    FRAME_LINES_MAX = TINT_SERIES * DASH_COUNT
};

/* The colour and dash of the line of that index, below FRAME_LINES_MAX. */
struct pen frame_pen(size_t index);

struct legend_entry {
    char *text; /* "3 seed=0: best epoch 12"; freed by legend_free */
    struct pen pen;
    enum { SAMPLE_LINE, SAMPLE_DOT, SAMPLE_RING } sample;
};

struct legend {
    struct legend_entry entries[FRAME_LINES_MAX];
    size_t count;
};
/* Adds an entry, which must fit; false without memory. */
bool legend_add(struct legend *legend, const struct pen *pen, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void legend_free(struct legend *legend);

/* A drawing with all of that; `title` and `legend` may be NULL. What is below begins at *top; the
 * caller sets the height. NULL without memory. */
struct drawing *frame_new(const char *title, const char *subtitle, const struct legend *legend,
                          double *top);

/* That there is an experiment, and that no more are drawn than can be told apart; else ERROR_INPUT.
 */
bool frame_check(const cJSON *experiments, size_t drawn, struct error *error);

/* The group that all experiments are in, of which there must be one; NULL if there is none. It and
 * the name below are borrowed. */
const char *frame_group(const cJSON *experiments);
/* An experiment's name without that group's, which may be NULL. */
const char *frame_short_name(const char *group, const cJSON *experiment);
/* "demo", "3 demo/seed=0" or "4 experiments"; the caller frees. */
char *frame_subject(const cJSON *experiments);

#endif
