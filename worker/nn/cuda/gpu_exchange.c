#include "worker/nn/cuda/gpu_exchange.h"

#include <assert.h>
#include <string.h>

enum { NUMBERS_BYTES = 256 };
_Static_assert(sizeof(struct step_numbers) <= NUMBERS_BYTES, "numbers have grown");
_Static_assert((int)BACKEND_AHEAD <= (int)DEVICE_MARKS, "a mark for each slot");

/* ---- the block: numbers, samples, labels; losses, logits ---- */

static size_t labels_at(size_t room) {
    return NUMBERS_BYTES + room * sizeof(uint64_t);
}

static size_t results_at(size_t room) {
    return labels_at(room) + room * sizeof(int32_t);
}

static size_t results_bytes(size_t room) {
    return (1 + NETWORK_CLASSES) * room * sizeof(float);
}

/* ---- memory ---- */

void gpu_exchange_init(struct device *device, struct gpu_exchange *exchange) {
    *exchange = (struct gpu_exchange){.device = device};
}

void gpu_exchange_free(struct gpu_exchange *exchange) {
    for (int i = 0; i < BACKEND_AHEAD; i++)
        if (exchange->slots[i].block != NULL)
            exchange->device->unpin(exchange->device, exchange->slots[i].block);
    if (exchange->block != NULL)
        exchange->device->release(exchange->device, exchange->block);
    *exchange = (struct gpu_exchange){0};
}

/* Makes the device's block larger; what is under way is finished first, and stays in its slots. */
static bool block_reserve(struct gpu_exchange *exchange, size_t count, struct error *error) {
    struct device *device = exchange->device;
    size_t room = (count + 3) / 4 * 4; /* what follows the labels stays aligned */
    if (count <= exchange->room)
        return true;
    if (!device->finish(device, error))
        return false;
    if (exchange->block != NULL)
        device->release(device, exchange->block);
    exchange->block = NULL;
    exchange->room = 0;
    if (!device->allocate(device, results_at(room) + results_bytes(room), (void **)&exchange->block,
                          error))
        return false;
    exchange->room = room;
    return true;
}

/* The slot, which is free, gets the layout of the device's block. */
static bool slot_reserve(struct gpu_exchange *exchange, struct exchange_slot *slot,
                         struct error *error) {
    size_t room = exchange->room;
    if (slot->room == room)
        return true;
    if (slot->block != NULL)
        exchange->device->unpin(exchange->device, slot->block);
    *slot = (struct exchange_slot){0};
    if (!exchange->device->pin(exchange->device, results_at(room) + results_bytes(room),
                               (void **)&slot->block, error))
        return false;
    slot->room = room;
    return true;
}

/* ---- there and back ---- */

bool gpu_exchange_send(struct gpu_exchange *exchange, const struct batch *batch,
                       const struct update *update, const struct loss *loss, struct error *error) {
    struct exchange_slot *slot = &exchange->slots[exchange->sent % BACKEND_AHEAD];
    assert(exchange->sent - exchange->taken < BACKEND_AHEAD);
    if (!block_reserve(exchange, batch->count, error) || !slot_reserve(exchange, slot, error))
        return false;
    struct step_numbers *numbers = (struct step_numbers *)slot->block;
    *numbers = (struct step_numbers){.epoch = batch->epoch};
    if (update != NULL)
        update_rule_make(update, &numbers->rule);
    for (size_t i = 0; i < batch->count; i++)
        numbers->class_weights += loss->class_weights[batch->labels[i]];
    memcpy(slot->block + NUMBERS_BYTES, batch->samples, batch->count * sizeof *batch->samples);
    memcpy(slot->block + labels_at(slot->room), batch->labels,
           batch->count * sizeof *batch->labels);
    return exchange->device->upload(exchange->device, exchange->block, slot->block,
                                    results_at(slot->room), error);
}

struct gpu_batch gpu_exchange_batch(const struct gpu_exchange *exchange) {
    float *results = (float *)(exchange->block + results_at(exchange->room));
    return (struct gpu_batch){
        .numbers = (const struct step_numbers *)exchange->block,
        .samples = (const uint64_t *)(exchange->block + NUMBERS_BYTES),
        .labels = (const int32_t *)(exchange->block + labels_at(exchange->room)),
        .losses = results,
        .logits = results + exchange->room,
    };
}

bool gpu_exchange_return(struct gpu_exchange *exchange, size_t count, struct error *error) {
    struct device *device = exchange->device;
    int number = (int)(exchange->sent % BACKEND_AHEAD);
    struct exchange_slot *slot = &exchange->slots[number];
    size_t at = results_at(slot->room);
    slot->count = count;
    if (!device->download_later(device, slot->block + at, exchange->block + at,
                                results_bytes(slot->room), error) ||
        !device->mark(device, number, error))
        return false;
    exchange->sent++;
    return true;
}

bool gpu_exchange_take(struct gpu_exchange *exchange, float *losses, float *logits,
                       struct error *error) {
    int number = (int)(exchange->taken % BACKEND_AHEAD);
    const struct exchange_slot *slot = &exchange->slots[number];
    assert(exchange->taken < exchange->sent);
    exchange->taken++;
    if (!exchange->device->wait(exchange->device, number, error))
        return false;
    const float *results = (const float *)(slot->block + results_at(slot->room));
    memcpy(losses, results, slot->count * sizeof *losses);
    memcpy(logits, results + slot->room, NETWORK_CLASSES * slot->count * sizeof *logits);
    return true;
}
