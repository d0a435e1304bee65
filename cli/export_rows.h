/* export_rows: the columns and rows of `assay export`, as flat JSON objects.
 *
 * The columns are the same in every row: fixed ones, then variant.KEY for each matrix key, then
 * config.PATH for each leaf of the configs that is not the same in all of them. They are met page
 * by page, so that no more than a page of experiments has to be in memory.
 */
#ifndef ASSAY_CLI_EXPORT_ROWS_H
#define ASSAY_CLI_EXPORT_ROWS_H

#include "core/text.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. */
struct export_columns {
    size_t experiments; /* met so far */
    cJSON *variants;    /* {KEY: true} */
    cJSON *leaves; /* {PATH: {"value": of the first that has it, "seen": how many, "differs"}} */
};

/* Takes a page of experiments (`show`'s) into account; false without memory. */
bool export_meet(struct export_columns *columns, const cJSON *experiments);
void export_columns_free(struct export_columns *columns);

/* A row, every column in order, null where there is nothing. The caller frees. */
cJSON *export_experiment(const struct export_columns *columns, const cJSON *experiment);
cJSON *export_epoch(const struct export_columns *columns, const cJSON *experiment,
                    const cJSON *report);

/* Adds a line of CSV: numbers in their shortest exact form, lists as JSON, nothing for null. */
void export_add_csv(struct text *text, const cJSON *row);
void export_add_titles(struct text *text, const struct export_columns *columns, bool epochs);
/* Adds the object without a line break. */
void export_add_json(struct text *text, const cJSON *row);

#endif
