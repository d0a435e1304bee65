/* comparison_tables: a comparison (compare/comparison.h) as tables of text. One without rows is not
 * printed, and neither is its title.
 */
#ifndef ASSAY_CLI_COMPARISON_TABLES_H
#define ASSAY_CLI_COMPARISON_TABLES_H

#include "cli/screen.h"
#include "compare/comparison.h"

void differences_print(const cJSON *differences, const struct screen *screen);
void ranking_print(const struct comparison *comparison, const struct screen *screen);
void repeats_print(const struct comparison *comparison, const struct screen *screen);
/* Nothing where no key has two values with more than one experiment among them. */
void effects_print(const cJSON *effects, const struct screen *screen);
void duels_print(const struct duel *duels, size_t count, const struct screen *screen);

#endif
