#include "worker/nn/cuda/ledger.h"

#include "core/array.h"

#include <stdlib.h>

bool ledger_add(struct ledger *ledger, const void *memory, size_t bytes, struct error *error) {
    struct ledger_entry *entries =
        array_room(ledger->entries, ledger->count + 1, &ledger->room, sizeof *entries);
    if (entries == NULL)
        return error_memory(error);
    ledger->entries = entries;
    ledger->entries[ledger->count++] = (struct ledger_entry){memory, bytes};
    ledger->held += bytes;
    if (ledger->held > ledger->most)
        ledger->most = ledger->held;
    return true;
}

void ledger_remove(struct ledger *ledger, const void *memory) {
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->entries[i].memory != memory)
            continue;
        ledger->held -= ledger->entries[i].bytes;
        ledger->entries[i] = ledger->entries[--ledger->count];
        return;
    }
}

void ledger_free(struct ledger *ledger) {
    free(ledger->entries);
    *ledger = (struct ledger){0};
}
