/* checksums: the pictures of a class as `sha256sum` prints them, "SHA256  PATH" a line, by path.
 * Its own SHA-256 is what data.fingerprint has of the class, so who has the fingerprint can ask for
 * the listing, and with it for every picture, and trust what comes. */
#ifndef ASSAY_CORE_CHECKSUMS_H
#define ASSAY_CORE_CHECKSUMS_H

#include "core/manifest.h"

/* The lines of a class; the caller frees, NULL without memory. */
char *checksums_text(const struct manifest *manifest, const struct manifest_class *class,
                     size_t *length);

/* What stands for the pictures of a class. False without memory. */
struct checksums_sum {
    uint64_t bytes;
    char sha256[SHA256_TEXT_SIZE]; /* of the lines */
};
bool checksums_sum(const struct manifest *manifest, const struct manifest_class *class,
                   struct checksums_sum *sum);

/* Reads a listing from outside: pictures with path and checksum, one class without a name. Every
 * path is relative, without "." or ".." parts, and comes once. ERROR_INPUT names the line of `name`
 * that is none. Free with manifest_free. */
bool checksums_read(const char *text, size_t length, const char *name, struct manifest *manifest,
                    struct error *error);

#endif
