#include "worker/nn/arena.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64 };

static bool meet(const struct arena_tensor *a, const struct arena_tensor *b) {
    return a->first <= b->last && b->first <= a->last;
}

static int larger_first(const void *a, const void *b) {
    const struct arena_tensor *const *left = a, *const *right = b;
    if ((*left)->bytes != (*right)->bytes)
        return (*left)->bytes < (*right)->bytes ? 1 : -1;
    return *left < *right ? -1 : *left > *right; /* qsort is not stable; places must be */
}

/* The lowest offset at which `tensor` meets none of the placed ones in both time and space. */
static size_t lowest_gap(const struct arena_tensor *tensor, struct arena_tensor *const *placed,
                         size_t count) {
    size_t offset = 0;
    bool moved = true;
    while (moved) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const struct arena_tensor *other = placed[i];
            if (meet(tensor, other) && offset < other->offset + other->bytes &&
                other->offset < offset + tensor->bytes) {
                offset = other->offset + other->bytes;
                moved = true;
            }
        }
    }
    return offset;
}

bool arena_place(struct arena_tensor *tensors, size_t count, size_t *bytes, struct error *error) {
    *bytes = 0;
    struct arena_tensor **order = calloc(count + 1, sizeof *order);
    if (order == NULL)
        return error_machine(error, "out of memory for a plan of %zu tensors", count);
    for (size_t i = 0; i < count; i++) {
        tensors[i].bytes = (tensors[i].bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        order[i] = &tensors[i];
    }
    qsort(order, count, sizeof *order, larger_first);
    for (size_t i = 0; i < count; i++) {
        order[i]->offset = lowest_gap(order[i], order, i);
        if (order[i]->offset + order[i]->bytes > *bytes)
            *bytes = order[i]->offset + order[i]->bytes;
    }
    free(order);
    return true;
}

bool arena_new(size_t bytes, void **memory, struct error *error) {
    *memory = NULL;
    if (bytes == 0)
        return true;
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return error_errno(error, ERROR_FAILED, "cannot take %.1f MiB of memory",
                           (double)bytes / (1 << 20));
    madvise(mapped, bytes, MADV_HUGEPAGE); /* a wish: without it only slower */
    *memory = mapped;
    return true;
}

void arena_free(void *memory, size_t bytes) {
    if (memory != NULL)
        munmap(memory, bytes);
}
