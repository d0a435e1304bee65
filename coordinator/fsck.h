/* fsck: whether the database is whole, agrees with itself, and with the files that it names. */
#ifndef ASSAY_COORDINATOR_FSCK_H
#define ASSAY_COORDINATOR_FSCK_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct fsck_options {
    bool quick; /* of artifacts only the sizes, not the SHA-256 */
    /* One line about one fault, without its end. */
    void (*say)(void *context, const char *line);
    /* How many bytes of the artifacts have been read, after each file; NULL: nobody looks. */
    void (*progress)(void *context, int64_t done, int64_t all);
    void *context;
};

/* What was looked at. */
struct fsck_result {
    size_t faults; /* that were said */
    size_t files;  /* artifacts, each content once */
    int64_t bytes; /* of them */
};

/* Looks at the database, beside a running coordinator or without one, and at the folder of its
 * artifacts (NULL: not at files). False when it cannot be opened. */
bool fsck_run(const char *db, const char *artifacts, const struct fsck_options *options,
              struct fsck_result *result, struct error *error);

#endif
