/* figures: what was measured beside what is wanted, and the samples that quantiles come from. */
#ifndef ASSAY_BENCH_FIGURES_H
#define ASSAY_BENCH_FIGURES_H

#include "core/error.h"

#include <stddef.h>

enum { FIGURES_MAX = 24, SAMPLES_MAX = 4 << 20 };

struct figure {
    const char *name, *unit;
    double value, wanted; /* wanted: NaN when nothing is */
    bool at_least;        /* else at most */
};

struct figures {
    struct figure figures[FIGURES_MAX];
    size_t count;
    double *samples; /* seconds */
    size_t sample_count;
};

/* Takes memory for the samples of a zeroed struct. Close with figures_close in any case. */
bool figures_open(struct figures *figures, struct error *error);
void figures_close(struct figures *figures);

/* Keeps it, and says it on stderr. `name` and `unit` stay the caller's; `wanted`: NaN for none. */
void figures_add(struct figures *figures, const char *name, const char *unit, double value,
                 double wanted, bool at_least);

void figures_sample(struct figures *figures, double seconds);
/* Of the samples, in milliseconds, NaN when there is none; sorts them. */
double figures_quantile_ms(struct figures *figures, double part);

/* The table on stdout and, unless `path` is NULL, as JSON in a file. */
bool figures_print(const struct figures *figures, const char *path, struct error *error);
bool figures_met(const struct figures *figures); /* all that are wanted */

#endif
