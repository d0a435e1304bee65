/* cache: decoded and resized pictures, kept in memory up to a bound.
 *
 * What is kept stays until the cache is freed, and when the bound is reached nothing more is taken
 * in: every epoch sees every picture once, in another order, and under such a scan a cache that
 * evicts (least recently used, say) throws out pictures just before they are asked for again. First
 * come, first kept gives the share of hits that the bound allows, and lets readers use pictures
 * without a lock.
 */
#ifndef ASSAY_WORKER_CACHE_H
#define ASSAY_WORKER_CACHE_H

#include "core/image.h"

struct cache;

/* At most `bytes` of memory for pictures, keys and bookkeeping. */
bool cache_new(size_t bytes, struct cache **cache, struct error *error);
/* No other thread may be using it. NULL is fine. */
void cache_free(struct cache *cache);

/* The picture, valid until cache_free and never written to again, or NULL. Any thread. */
const struct image *cache_find(struct cache *cache, const char *key);

/* Keeps a copy of the picture if there is room and none of that key is there yet; otherwise, also
 * when memory is short, does nothing. Any thread. */
void cache_keep(struct cache *cache, const char *key, const struct image *image);

size_t cache_bytes(struct cache *cache); /* used so far */

#endif
