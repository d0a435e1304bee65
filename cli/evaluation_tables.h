/* evaluation_tables: what an evaluation says beside its counts at 0.5, as tables that `show` and
 * `compare` share: how well the probabilities rank, and which class is missed. What was evaluated
 * before there were such results has no row; a table without rows is not printed.
 */
#ifndef ASSAY_CLI_EVALUATION_TABLES_H
#define ASSAY_CLI_EVALUATION_TABLES_H

#include "cli/table.h"

#include <cjson/cJSON.h>

/* Whose evaluation a row shows: the cells of the two leading columns. All borrowed. */
struct evaluation_row {
    const char *first, *second;
    const cJSON *evaluation; /* NULL: no row */
};
enum { EVALUATION_LEADING = 2 };

/* Under a line that is `title`: ROC AUC, average precision, equal error rate, threshold, and the
 * accuracy there. */
void evaluation_print_ranking(const char *title, const struct column leading[EVALUATION_LEADING],
                              const struct evaluation_row *rows, size_t count,
                              const struct screen *screen);

/* Under a line that is `title`: for each class of any row how many pictures were taken for the
 * other label, of how many, the worst class of a row marked. Classes that find no room beside the
 * others on the screen stand under them. */
void evaluation_print_classes(const char *title, const struct column leading[EVALUATION_LEADING],
                              const struct evaluation_row *rows, size_t count,
                              const struct screen *screen);

#endif
