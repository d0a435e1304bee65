#include "worker/flight.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool flight_open(const struct backend *backend, struct model *model, size_t batch_size,
                 struct flight *flight, struct error *error) {
    *flight = (struct flight){.backend = backend, .model = model};
    for (size_t i = 0; i < BACKEND_AHEAD; i++) {
        struct landed *slot = &flight->slots[i];
        slot->labels = calloc(batch_size, sizeof *slot->labels);
        slot->losses = calloc(batch_size, sizeof *slot->losses);
        slot->logits = calloc(batch_size, NETWORK_CLASSES * sizeof *slot->logits);
        if (slot->labels == NULL || slot->losses == NULL || slot->logits == NULL)
            return error_set(error, ERROR_FAILED, "out of memory");
    }
    return true;
}

void flight_close(struct flight *flight) {
    for (size_t i = 0; i < BACKEND_AHEAD; i++) {
        free(flight->slots[i].labels);
        free(flight->slots[i].losses);
        free(flight->slots[i].logits);
    }
    *flight = (struct flight){0};
}

size_t flight_count(const struct flight *flight) {
    return flight->sent - flight->landed;
}

bool flight_due(const struct flight *flight) {
    return flight_count(flight) == (flight->backend->queue != NULL ? BACKEND_AHEAD : 1);
}

bool flight_send(struct flight *flight, const struct batch *batch, const struct update *update,
                 struct error *error) {
    const struct backend *backend = flight->backend;
    struct landed *slot = &flight->slots[flight->sent % BACKEND_AHEAD];
    bool done;
    assert(!flight_due(flight));
    slot->count = batch->count;
    memcpy(slot->labels, batch->labels, batch->count * sizeof *slot->labels);
    if (backend->queue != NULL)
        done = backend->queue(flight->model, batch, update, error);
    else if (update != NULL)
        done = backend->train_step(flight->model, batch, update, slot->losses, slot->logits, error);
    else
        done = backend->evaluate(flight->model, batch, slot->losses, slot->logits, error);
    flight->sent += done;
    return done;
}

bool flight_land(struct flight *flight, const struct landed **landed, struct error *error) {
    const struct landed *slot = &flight->slots[flight->landed % BACKEND_AHEAD];
    assert(flight_count(flight) > 0);
    flight->landed++;
    *landed = slot;
    return flight->backend->take == NULL ||
           flight->backend->take(flight->model, slot->losses, slot->logits, error);
}
