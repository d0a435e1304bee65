/* manifest_fingerprint: what stands for all pictures of an experiment, and whether two of those are
 * of the same pictures.
 *
 * A fingerprint is a manifest file without its files (data.fingerprint in the schema); for an
 * experiment that names split files it has their checksums too.
 */
#ifndef ASSAY_CORE_MANIFEST_FINGERPRINT_H
#define ASSAY_CORE_MANIFEST_FINGERPRINT_H

#include "core/experiment.h"
#include "core/manifest.h"

#include <cjson/cJSON.h>

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
