/* split: which picture is trained on, validated on, tested on.
 *
 * core/split_make.h makes one as the notebook does, or reads the lists that it wrote
 * (core/split_files.h).
 */
#ifndef ASSAY_CORE_SPLIT_H
#define ASSAY_CORE_SPLIT_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

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

/* Copies the name. For those who make splits, zeroed at first. */
bool split_add_class(struct split *split, const char *name, int label, uint32_t repeat,
                     struct error *error);
void split_free(struct split *split);

/* ERROR_INPUT when it has nothing to train on, nothing of a label there, or nothing to validate on.
 */
bool split_check_trainable(const struct split *split, struct error *error);

/* The label that no picture of the list has (of an empty one: 0), or -1. */
int split_missing_label(const struct split_list *list);
/* What is to be known of a split that can be trained on: that its validation pictures, which choose
 * the checkpoint, lack a label. The caller frees; NULL when there is nothing, or no memory. */
char *split_caution(const struct split *split);

/* What Python's json.dump([{"label": .., "path": ".."}, ..], f, sort_keys=True, indent=4) writes,
 * byte for byte (no newline at the end, non-ASCII escaped as \uXXXX). Caller frees, NULL without
 * memory. */
char *split_to_json(const struct split_list *list);

#endif
