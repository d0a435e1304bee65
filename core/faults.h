/* faults: every fault found in one input, each with its place, so that a person mends them all at
 * once. */
#ifndef ASSAY_CORE_FAULTS_H
#define ASSAY_CORE_FAULTS_H

#include <stddef.h>

struct fault {
    char *place;   /* json.h's place: "augmentations[2].p"; "" for the whole file */
    char *message; /* what is wrong; what to do: "unknown key \"brighness\"; did you mean
                      \"brightness\"?" */
};

enum { FAULTS_MAX = 1000 }; /* those beyond are dropped: mend these first */

/* Zero-initialise; grows by faults_add; freed by faults_free. */
struct faults {
    struct fault *items;
    size_t count;
};

/* A message is one line: control characters in it become '?'. */
void faults_add(struct faults *faults, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void faults_free(struct faults *faults);

#endif
