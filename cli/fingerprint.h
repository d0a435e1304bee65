/* fingerprint: what `assay submit` says of the pictures, from the manifest of `assay data check`.
 */
#ifndef ASSAY_CLI_FINGERPRINT_H
#define ASSAY_CLI_FINGERPRINT_H

#include "core/manifest.h"
#include "core/matrix.h"

/* The last fingerprint, for the next member on the same pictures. Zero-initialise. */
struct fingerprint_memory {
    cJSON *data;        /* data.root, classes and files that it is of */
    cJSON *fingerprint; /* NULL: there is none */
};
void fingerprint_memory_free(struct fingerprint_memory *memory);

/* Puts data.fingerprint into the member's config, whose paths are absolute, when there is a
 * manifest that is of these pictures still: every picture is in it, as large as it says and not
 * changed since it was written. Looks at `manifest` or, when that is NULL, in data.root; there it
 * may be missing, and one that is outdated or broken is only a warning on stderr that names `file`.
 * No picture is read. A fingerprint that the file itself has is left alone. */
bool fingerprint_add(const char *file, const char *manifest, struct member *member,
                     struct fingerprint_memory *memory, struct error *error);

/* Takes sizes and checksums of the pictures in `here`, below `root`, from the manifest file `path`.
 * ERROR_INPUT says why it is not of them still. */
bool fingerprint_checksums(const char *path, const char *root, struct manifest *here,
                           struct error *error);

#endif
