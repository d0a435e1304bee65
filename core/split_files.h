/* split_files: a split that is written down: three JSON files, the notebook's train.json,
 * valid.json and test.json, as `assay split` writes them too.
 *
 * Each is an array of {"label": 0 or 1, "path": "real/0001.png"}, the path relative to data.root or
 * absolute and inside it. Lists keep the order of their files. A picture's class is the one of
 * data.classes whose dir its path begins with (and whose label it must have), else one named after
 * the folder that it is in; where a folder has pictures of both labels these are "NAME (label 0)"
 * and "NAME (label 1)". data.upsample repeats the training pictures of a class right after its last
 * one. A picture may stand more than once in train.json (it was upsampled), but nowhere else, and
 * in no two files: that is leakage, and an error.
 */
#ifndef ASSAY_CORE_SPLIT_FILES_H
#define ASSAY_CORE_SPLIT_FILES_H

#include "core/experiment.h"
#include "core/split.h"

/* For split_make: fills a split that has data.classes already and nothing else. Whatever is wrong
 * is ERROR_INPUT, with file and line where it has one. On failure the caller frees. */
bool split_files_read(const struct experiment *experiment, const char *root, struct split *split,
                      struct error *error);

#endif
