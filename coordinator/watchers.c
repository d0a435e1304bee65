#include "coordinator/watchers.h"

#include <string.h>

static struct watcher *find(struct watchers *watchers, const void *identity, size_t length) {
    for (size_t i = 0; i < watchers->count; i++)
        if (watchers->items[i].identity_length == length &&
            memcmp(watchers->items[i].identity, identity, length) == 0)
            return &watchers->items[i];
    return NULL;
}

bool watchers_add(struct watchers *watchers, const void *identity, size_t identity_length,
                  uint64_t request, int64_t now_ms, struct watcher *earlier, bool *replaced) {
    *replaced = false;
    if (identity_length > WATCHERS_IDENTITY_MAX)
        return false;
    struct watcher *watcher = find(watchers, identity, identity_length);
    if (watcher != NULL) {
        *earlier = *watcher;
        *replaced = true;
    } else if (watchers->count < WATCHERS_MAX) {
        watcher = &watchers->items[watchers->count++];
    } else {
        return false;
    }
    memcpy(watcher->identity, identity, identity_length);
    watcher->identity_length = identity_length;
    watcher->request = request;
    watcher->until_ms = now_ms + WATCHERS_WAIT_MS;
    return true;
}

bool watchers_take(struct watchers *watchers, bool changed, int64_t now_ms,
                   struct watcher *watcher) {
    for (size_t i = 0; i < watchers->count; i++) {
        if (!changed && now_ms < watchers->items[i].until_ms)
            continue;
        *watcher = watchers->items[i];
        watchers->items[i] = watchers->items[--watchers->count];
        return true;
    }
    return false;
}
