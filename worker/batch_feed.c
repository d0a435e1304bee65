#include "worker/batch_feed.h"

bool batch_feed_begin(struct batch_feed *feed, const struct loader_pass *pass,
                      struct error *error) {
    feed->ahead = NULL;
    return loader_begin(feed->loader, pass, error) &&
           (feed->backend->prefetch == NULL || loader_next(feed->loader, &feed->ahead, error));
}

bool batch_feed_next(struct batch_feed *feed, const struct batch **batch, struct error *error) {
    if (feed->backend->prefetch == NULL)
        return loader_next(feed->loader, batch, error);
    *batch = feed->ahead;
    if (*batch == NULL)
        return true;
    return loader_next(feed->loader, &feed->ahead, error) &&
           (feed->ahead == NULL || feed->ahead->pictures == NULL ||
            feed->backend->prefetch(feed->model, feed->ahead, error));
}
