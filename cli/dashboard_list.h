/* dashboard_list: the list of experiments in the full-screen view, a row each: the name, and of
 * what is known besides as many columns as find room beside it. */
#ifndef ASSAY_CLI_DASHBOARD_LIST_H
#define ASSAY_CLI_DASHBOARD_LIST_H

#include "cli/dashboard.h"

/* Heads into row 1, and `rows` rows below them. The selected one is among these. */
void dashboard_list_draw(struct dashboard *dashboard, struct page *page, size_t rows);

#endif
