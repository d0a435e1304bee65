/* metrics_row: an evaluation as cells of a table: TP TN FP FN, accuracy, recall, precision, loss.
 */
#ifndef ASSAY_CLI_METRICS_ROW_H
#define ASSAY_CLI_METRICS_ROW_H

#include "cli/field.h"
#include "cli/table.h"

/* The titles of those columns, for a table's list of columns. */
#define METRICS_ROW_COLUMNS                                                                        \
    {"TP", COLUMN_RIGHT}, {"TN", COLUMN_RIGHT}, {"FP", COLUMN_RIGHT}, {"FN", COLUMN_RIGHT},        \
        {"accuracy", COLUMN_RIGHT}, {"recall", COLUMN_RIGHT | COLUMN_MINOR_FIRST},                 \
        {"precision", COLUMN_RIGHT | COLUMN_MINOR_FIRST}, {                                        \
        "loss", COLUMN_RIGHT | COLUMN_MINOR_FIRST                                                  \
    }

/* Adds the eight cells; `metrics` has the names of --json. */
void metrics_row_add(struct table *table, const cJSON *metrics);

#endif
