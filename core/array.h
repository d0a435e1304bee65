/* array: room in an array that grows by doubling, and places in one that is sorted. */
#ifndef ASSAY_CORE_ARRAY_H
#define ASSAY_CORE_ARRAY_H

#include <stddef.h>

/* The array with room for `count` items of `size` bytes: `items` itself where it has that, else a
 * larger one that has taken its place. NULL without memory: `items` then stays as it is. *capacity
 * is how many it has room for; at first it is 0 and `items` NULL. */
void *array_room(void *items, size_t count, size_t *capacity, size_t size);
/* The same of `count` items with room for one more at `at`, from where on they have moved up. */
void *array_gap(void *items, size_t at, size_t count, size_t *capacity, size_t size);
/* The first of `count` sorted items that `key` is not behind: where it stands, or belongs.
 * `compare` is bsearch's. */
size_t array_place(const void *key, const void *items, size_t count, size_t size,
                   int (*compare)(const void *key, const void *item));

#endif
