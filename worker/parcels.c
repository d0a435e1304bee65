#include "worker/parcels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct parcel parcel; /* its strings are owned */
    struct item *next;
};

struct parcels {
    pthread_mutex_t lock; /* guards what follows */
    struct item *first;
    bool carried;    /* the first one is */
    bool dropped;    /* it was, while it was carried */
    int64_t arrived; /* bytes of it */
};

const char *parcel_name(const struct parcel *parcel) {
    const char *slash = strrchr(parcel->path, '/');
    return slash != NULL ? slash + 1 : parcel->path;
}

static void item_free(struct item *item) {
    if (item == NULL)
        return;
    free((char *)(uintptr_t)item->parcel.kind);
    free((char *)(uintptr_t)item->parcel.path);
    free(item);
}

static struct item *item_new(const struct parcel *parcel) {
    struct item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return NULL;
    item->parcel = *parcel;
    item->parcel.kind = strdup(parcel->kind);
    item->parcel.path = strdup(parcel->path);
    if (item->parcel.kind != NULL && item->parcel.path != NULL)
        return item;
    item_free(item);
    return NULL;
}

bool parcels_new(struct parcels **parcels, struct error *error) {
    *parcels = calloc(1, sizeof **parcels);
    if (*parcels == NULL)
        return error_memory(error);
    pthread_mutex_init(&(*parcels)->lock, NULL);
    return true;
}

void parcels_free(struct parcels *parcels) {
    if (parcels == NULL)
        return;
    while (parcels->first != NULL) {
        struct item *next = parcels->first->next;
        item_free(parcels->first);
        parcels->first = next;
    }
    pthread_mutex_destroy(&parcels->lock);
    free(parcels);
}

/* Where the first one stands that is not being carried. */
static struct item **first_waiting(struct parcels *parcels) {
    return parcels->carried ? &parcels->first->next : &parcels->first;
}

/* Takes the item out; *at is the one after it then. */
static void take_out(struct item **at) {
    struct item *item = *at;
    *at = item->next;
    item_free(item);
}

bool parcels_add(struct parcels *parcels, const struct parcel *parcel, struct error *error) {
    struct item *item = item_new(parcel);
    if (item == NULL)
        return error_memory(error);
    pthread_mutex_lock(&parcels->lock);
    struct item **at = first_waiting(parcels);
    while (*at != NULL) {
        const struct parcel *old = &(*at)->parcel;
        if (old->experiment == parcel->experiment &&
            strcmp(parcel_name(old), parcel_name(parcel)) == 0)
            take_out(at);
        else
            at = &(*at)->next;
    }
    *at = item;
    pthread_mutex_unlock(&parcels->lock);
    return true;
}

static bool is_of(const struct item *item, int64_t experiment, int64_t attempt) {
    return item->parcel.experiment == experiment && item->parcel.attempt == attempt;
}

void parcels_drop(struct parcels *parcels, int64_t experiment, int64_t attempt) {
    pthread_mutex_lock(&parcels->lock);
    if (parcels->carried && is_of(parcels->first, experiment, attempt))
        parcels->dropped = true;
    struct item **at = first_waiting(parcels);
    while (*at != NULL) {
        if (is_of(*at, experiment, attempt))
            take_out(at);
        else
            at = &(*at)->next;
    }
    pthread_mutex_unlock(&parcels->lock);
}

/* How many wait of the attempt; *bytes: theirs that have not arrived. */
static size_t count_waiting(struct parcels *parcels, int64_t experiment, int64_t attempt,
                            int64_t *bytes) {
    size_t count = 0;
    *bytes = 0;
    pthread_mutex_lock(&parcels->lock);
    for (const struct item *item = parcels->first; item != NULL; item = item->next) {
        bool first = item == parcels->first;
        if (!is_of(item, experiment, attempt) || (first && parcels->dropped))
            continue;
        count++;
        *bytes += item->parcel.bytes - (first ? parcels->arrived : 0);
    }
    pthread_mutex_unlock(&parcels->lock);
    return count;
}

size_t parcels_count(struct parcels *parcels, int64_t experiment, int64_t attempt) {
    int64_t bytes;
    return count_waiting(parcels, experiment, attempt, &bytes);
}

int64_t parcels_bytes(struct parcels *parcels, int64_t experiment, int64_t attempt) {
    int64_t bytes;
    count_waiting(parcels, experiment, attempt, &bytes);
    return bytes;
}

const struct parcel *parcels_carry(struct parcels *parcels, bool *dropped) {
    pthread_mutex_lock(&parcels->lock);
    parcels->carried = parcels->first != NULL;
    *dropped = parcels->dropped;
    const struct parcel *parcel = parcels->carried ? &parcels->first->parcel : NULL;
    pthread_mutex_unlock(&parcels->lock);
    return parcel;
}

void parcels_arrived(struct parcels *parcels, int64_t bytes) {
    pthread_mutex_lock(&parcels->lock);
    parcels->arrived = bytes;
    pthread_mutex_unlock(&parcels->lock);
}

void parcels_put_down(struct parcels *parcels) {
    pthread_mutex_lock(&parcels->lock);
    take_out(&parcels->first);
    parcels->carried = parcels->dropped = false;
    parcels->arrived = 0;
    pthread_mutex_unlock(&parcels->lock);
}
