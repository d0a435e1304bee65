/* plan_cache: the few plans that a model keeps: training's full and last batches, evaluation's. */
#ifndef ASSAY_WORKER_NN_PLAN_CACHE_H
#define ASSAY_WORKER_NN_PLAN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLANS = 4 };

/* What a plan is made for. */
struct plan_key {
    size_t count; /* pictures */
    int height, width;
    bool training;
};

/* Zero-initialise. The plans are the owner's. */
struct plan_cache {
    struct {
        struct plan_key key;
        void *plan;
        uint64_t used;
    } slots[PLANS];
    uint64_t clock;
};

void *plan_cache_find(struct plan_cache *cache, const struct plan_key *key); /* or NULL */
/* Keeps the plan; returns the one that made room, used least recently, for the caller to free, or
 * NULL. */
void *plan_cache_keep(struct plan_cache *cache, const struct plan_key *key, void *plan);

#endif
