#include "worker/nn/cuda/ledger.h"

#include <stdlib.h>

bool ledger_add(struct ledger *ledger, const void *memory, size_t bytes, struct error *error) {
    if (ledger->count == ledger->room) {
        size_t room = 2 * ledger->room + 16;
        struct ledger_entry *grown = reallocarray(ledger->entries, room, sizeof *grown);
        if (grown == NULL)
            return error_set(error, ERROR_FAILED, "out of memory");
        ledger->entries = grown;
        ledger->room = room;
    }
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
