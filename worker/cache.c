#include "worker/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next; /* of the same bucket */
    uint64_t hash;
    struct image image;
    char key[];
};

struct cache {
    pthread_mutex_t lock; /* guards everything below; held for look-ups, never over I/O or a copy */
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, bytes, limit;
};

static uint64_t hash_of(const char *key) {
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (; *key != '\0'; key++)
        hash = (hash ^ (uint8_t)*key) * 1099511628211U;
    return hash;
}

bool cache_new(size_t bytes, struct cache **cache, struct error *error) {
    struct cache *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_machine(error, "no memory for the cache of pictures");
    made->bucket_count = 1024;
    made->limit = bytes;
    made->buckets = calloc(made->bucket_count, sizeof(struct entry *));
    if (made->buckets == NULL) {
        free(made);
        return error_machine(error, "no memory for the cache of pictures");
    }
    pthread_mutex_init(&made->lock, NULL);
    *cache = made;
    return true;
}

static void entry_free(struct entry *entry) {
    if (entry != NULL)
        image_free(&entry->image);
    free(entry);
}

void cache_free(struct cache *cache) {
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->bucket_count; i++)
        while (cache->buckets[i] != NULL) {
            struct entry *entry = cache->buckets[i];
            cache->buckets[i] = entry->next;
            entry_free(entry);
        }
    pthread_mutex_destroy(&cache->lock);
    free(cache->buckets);
    free(cache);
}

/* The lock is held. */
static struct entry *find(const struct cache *cache, uint64_t hash, const char *key) {
    struct entry *entry = cache->buckets[hash & (cache->bucket_count - 1)];
    while (entry != NULL && (entry->hash != hash || strcmp(entry->key, key) != 0))
        entry = entry->next;
    return entry;
}

const struct image *cache_find(struct cache *cache, const char *key) {
    uint64_t hash = hash_of(key);
    pthread_mutex_lock(&cache->lock);
    const struct entry *entry = find(cache, hash, key);
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL ? &entry->image : NULL;
}

/* The lock is held. Without memory for more buckets the chains just grow longer. */
static void grow(struct cache *cache) {
    size_t wider = 2 * cache->bucket_count;
    struct entry **buckets = calloc(wider, sizeof(struct entry *));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < cache->bucket_count; i++)
        while (cache->buckets[i] != NULL) {
            struct entry *entry = cache->buckets[i];
            cache->buckets[i] = entry->next;
            entry->next = buckets[entry->hash & (wider - 1)];
            buckets[entry->hash & (wider - 1)] = entry;
        }
    free(cache->buckets);
    cache->buckets = buckets;
    cache->bucket_count = wider;
}

static struct entry *entry_new(uint64_t hash, const char *key, const struct image *image) {
    size_t key_bytes = strlen(key) + 1;
    struct entry *entry = malloc(sizeof *entry + key_bytes);
    if (entry == NULL)
        return NULL;
    *entry = (struct entry){.hash = hash};
    memcpy(entry->key, key, key_bytes);
    if (!image_copy(image, &entry->image, NULL)) {
        free(entry);
        return NULL;
    }
    return entry;
}

void cache_keep(struct cache *cache, const char *key, const struct image *image) {
    size_t bytes = sizeof(struct entry) + sizeof(struct entry *) + strlen(key) + 1 +
                   3 * (size_t)image->width * (size_t)image->height;
    uint64_t hash = hash_of(key);
    pthread_mutex_lock(&cache->lock);
    bool room = bytes <= cache->limit - cache->bytes && find(cache, hash, key) == NULL;
    cache->bytes += room ? bytes : 0;
    pthread_mutex_unlock(&cache->lock);
    if (!room)
        return;
    struct entry *entry = entry_new(hash, key, image);
    pthread_mutex_lock(&cache->lock);
    if (entry != NULL && find(cache, hash, key) == NULL) { /* another thread may have been faster */
        if (cache->count >= cache->bucket_count)
            grow(cache);
        struct entry **bucket = &cache->buckets[hash & (cache->bucket_count - 1)];
        entry->next = *bucket;
        *bucket = entry;
        cache->count++;
        entry = NULL;
    } else {
        cache->bytes -= bytes;
    }
    pthread_mutex_unlock(&cache->lock);
    entry_free(entry);
}

size_t cache_bytes(struct cache *cache) {
    pthread_mutex_lock(&cache->lock);
    size_t bytes = cache->bytes;
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}
