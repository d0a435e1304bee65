/* gang: the same work on many things, on several threads, while the caller tells how far it is.
 */
#ifndef ASSAY_CLI_GANG_H
#define ASSAY_CLI_GANG_H

#include "core/error.h"

#include <stddef.h>

/* How many things are finished; false to give the rest up. */
typedef bool gang_progress(void *context, size_t done, size_t count);

struct gang {
    size_t count;
    int threads; /* taken as 1 to 64 */
    /* Does one of the things, on any thread, at the same time as others. */
    bool (*work)(void *context, size_t index, struct error *error);
    void *context;
    gang_progress *progress; /* NULL: nobody asks */
    void *progress_context;
};

/* Works on 0 to count - 1, each once, and calls `progress` from this thread a few times a second
 * and at the end. After the first failure nothing more is begun; its error is the gang's. */
bool gang_run(const struct gang *gang, struct error *error);

#endif
