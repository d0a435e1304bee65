#include "worker/flight.h"

#include "core/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool flight_open(const struct backend *backend, struct model *model, size_t batch_size,
                 struct flight *flight, struct error *error) {
    *flight = (struct flight){
        .backend = backend, .model = model, .stride = 1, .seconds = clock_steady_seconds};
    for (size_t i = 0; i < BACKEND_AHEAD; i++) {
        struct landed *slot = &flight->slots[i];
        slot->labels = calloc(batch_size, sizeof *slot->labels);
        slot->losses = calloc(batch_size, sizeof *slot->losses);
        slot->logits = calloc(batch_size, NETWORK_CLASSES * sizeof *slot->logits);
        if (slot->labels == NULL || slot->losses == NULL || slot->logits == NULL)
            return error_memory(error);
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
    return flight_count(flight) >= (flight->backend->queue != NULL ? 2 * flight->stride : 1);
}

/* Twice the stride is to be done in half a second. It doubles at most: the first batches may have
 * been small, or the clock coarse. */
size_t flight_stride(size_t stride, double seconds) {
    size_t wanted = seconds * FLIGHT_STRIDE > 0.25 ? (size_t)(0.25 / seconds) : FLIGHT_STRIDE;
    if (wanted > 2 * stride)
        wanted = 2 * stride;
    return wanted < 1 ? 1 : wanted;
}

/* Batches whose results were asked for at once have landed. */
static void measure(struct flight *flight) {
    double now = flight->seconds();
    double batches = (double)(flight->landed - flight->counted);
    flight->stride = flight_stride(flight->stride, (now - flight->since) / batches);
    flight->since = now;
    flight->counted = flight->landed;
}

bool flight_send(struct flight *flight, const struct batch *batch, const struct update *update,
                 struct error *error) {
    const struct backend *backend = flight->backend;
    struct landed *slot = &flight->slots[flight->sent % BACKEND_AHEAD];
    struct batch order = *batch;
    bool done;
    assert(!flight_due(flight));
    if (flight_count(flight) == 0) {
        flight->since = flight->seconds();
        flight->counted = flight->landed;
        flight->held = 0;
    }
    order.held = flight->held + 1 < flight->stride;
    slot->asked = !order.held;
    slot->count = batch->count;
    memcpy(slot->labels, batch->labels, batch->count * sizeof *slot->labels);
    if (backend->queue != NULL)
        done = backend->queue(flight->model, &order, update, error);
    else if (update != NULL)
        done = backend->train_step(flight->model, batch, update, slot->losses, slot->logits, error);
    else
        done = backend->evaluate(flight->model, batch, slot->losses, slot->logits, error);
    flight->sent += done;
    flight->held = order.held ? flight->held + 1 : 0;
    return done;
}

bool flight_land(struct flight *flight, const struct landed **landed, struct error *error) {
    const struct landed *slot = &flight->slots[flight->landed % BACKEND_AHEAD];
    assert(flight_count(flight) > 0);
    flight->landed++;
    *landed = slot;
    if (flight->backend->take == NULL)
        return true;
    if (!flight->backend->take(flight->model, slot->losses, slot->logits, error))
        return false;
    if (slot->asked)
        measure(flight);
    return true;
}
