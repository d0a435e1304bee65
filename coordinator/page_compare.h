/* page_compare: what `assay compare` says (compare/comparison.h), for browsers.
 *
 * It is worked out on the thread of whoever asks, one comparison at a time, and kept until one of
 * its experiments is something else: then only `list` is asked. So however many browsers look, the
 * server's loop reads the scores of an end once, a page of them at a time, and answers others in
 * between.
 */
#ifndef ASSAY_COORDINATOR_PAGE_COMPARE_H
#define ASSAY_COORDINATOR_PAGE_COMPARE_H

#include "compare/source.h"

enum { PAGE_COMPARE_MEMBERS_MAX = 1000, PAGE_COMPARE_PICTURES_MAX = 500000 };

struct page_compare;

bool page_compare_open(struct page_compare **compare, struct error *error);
void page_compare_close(struct page_compare *compare); /* when no thread is in it; NULL is fine */

/* The document of `assay compare --json` for a selection ({"ids"} or {"group"}, borrowed); `notes`,
 * and of an experiment that runs `epochs_done`, may be from some time ago. For free. NULL when
 * `source` fails, or where there are more experiments, or pictures to read, than a page is to ask
 * for (ERROR_FAILED; the message says to ask assay). */
char *page_compare(struct page_compare *compare, const struct source *source,
                   const cJSON *selection, struct error *error);

#endif
