/* ledger: what was allocated on a device and not released yet, and the most that it ever was
 * together: CUDA does not say how much of a GPU's memory is a program's own. */
#ifndef ASSAY_WORKER_NN_CUDA_LEDGER_H
#define ASSAY_WORKER_NN_CUDA_LEDGER_H

#include "core/error.h"

#include <stddef.h>

struct ledger_entry {
    const void *memory;
    size_t bytes;
};

/* Zero-initialise; freed by ledger_free. */
struct ledger {
    struct ledger_entry *entries;
    size_t count, room;
    size_t held, most; /* bytes */
};

/* Fails when there is no memory to note it in. */
bool ledger_add(struct ledger *ledger, const void *memory, size_t bytes, struct error *error);
/* What was not added is passed over. */
void ledger_remove(struct ledger *ledger, const void *memory);
void ledger_free(struct ledger *ledger);

#endif
