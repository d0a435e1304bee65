/* dashboard_curves: an experiment's loss and accuracy by epoch, in braille, train beside valid. */
#ifndef ASSAY_CLI_DASHBOARD_CURVES_H
#define ASSAY_CLI_DASHBOARD_CURVES_H

#include "cli/page.h"

#include <cjson/cJSON.h>

enum { DASHBOARD_CURVES_LEAST_ROWS = 4 };

/* Draws `rows` rows from `row` on: loss and accuracy side by side, or the loss alone where that is
 * too narrow; nothing where it is too small. `detail` is `show`'s, or NULL. */
void dashboard_curves_draw(struct page *page, size_t row, size_t rows, const cJSON *detail);

#endif
