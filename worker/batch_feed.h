/* batch_feed: the batches of a pass, for a model; where its backend prefetches, each is sent to it
 * while it works on the one before. */
#ifndef ASSAY_WORKER_BATCH_FEED_H
#define ASSAY_WORKER_BATCH_FEED_H

#include "worker/loader.h"

/* All are borrowed. */
struct batch_feed {
    struct loader *loader;
    const struct backend *backend;
    struct model *model;
    const struct batch *ahead; /* the next one, where the backend prefetches; or NULL */
};

bool batch_feed_begin(struct batch_feed *feed, const struct loader_pass *pass, struct error *error);
/* As loader_next; the batch is valid until the next call. */
bool batch_feed_next(struct batch_feed *feed, const struct batch **batch, struct error *error);

#endif
