/* page: a screen full of characters and styles in memory: what a full-screen view draws on, and
 * what its tests read. Rows and columns count from 0 at the top left; what lies outside is left
 * out.
 */
#ifndef ASSAY_CLI_PAGE_H
#define ASSAY_CLI_PAGE_H

#include "cli/screen.h"

enum { PAGE_CELL = 16 }; /* bytes of a cell: a character with what combines with it */

struct page_cell {
    char text[PAGE_CELL]; /* "" for the right half of a wide character */
    enum style style;
    bool reversed;
};

struct page {
    size_t rows, columns;
    struct page_cell *cells;
};

/* All spaces; false without memory. Free with page_free. */
bool page_new(struct page *page, size_t rows, size_t columns);
void page_free(struct page *page);

struct page_cell *page_at(const struct page *page, size_t row, size_t column); /* or NULL */

/* Writes text from (row, column) on, at most `width` columns of it (cut with "…"), as screen_print
 * does. Returns the column after it. */
size_t page_text(struct page *page, size_t row, size_t column, size_t width, enum style style,
                 const char *text);
/* The same, formatted, to the end of the row. */
size_t page_format(struct page *page, size_t row, size_t column, enum style style,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Words, broken at spaces where the row ends and going on below in the same column. Returns the row
 * after them. */
size_t page_wrap(struct page *page, size_t row, size_t column, enum style style, const char *words);
/* Turns a whole row's foreground and background round. */
void page_reverse(struct page *page, size_t row);

/* A row as text without the spaces at its end; the caller frees, NULL without memory. */
char *page_row(const struct page *page, size_t row);

#endif
