/* list: pointers in an order, found by binary search. For scheduler.c. */
#ifndef ASSAY_COORDINATOR_LIST_H
#define ASSAY_COORDINATOR_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Below, equal to or above 0: how the key stands to the item. */
typedef int list_order(const void *key, const void *item);

/* Zero-initialise; free `items` in the end. What they point at is the caller's. */
struct list {
    void **items;
    size_t count, capacity;
};

/* Room for `count` items; false without memory. list_insert fails never within it. */
bool list_reserve(struct list *list, size_t count);
/* The place of the first item that is not before the key; count when there is none. */
size_t list_place(const struct list *list, list_order *order, const void *key);
void *list_find(const struct list *list, list_order *order, const void *key); /* or NULL */
void list_insert(struct list *list, size_t place, void *item);
void list_remove(struct list *list, size_t place);

#endif
