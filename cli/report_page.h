/* report_page: the HTML of `assay report`: one page that needs nothing else, no network and no
 * script, light or dark as the reader's system is, and readable at a phone's width.
 */
#ifndef ASSAY_CLI_REPORT_PAGE_H
#define ASSAY_CLI_REPORT_PAGE_H

#include "cli/drawing.h"
#include "core/image.h"

/* Everything down to the first section, and everything after the last. */
void report_page_begin(struct text *page, const char *title);
void report_page_end(struct text *page);

void report_page_heading(struct text *page, const char *heading);
void report_page_paragraph(struct text *page, const char *words);

/* A table that scrolls on its own where it is too wide: begin, rows of `count` cells, end. */
void report_page_table(struct text *page, const char *caption, const char *const *titles,
                       size_t count);
void report_page_row(struct text *page, const char *const *cells, size_t count);
void report_page_table_end(struct text *page);

/* A drawing inline, with `alt` for those who do not see it. */
void report_page_drawing(struct text *page, const struct drawing *drawing, const char *alt);

/* A picture of at most `side` pixels with a caption; begin and end the row of figures around
 * them. False when it cannot be scaled or encoded. */
void report_page_figures(struct text *page);
bool report_page_picture(struct text *page, const struct image *image, int side, const char *alt,
                         const char *caption);
void report_page_figures_end(struct text *page);

#endif
