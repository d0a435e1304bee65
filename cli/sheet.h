/* sheet: a contact sheet: small pictures in titled columns, a label before each row.
 *
 * Columns stand in blocks ("Step by step", "Each alone"), and a title may span several columns.
 */
#ifndef ASSAY_CLI_SHEET_H
#define ASSAY_CLI_SHEET_H

#include "core/image.h"

struct sheet_column {
    const char *block; /* begins a block of this name; NULL: goes on with the one before */
    const char *title; /* NULL: belongs to the title before */
    char detail[128];  /* below the title, broken into lines */
};

struct sheet;

/* An empty sheet. The columns are borrowed until sheet_new returns. Fails when it would be larger
 * than a picture may be. */
bool sheet_new(const char *title, const char *subtitle, const struct sheet_column *columns,
               size_t column_count, size_t row_count, struct sheet **sheet, struct error *error);
void sheet_free(struct sheet *sheet); /* NULL is fine */

/* What stands before a row: two lines, and a stripe that tells label 0 from label 1. */
void sheet_label(struct sheet *sheet, size_t row, const char *name, const char *detail, int label);

/* The picture, scaled to fit its place. */
bool sheet_put(struct sheet *sheet, size_t row, size_t column, const struct image *image,
               struct error *error);

/* Writes a PNG, atomically. */
bool sheet_write(struct sheet *sheet, const char *path, struct error *error);

#endif
