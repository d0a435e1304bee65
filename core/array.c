#include "core/array.h"

#include <stdint.h>
#include <stdlib.h>

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
