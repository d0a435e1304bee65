#include "core/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 16 };

void *array_room(void *items, size_t count, size_t *capacity, size_t size) {
    if (items != NULL && count <= *capacity)
        return items;
    size_t wanted = *capacity <= SIZE_MAX / 2 ? 2 * *capacity : count;
    if (wanted < FIRST)
        wanted = FIRST;
    if (wanted < count)
        wanted = count;
    if (wanted > (size_t)PTRDIFF_MAX / size) /* no object is larger */
        return NULL;
    void *grown = realloc(items, wanted * size);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}

void *array_gap(void *items, size_t at, size_t count, size_t *capacity, size_t size) {
    char *room = array_room(items, count + 1, capacity, size);
    if (room != NULL)
        memmove(room + (at + 1) * size, room + at * size, (count - at) * size);
    return room;
}

size_t array_place(const void *key, const void *items, size_t count, size_t size,
                   int (*compare)(const void *key, const void *item)) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(key, (const char *)items + middle * size) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
