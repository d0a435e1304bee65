/* array: room in an array that grows by doubling. */
#ifndef ASSAY_CORE_ARRAY_H
#define ASSAY_CORE_ARRAY_H

#include <stddef.h>

/* The array with room for `count` items of `size` bytes: `items` itself where it has that, else a
 * larger one that has taken its place. NULL without memory: `items` then stays as it is. *capacity
 * is how many it has room for; at first it is 0 and `items` NULL. */
void *array_room(void *items, size_t count, size_t *capacity, size_t size);

#endif
