/* split_make: the notebook's own shuffle of an experiment's pictures, or the lists that it wrote
 * (data.files, core/split_files.h).
 *
 * Files of each class folder sort by name as bytes. Classes of one size share one shuffle of
 * 0..n-1; classes of another size shuffle their own, in order, from the same generator
 * (MT19937 seeded with data.split.seed). The first floor(train*n) are train, the next
 * floor(valid*n) valid, the rest test. Items stand class by class, each in shuffled order; in train
 * a class with repeat r has its whole list r times in a row.
 */
#ifndef ASSAY_CORE_SPLIT_MAKE_H
#define ASSAY_CORE_SPLIT_MAKE_H

#include "core/experiment.h"
#include "core/split.h"

/* `root` is the folder that data.root names once resolved; data.files count from the current folder
 * where they are relative. Lists the pictures (picture_named) in each class's dir; a missing or
 * empty folder, or a class dir that leaves the root (.., symlinked away), is ERROR_INPUT. On
 * success the caller frees with split_free. */
bool split_make(const struct experiment *experiment, const char *root, struct split *split,
                struct error *error);

/* The same for who looks at each picture: a link to a picture that is not there, in a class's
 * folder, is in the split by its name; split_make takes it for ERROR_INPUT. */
bool split_make_as_named(const struct experiment *experiment, const char *root, struct split *split,
                         struct error *error);

#endif
