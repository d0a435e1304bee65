/* manifest_file: a manifest as `assay data check` writes it.
 *
 * JSON, in MANIFEST_NAME in data.root unless somebody says where: {"pictures", "bytes", "classes":
 * [{"name", "pictures", "bytes", "sha256", "files": [{"path", "bytes", "sha256"}]}]}, paths
 * relative to data.root and sorted as bytes. A class's sha256 is that of its checksums
 * (core/checksums.h).
 */
#ifndef ASSAY_CORE_MANIFEST_FILE_H
#define ASSAY_CORE_MANIFEST_FILE_H

#include "core/manifest.h"

#define MANIFEST_NAME "assay-manifest.json"

/* A manifest file and back. A broken file is ERROR_INPUT. The caller frees the text, NULL without
 * memory. */
char *manifest_text(const struct manifest *manifest);
/* Writes it whole or not at all; several who do so at once take turns. */
bool manifest_write(const char *path, const struct manifest *manifest, struct error *error);
bool manifest_read(const char *path, struct manifest *manifest, struct error *error);

#endif
