/* source: whoever answers requests of the protocol: the coordinator over a socket (cli/client.h),
 * or from inside its own process (coordinator/page_ask.h). So what is compared is asked for in one
 * way by both.
 */
#ifndef ASSAY_COMPARE_SOURCE_H
#define ASSAY_COMPARE_SOURCE_H

#include "core/error.h"

#include <cjson/cJSON.h>

/* Of a longer selection only so many ids are asked for at a time. */
enum { SOURCE_IDS = 1000 };

struct source {
    /* Asks `request` with `body` (taken over, also on failure; NULL is {}) for an answer called
     * `expected`, which the caller frees. */
    bool (*ask)(void *context, const char *request, cJSON *body, const char *expected,
                cJSON **answer, struct error *error);
    void *context;
};

/* Whether an answer to `question` leads on from `before` to the page at `next`, 0 being the end;
 * ERROR_FAILED where it leads back, and there would be no end. */
bool source_leads_on(const char *question, double before, double next, struct error *error);

/* Takes a page of experiments, an array that the caller deletes. */
typedef bool source_page(void *context, cJSON *experiments, struct error *error);

/* Asks `list` or `show` for a selection ({"ids"} or {"group"}, borrowed) and hands over one page
 * after the other, until there is none or `take` fails. */
bool source_pages(const struct source *source, const char *question, const cJSON *selection,
                  source_page *take, void *context, struct error *error);

/* The same, all pages in one array that the caller frees; NULL when it fails. */
cJSON *source_experiments(const struct source *source, const char *question, const cJSON *selection,
                          struct error *error);

/* The ids of `items` (numbers, or experiments) in rising order, each once; NULL without memory. The
 * caller frees. source_compare_ids is the order, for bsearch. */
double *source_ids(const cJSON *items, size_t *count);
int source_compare_ids(const void *left, const void *right);

#endif
