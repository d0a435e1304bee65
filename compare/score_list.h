/* score_list: what a checkpoint said of each picture of a split, as `assay scores` prints it and
 * comparisons of two checkpoints need it.
 */
#ifndef ASSAY_COMPARE_SCORE_LIST_H
#define ASSAY_COMPARE_SCORE_LIST_H

#include "compare/source.h"

struct scored_picture {
    char *path, *class; /* class: its name */
    int label;
    double probability; /* of label 1 */
};

struct score_list {
    struct scored_picture *items; /* in the order of the split */
    size_t count;
};

/* Asks for all pages; `checkpoint` is "best" or "last", `split` "valid" or "test". Where nothing
 * was reported the list is empty. Free with score_list_free, also on failure. */
bool score_list_fetch(const struct source *source, long long id, const char *checkpoint,
                      const char *split, struct score_list *list, struct error *error);
void score_list_free(struct score_list *list);

#endif
