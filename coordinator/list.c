#include "coordinator/list.h"

#include "core/array.h"

#include <assert.h>
#include <string.h>

bool list_reserve(struct list *list, size_t count) {
    void **items = array_room(list->items, count, &list->capacity, sizeof *items);
    if (items == NULL)
        return false;
    list->items = items;
    return true;
}

size_t list_place(const struct list *list, list_order *order, const void *key) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(key, list->items[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void *list_find(const struct list *list, list_order *order, const void *key) {
    size_t place = list_place(list, order, key);
    bool found = place < list->count && order(key, list->items[place]) == 0;
    return found ? list->items[place] : NULL;
}

void list_insert(struct list *list, size_t place, void *item) {
    assert(list->count < list->capacity && place <= list->count);
    memmove(list->items + place + 1, list->items + place,
            (list->count - place) * sizeof *list->items);
    list->items[place] = item;
    list->count++;
}

void list_remove(struct list *list, size_t place) {
    assert(place < list->count);
    memmove(list->items + place, list->items + place + 1,
            (list->count - place - 1) * sizeof *list->items);
    list->count--;
}
