/* shipment: many files to the coordinator, several at a time: data sets that somebody brings.
 *
 * Each file goes as delivery.h decides, in messages `store` and `append` (docs/protocol.md), on one
 * connection. What the coordinator has already does not travel, and what came of a file before is
 * gone on with.
 */
#ifndef ASSAY_NET_SHIPMENT_H
#define ASSAY_NET_SHIPMENT_H

#include "core/sha256.h"
#include "net/dealer.h"

struct shipment_file {
    const char *path; /* of the file; what errors call it */
    const char *text; /* its content where that stands in no file; or NULL */
    char sha256[SHA256_TEXT_SIZE];
    int64_t bytes; /* 1 or more */
};

struct shipment {
    struct dealer *dealer;
    const struct shipment_file *files; /* which a listing names that was pushed */
    size_t count;
    int64_t patience_ms; /* how long the coordinator may be silent */
    /* Called when another file has arrived, with how many have. May be NULL. */
    void (*progress)(void *context, size_t files, int64_t bytes);
    void *context;
};

/* Returns when all have arrived. ERROR_UNREACHABLE: the coordinator is silent, and the same may be
 * done again; ERROR_FAILED: it has no room; ERROR_INPUT: a file has changed, or is not
 * wanted: the listing was cleared away meanwhile, say. */
bool shipment_send(const struct shipment *shipment, struct error *error);

#endif
