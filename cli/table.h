/* table: rows and columns for people: aligned by width on screen, no trailing spaces.
 *
 * Cells are added one after the other, row by row; table_print writes the table and table_free
 * forgets it. What there is no memory for is missing, and noted (shortage.h). On a terminal that is
 * too narrow spare columns are left out, then minor ones, the last first, and elastic ones cut, the
 * widest first; elsewhere nothing ever is.
 */
#ifndef ASSAY_CLI_TABLE_H
#define ASSAY_CLI_TABLE_H

#include "cli/screen.h"

struct column {
    const char *title;
    unsigned kind; /* a shape, or-ed with how dispensable it is */
};

enum {
    COLUMN_LEFT,
    COLUMN_RIGHT,
    COLUMN_ELASTIC,   /* left-aligned, cut at the end */
    COLUMN_NAME,      /* the same, cut in the middle */
    COLUMN_SHAPE = 3, /* those bits */

    /* Left out before an elastic column has to be narrower than is easy to read. */
    COLUMN_SPARE = 4,
    /* Left out before one has to be narrower than can be read; those of an order after all that are
     * of a later one. */
    COLUMN_MINOR_FIRST = 8,
    COLUMN_MINOR = 16,
    COLUMN_MINOR_LAST = 32,
};

struct cell {
    char *text;
    enum style style;
    bool across; /* a heading: first of its row, over all columns */
};

struct table {
    const struct column *columns;
    size_t column_count;
    struct cell *cells;
    size_t count, capacity;
};
/* An empty table with the columns of a static array. */
#define TABLE_OF(array)                                                                            \
    { .columns = (array), .column_count = sizeof(array) / sizeof(array)[0] }

void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_add_styled(struct table *table, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line across the table, under the rows so far: a heading for those that follow. Not in mid-row.
 */
void table_heading(struct table *table, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Titles, then rows, each indented by `indent` columns. */
void table_print(const struct table *table, const struct screen *screen, size_t indent);
/* The same below an empty line and a title, whose lines screen_wrap breaks (NULL: the table goes on
 * with the one above it). Nothing where there are no rows. */
void table_print_titled(const struct table *table, const struct screen *screen, const char *title);
void table_free(struct table *table);

#endif
