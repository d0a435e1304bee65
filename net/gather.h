/* gather: many files from the coordinator's artifacts by their SHA-256, several at a time, each as
 * pickup.h decides. */
#ifndef ASSAY_NET_GATHER_H
#define ASSAY_NET_GATHER_H

#include "core/sha256.h"
#include "net/dealer.h"

struct gather {
    struct dealer *dealer;
    const char *const *sums; /* SHA-256s, each once */
    size_t count;
    const char *folder; /* what has come of a file stands in it as SHA.part, and is gone on with */
    int64_t most_bytes; /* what all together may have */
    /* Takes the whole, checked, not yet synced file away from `part`. */
    bool (*keep)(void *context, size_t index, const char *part, struct error *error);
    /* Called often, with how many bytes have come; false ends it (ERROR_FAILED). */
    bool (*go_on)(void *context, int64_t bytes);
    void *context;
};

/* Returns when all are kept; waits for a coordinator that is away. ERROR_INPUT: the coordinator
 * does not have one of them, or has larger ones; ERROR_FAILED: they cannot be written, or `go_on`
 * or `keep` has ended it. */
bool gather_files(const struct gather *gather, struct error *error);

#endif
