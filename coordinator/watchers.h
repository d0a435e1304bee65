/* watchers: the `changes` requests whose answer waits until something has changed, or long enough.
 *
 * One per peer, the newest, and of WATCHERS_MAX peers at most: a request that finds no place is
 * answered at once. One whose peer is gone is forgotten when its time is over. Pure: knows no
 * socket and no clock.
 */
#ifndef ASSAY_COORDINATOR_WATCHERS_H
#define ASSAY_COORDINATOR_WATCHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WATCHERS_MAX = 256,
    WATCHERS_IDENTITY_MAX = 255, /* bytes of a router's name for a peer */
    WATCHERS_WAIT_MS = 20 * 1000
};

struct watcher {
    unsigned char identity[WATCHERS_IDENTITY_MAX];
    size_t identity_length;
    uint64_t request;
    int64_t until_ms;
};

/* Zero-initialise; owns nothing else. */
struct watchers {
    struct watcher items[WATCHERS_MAX];
    size_t count;
};

/* Keeps the request until now + WATCHERS_WAIT_MS. If the peer waits already, that request goes to
 * *earlier and must be answered; *replaced says so. False when there is no place. */
bool watchers_add(struct watchers *watchers, const void *identity, size_t identity_length,
                  uint64_t request, int64_t now_ms, struct watcher *earlier, bool *replaced);

/* Takes out one whose time is over, or, when something has changed, any. False when there is none.
 */
bool watchers_take(struct watchers *watchers, bool changed, int64_t now_ms,
                   struct watcher *watcher);

#endif
