/* patience: how long a command that follows something bears a coordinator that is away: a minute
 * since its last answer, and not at all before the first.
 */
#ifndef ASSAY_CLI_PATIENCE_H
#define ASSAY_CLI_PATIENCE_H

#include "cli/screen.h"
#include "core/error.h"

#include <stdint.h>

/* Zero-initialise. */
struct patience {
    int64_t answered_ms, away_ms; /* 0: not yet */
};

/* There was an answer. */
void patience_renew(struct patience *patience);

/* There was none: whether to ask again. Says so on stderr the first time, above the lines that are
 * redrawn on the screen (borrowed; NULL: there are none). */
bool patience_bears(struct patience *patience, const struct error *error, struct screen *screen);

#endif
