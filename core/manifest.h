/* manifest: the pictures of an experiment, each with its size and checksum, and the fingerprint
 * that stands for all of them.
 *
 * A manifest file (`assay data check` writes it, MANIFEST_NAME in data.root is where it is looked
 * for) is JSON: {"pictures", "bytes", "classes": [{"name", "pictures", "bytes", "sha256", "files":
 * [{"path", "bytes", "sha256"}]}]}, paths relative to data.root and sorted as bytes. A class's
 * sha256 is that of the lines that `sha256sum PATH...` prints for its files in that order, run in
 * data.root.
 *
 * The fingerprint is a manifest without its files (data.fingerprint in the schema); for an
 * experiment that names split files it has their checksums too.
 */
#ifndef ASSAY_CORE_MANIFEST_H
#define ASSAY_CORE_MANIFEST_H

#include "core/sha256.h"
#include "core/split.h"

#define MANIFEST_NAME "assay-manifest.json"

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

/* A manifest file and back. A broken file is ERROR_INPUT. The caller frees the text, NULL without
 * memory. */
char *manifest_text(const struct manifest *manifest);
bool manifest_read(const char *path, struct manifest *manifest, struct error *error);

/* The split files that a fingerprint may have sums of, by their keys in its `lists`. */
enum { MANIFEST_LISTS = 3 };
extern const char *const manifest_lists[MANIFEST_LISTS];

/* What data.fingerprint holds, for the caller to delete; NULL without memory or when a split file
 * cannot be read. `files` are the experiment's split files; all NULL: none. */
cJSON *manifest_fingerprint(const struct manifest *manifest, const struct experiment *experiment,
                            struct error *error);

/* Whether two fingerprints are of the same pictures. If not, ERROR_INPUT says what differs: the
 * class, how many pictures or bytes, and the first path that differs where `then`, the manifest
 * that `expected` was made of (or any other, or NULL), shows it. */
bool manifest_compare(const cJSON *expected, const cJSON *actual, const struct manifest *here,
                      const struct manifest *then, struct error *error);

#endif
