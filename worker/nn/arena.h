/* arena: one block of memory for everything that lives within a step.
 *
 * A plan knows when each of its tensors is first written and last read. Tensors whose times do not
 * meet may stand in the same place: gradients take over what the forward pass has finished with.
 */
#ifndef ASSAY_WORKER_NN_ARENA_H
#define ASSAY_WORKER_NN_ARENA_H

#include "core/error.h"

#include <stddef.h>

struct arena_tensor {
    size_t bytes;
    int first, last; /* times, both inclusive */
    size_t offset;   /* filled by arena_place; a multiple of 64 */
};

/* Gives each tensor its offset and returns the bytes that all of them need. Larger ones choose
 * first; each takes the lowest gap that is free over its whole life. False when memory runs out. */
bool arena_place(struct arena_tensor *tensors, size_t count, size_t *bytes, struct error *error);

/* Memory aligned to pages, in huge pages where the system gives them, zeroed. Freed with
 * arena_free. */
bool arena_new(size_t bytes, void **memory, struct error *error);
void arena_free(void *memory, size_t bytes);

#endif
