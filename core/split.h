/* split: which picture is trained on, validated on, tested on: the notebook's own shuffle, or the
 * lists that it wrote (data.files, core/split_files.h).
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
    size_t class_index; /* of the split's classes */
};

struct split_class {
    char *name;
    int label;       /* 0 or 1 */
    uint32_t repeat; /* how often each of its training pictures is in `train` */
};

struct split_list {
    struct split_item *items;
    size_t count;
};

struct split {
    struct split_list train, valid, test;
    struct split_class *classes; /* the experiment's, then those that split files bring */
    size_t class_count;
};

/* `root` is the folder that data.root names once resolved; data.files count from the current folder
 * where they are relative. Lists the pictures (picture_named) in each class's dir; a missing or
 * empty folder, or a class dir that leaves the root (.., symlinked away), is ERROR_INPUT. On
 * success the caller frees with split_free. */
bool split_make(const struct experiment *experiment, const char *root, struct split *split,
                struct error *error);
/* Copies the name. For those who make splits. */
bool split_add_class(struct split *split, const char *name, int label, uint32_t repeat,
                     struct error *error);
void split_free(struct split *split);

/* ERROR_INPUT when it has nothing to train on, or nothing to validate on. */
bool split_check_trainable(const struct split *split, struct error *error);

/* What Python's json.dump([{"label": .., "path": ".."}, ..], f, sort_keys=True, indent=4) writes,
 * byte for byte (no newline at the end, non-ASCII escaped as \uXXXX). Caller frees, NULL without
 * memory. */
char *split_to_json(const struct split_list *list);

#endif
