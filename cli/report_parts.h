/* report_parts: what the parts of `assay report` share, and those that stand in files of their own.
 */
#ifndef ASSAY_CLI_REPORT_PARTS_H
#define ASSAY_CLI_REPORT_PARTS_H

#include "cli/client.h"
#include "cli/screen.h"
#include "compare/contender.h"
#include "core/text.h"

struct report {
    struct client *client;
    const cJSON *experiments; /* as `show` gives them */
    struct contender *contenders;
    size_t count, *order, ranked; /* contenders_rank */
    struct text page;
    struct screen screen; /* of stderr, for progress */
    int64_t began_ms;
    const char *doing, *told; /* lines of progress: the one of now, and that said last */
};

/* The contender that is kept; of a report in which one is ranked. */
const struct contender *report_best(const struct report *report);

/* Says on stderr what is being done, once the report takes long; `context` is the report. */
void report_tell(void *context);

/* What people have written on the experiments, if there is anything (report_remarks.c). */
bool report_add_remarks(struct report *report, struct error *error);

/* A contact sheet of each pipeline of augmentations among the experiments (report_contact.c). What
 * is not there is said in the page; it fails where there is no memory. */
bool report_add_contacts(struct report *report, struct error *error);

/* The test pictures that the best is wrong about with most confidence, with where it looked
 * (report_mistakes.c). What is not there is said in the page. */
bool report_add_mistakes(struct report *report, struct error *error);

#endif
