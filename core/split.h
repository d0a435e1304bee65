/* split: which picture is trained on, validated on, tested on: the notebook's own shuffle.
 *
 * Files of each class folder sort by name as bytes. Classes of one size share one shuffle of
 * 0..n-1; classes of another size shuffle their own, in order, from the same generator
 * (MT19937 seeded with data.split.seed). The first floor(train*n) are train, the next
 * floor(valid*n) valid, the rest test. Items stand class by class, each in shuffled order; in train
 * a class with repeat r has its whole list r times in a row.
 */
#ifndef ASSAY_CORE_SPLIT_H
#define ASSAY_CORE_SPLIT_H

#include "core/error.h"
#include "core/experiment.h"

struct split_item {
    char *path; /* relative to data.root: "real/0001.png" */
    int label;
    size_t class_index;
};

struct split_list {
    struct split_item *items;
    size_t count;
};

struct split {
    struct split_list train, valid, test;
};

/* `root` is the folder that data.root names once resolved. Lists the pictures (picture_named) in
 * each class's dir; a missing or empty folder, or a class dir that leaves the root (.., symlinked
 * away), is ERROR_INPUT. */
bool split_make(const struct experiment *experiment, const char *root, struct split *split,
                struct error *error);
void split_free(struct split *split);

/* What Python's json.dump([{"label": .., "path": ".."}, ..], f, sort_keys=True, indent=4) writes,
 * byte for byte (no newline at the end, non-ASCII escaped as \uXXXX). Caller frees. */
char *split_to_json(const struct split_list *list);

#endif
