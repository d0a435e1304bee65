/* report_page: the HTML of `assay report`: one page that needs nothing else, no network and no
 * script, light or dark as the reader's system is, and readable at a phone's width.
 *
 * What is wider than the page scrolls on its own and can be reached by keyboard. Pictures are WebP
 * in the page itself, shrunk to the size at which they are shown.
 */
#ifndef ASSAY_CLI_REPORT_PAGE_H
#define ASSAY_CLI_REPORT_PAGE_H

#include "cli/drawing.h"
#include "cli/sheet.h"

/* Everything down to the first section, and everything after the last. */
void report_page_begin(struct text *page, const char *title);
void report_page_end(struct text *page);
/* What stands below the title: a line about the page, and what follows from it all. */
void report_page_about(struct text *page, const char *words);
void report_page_verdict(struct text *page, const char *words);

void report_page_heading(struct text *page, const char *heading);
void report_page_subheading(struct text *page, const char *heading);
void report_page_paragraph(struct text *page, const char *words);
/* A paragraph beside the point: what is not shown and why. */
void report_page_note(struct text *page, const char *words);

/* What somebody wrote, with its lines, and from whom it is. */
void report_page_quote(struct text *page, const char *words, const char *from);

/* Begin, rows of `count` cells, end. */
void report_page_table(struct text *page, const char *caption, const char *const *titles,
                       size_t count);
void report_page_row(struct text *page, const char *const *cells, size_t count);
void report_page_table_end(struct text *page);

/* A drawing inline, with `alt` for those who do not see it. */
void report_page_drawing(struct text *page, const struct drawing *drawing, const char *alt);

/* A picture of at most `side` pixels. False without memory for it: the page has failed then. */
bool report_page_image(struct text *page, const struct image *image, int side, const char *alt);

/* Figures of one or two images each; begin and end the grid of figures around them. */
void report_page_figures(struct text *page);
void report_page_figures_end(struct text *page);
void report_page_figure(struct text *page);
void report_page_figure_end(struct text *page, const char *name, const char *words);
/* What the colours of core/heat.h mean. */
void report_page_heat(struct text *page, const char *before, const char *least, const char *most);

/* A contact sheet as a table, ended with report_page_table_end: heads, then of each row its label
 * and a cell a column. `label` is for those who do not see it. */
void report_page_sheet(struct text *page, const char *label, const struct sheet_column *columns,
                       size_t count);
void report_page_sheet_row(struct text *page, const char *name, const char *detail);
/* `first`: of a block but the first. */
bool report_page_sheet_cell(struct text *page, bool first, const struct image *image,
                            const char *alt);
void report_page_sheet_row_end(struct text *page);

#endif
