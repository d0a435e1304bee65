/* after: who of a submission waits for whom, before anything of it is stored: an experiment's
 * `after` names experiments and groups of the same submission or of earlier ones. Pure. */
#ifndef ASSAY_COORDINATOR_AFTER_H
#define ASSAY_COORDINATOR_AFTER_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/* In one submission: how many different lists, and how many experiments they name together. */
enum { AFTER_LISTS_MAX = 1000, AFTER_MEMBERS_MAX = 1000000 };
#define AFTER_NOBODY ((size_t)-1)

/* One experiment of the submission; borrowed. */
struct after_item {
    const char *name, *group;
    const cJSON *words; /* array of strings; empty: after nobody */
};

struct after_plan {
    size_t *list_of;     /* of each item: which list it waits for, or AFTER_NOBODY */
    const cJSON **lists; /* the different ones */
    size_t list_count;
    const char **elsewhere; /* words that name nobody in this submission */
    size_t elsewhere_count;
};

/* ERROR_INPUT, which names the experiment, when one would wait for itself. Free with
 * after_plan_free, also on failure. */
bool after_plan_make(const struct after_item *items, size_t count, struct after_plan *plan,
                     struct error *error);
void after_plan_free(struct after_plan *plan);

#endif
