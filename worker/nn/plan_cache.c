#include "worker/nn/plan_cache.h"

static bool same(const struct plan_key *a, const struct plan_key *b) {
    return a->count == b->count && a->height == b->height && a->width == b->width &&
           a->training == b->training;
}

void *plan_cache_find(struct plan_cache *cache, const struct plan_key *key) {
    for (int i = 0; i < PLANS; i++)
        if (cache->slots[i].plan != NULL && same(&cache->slots[i].key, key)) {
            cache->slots[i].used = ++cache->clock;
            return cache->slots[i].plan;
        }
    return NULL;
}

void *plan_cache_keep(struct plan_cache *cache, const struct plan_key *key, void *plan) {
    int oldest = 0;
    for (int i = 1; i < PLANS; i++)
        if (cache->slots[i].used < cache->slots[oldest].used)
            oldest = i;
    void *dropped = cache->slots[oldest].plan;
    cache->slots[oldest].key = *key;
    cache->slots[oldest].plan = plan;
    cache->slots[oldest].used = ++cache->clock;
    return dropped;
}
