/* faults: every fault found in one input, each with its place, so that a person mends them all at
 * once. */
#ifndef ASSAY_CORE_FAULTS_H
#define ASSAY_CORE_FAULTS_H

#include "core/error.h"

#include <stddef.h>

struct fault {
    char *place;   /* json.h's place: "augmentations[2].p"; "" for the whole file */
    char *message; /* what is wrong; what to do: "unknown key \"brighness\"; did you mean
                      \"brightness\"?" */
};

enum { FAULTS_MAX = 1000 }; /* those beyond are not kept: mend these first */

/* Zero-initialise; grows by faults_add; freed by faults_free. */
struct faults {
    struct fault *items;
    size_t count;
    bool machine; /* memory was out: not the input is wrong */
    bool more;    /* there may be a fault that is not kept, or not where it says */
};

/* A message is one line: control characters in it become '?'. */
void faults_add(struct faults *faults, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "no memory to WHAT": what kept the input from being checked. */
void faults_add_memory(struct faults *faults, const char *place, const char *what);
/* Whether there may be another fault than the first `first` of them: what is read after a check
 * that has found none has the shape that was checked. */
bool faults_since(const struct faults *faults, size_t first);
void faults_free(struct faults *faults);

/* The first of them as an error, "PLACE: MESSAGE": of the input, or of the machine. */
#define faults_error(faults, error) (faults_store(faults, error), error_false())
void faults_store(const struct faults *faults, struct error *error);

#endif
