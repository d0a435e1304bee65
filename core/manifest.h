/* manifest: the pictures of an experiment, each with its size and checksum.
 *
 * It is written to a file (core/manifest_file.h), and a fingerprint stands for all of it
 * (core/manifest_fingerprint.h).
 */
#ifndef ASSAY_CORE_MANIFEST_H
#define ASSAY_CORE_MANIFEST_H

#include "core/sha256.h"
#include "core/split.h"

struct manifest_picture {
    char *path; /* relative to data.root */
    uint64_t bytes;
    char sha256[SHA256_TEXT_SIZE]; /* "" until somebody has read the picture */
    unsigned lists;                /* in which it is: MANIFEST_TRAIN | ...; 0 when from a file */
};
enum { MANIFEST_TRAIN = 1, MANIFEST_VALID = 2, MANIFEST_TEST = 4 };

struct manifest_class {
    char *name;
    size_t first, count; /* its part of the pictures */
};

struct manifest {
    struct manifest_picture *pictures; /* class by class, each by path */
    size_t count;
    struct manifest_class *classes;
    size_t class_count;
};

/* Every picture of the split once, with sizes and checksums still to be filled in. */
bool manifest_of_split(const struct split *split, struct manifest *manifest, struct error *error);
void manifest_free(struct manifest *manifest); /* leaves it zeroed */

#endif
