/* examine: every picture of a set, read and looked at, on several threads.
 */
#ifndef ASSAY_CLI_EXAMINE_H
#define ASSAY_CLI_EXAMINE_H

#include "cli/gang.h"
#include "core/manifest.h"

/* What was found in one picture. */
struct picture_facts {
    char *fault; /* why it cannot be read; NULL when it can */
    int width, height;
    bool grey;                     /* red, green and blue are the same everywhere */
    char pixels[SHA256_TEXT_SIZE]; /* of the decoded pixels: equal for equal pictures of one size */
};

/* Reads the manifest's pictures below `root`, fills in their sizes and checksums, and makes an
 * array of as many facts, freed with picture_facts_free. `progress` (may be NULL) is the gang's. A
 * picture that cannot be read has a fault; examine does not fail for it. */
bool examine(struct manifest *manifest, const char *root, int threads, gang_progress *progress,
             void *context, struct picture_facts **facts, struct error *error);
void picture_facts_free(struct picture_facts *facts, size_t count);

#endif
