#include "worker/nn/cuda/gpu_exchange.h"

#include <assert.h>
#include <string.h>

enum { NUMBERS_BYTES = 256 };
_Static_assert(sizeof(struct step_numbers) <= NUMBERS_BYTES, "numbers have grown");

/* ---- what goes there: numbers, samples, labels; what comes back: losses, logits ---- */

static size_t labels_at(size_t room) {
    return NUMBERS_BYTES + room * sizeof(uint64_t);
}

static size_t order_bytes(size_t room) {
    return labels_at(room) + room * sizeof(int32_t);
}

/* Of one batch. */
static size_t result_floats(size_t room) {
    return (1 + NETWORK_CLASSES) * room;
}

static size_t ring_bytes(size_t room) {
    return BACKEND_AHEAD * result_floats(room) * sizeof(float);
}

/* ---- memory ---- */

void gpu_exchange_init(struct device *device, struct gpu_exchange *exchange) {
    *exchange = (struct gpu_exchange){.device = device};
}

void gpu_exchange_free(struct gpu_exchange *exchange) {
    struct device *device = exchange->device;
    if (exchange->block != NULL)
        device->release(device, exchange->block);
    if (exchange->orders != NULL)
        device->unpin(device, exchange->orders);
    if (exchange->results != NULL)
        device->unpin(device, exchange->results);
    *exchange = (struct gpu_exchange){0};
}

/* For batches of up to `room` pictures, whatever it has now. */
static bool allocate(struct gpu_exchange *exchange, size_t room, struct error *error) {
    struct device *device = exchange->device;
    void *block = NULL, *orders = NULL, *results = NULL;
    bool done = device->allocate(device, order_bytes(room) + ring_bytes(room), &block, error) &&
                device->pin(device, BACKEND_AHEAD * order_bytes(room), &orders, error) &&
                device->pin(device, ring_bytes(room), &results, error);
    exchange->block = block;
    exchange->orders = orders;
    exchange->results = results;
    exchange->room = room;
    if (!done)
        gpu_exchange_free(exchange);
    return done;
}

/* ---- the way back ---- */

/* The oldest copy that may not be over is. */
static bool copy_end(struct gpu_exchange *exchange, struct error *error) {
    int mark = (int)(exchange->copies_over % MARKS_RESULTS);
    if (!exchange->device->wait(exchange->device, MARK_RESULTS + mark, error))
        return false;
    exchange->arrived = exchange->ends[mark];
    exchange->copies_over++;
    return true;
}

/* Has all results that were not asked for copied back, behind the launches that make them: in two
 * parts where the ring ends between them. */
static bool ask(struct gpu_exchange *exchange, struct error *error) {
    struct device *device = exchange->device;
    size_t floats = result_floats(exchange->room);
    const float *ring = gpu_exchange_batch(exchange).losses;
    if (exchange->copies - exchange->copies_over == MARKS_RESULTS && !copy_end(exchange, error))
        return false;
    for (size_t at = exchange->asked, part; at < exchange->sent; at += part) {
        size_t place = at % BACKEND_AHEAD, left = exchange->sent - at;
        part = left < BACKEND_AHEAD - place ? left : BACKEND_AHEAD - place;
        if (!device->download_later(device, exchange->results + place * floats,
                                    ring + place * floats, part * floats * sizeof(float), error))
            return false;
    }
    int mark = (int)(exchange->copies % MARKS_RESULTS);
    if (!device->mark(device, MARK_RESULTS + mark, error))
        return false;
    exchange->ends[mark] = exchange->asked = exchange->sent;
    exchange->copies++;
    return true;
}

/* All results are here. */
static bool ask_and_wait(struct gpu_exchange *exchange, struct error *error) {
    bool done = exchange->asked == exchange->sent || ask(exchange, error);
    while (done && exchange->copies_over < exchange->copies)
        done = copy_end(exchange, error);
    return done;
}

/* Makes room for larger batches; those under way are finished first, and their results kept. */
static bool reserve(struct gpu_exchange *exchange, size_t count, struct error *error) {
    size_t room = (count + 3) / 4 * 4; /* what follows the labels stays aligned */
    if (count <= exchange->room)
        return true;
    if (!ask_and_wait(exchange, error))
        return false;
    struct gpu_exchange grown = *exchange;
    if (!allocate(&grown, room, error))
        return false;
    for (size_t at = exchange->taken; at < exchange->sent; at++) {
        size_t place = at % BACKEND_AHEAD, pictures = exchange->counts[place];
        const float *from = exchange->results + place * result_floats(exchange->room);
        float *to = grown.results + place * result_floats(room);
        memcpy(to, from, pictures * sizeof *to);
        memcpy(to + room, from + exchange->room, NETWORK_CLASSES * pictures * sizeof *to);
    }
    gpu_exchange_free(exchange);
    *exchange = grown;
    return true;
}

/* ---- there and back ---- */

bool gpu_exchange_send(struct gpu_exchange *exchange, const struct batch *batch,
                       const struct update *update, const struct loss *loss, struct error *error) {
    size_t place = exchange->sent % BACKEND_AHEAD;
    assert(exchange->sent - exchange->taken < BACKEND_AHEAD);
    if (!reserve(exchange, batch->count, error))
        return false;
    char *order = exchange->orders + place * order_bytes(exchange->room);
    struct step_numbers *numbers = (struct step_numbers *)order;
    *numbers = (struct step_numbers){.epoch = batch->epoch,
                                     .results = place * result_floats(exchange->room)};
    if (update != NULL)
        update_rule_make(update, &numbers->rule);
    for (size_t i = 0; i < batch->count; i++)
        numbers->class_weights += loss->class_weights[batch->labels[i]];
    memcpy(order + NUMBERS_BYTES, batch->samples, batch->count * sizeof *batch->samples);
    memcpy(order + labels_at(exchange->room), batch->labels, batch->count * sizeof *batch->labels);
    return exchange->device->upload(exchange->device, exchange->block, order,
                                    order_bytes(exchange->room), error);
}

struct gpu_batch gpu_exchange_batch(const struct gpu_exchange *exchange) {
    float *results = (float *)(exchange->block + order_bytes(exchange->room));
    return (struct gpu_batch){
        .numbers = (const struct step_numbers *)exchange->block,
        .samples = (const uint64_t *)(exchange->block + NUMBERS_BYTES),
        .labels = (const int32_t *)(exchange->block + labels_at(exchange->room)),
        .losses = results,
        .logits = results + exchange->room,
    };
}

bool gpu_exchange_return(struct gpu_exchange *exchange, const struct batch *batch,
                         struct error *error) {
    exchange->counts[exchange->sent++ % BACKEND_AHEAD] = batch->count;
    return batch->held || ask(exchange, error);
}

bool gpu_exchange_take(struct gpu_exchange *exchange, float *losses, float *logits,
                       struct error *error) {
    size_t place = exchange->taken % BACKEND_AHEAD, count = exchange->counts[place];
    assert(exchange->taken < exchange->sent);
    if (exchange->taken == exchange->asked && !ask(exchange, error))
        return false;
    while (exchange->arrived == exchange->taken)
        if (!copy_end(exchange, error))
            return false;
    exchange->taken++;
    const float *results = exchange->results + place * result_floats(exchange->room);
    memcpy(losses, results, count * sizeof *losses);
    memcpy(logits, results + exchange->room, NETWORK_CLASSES * count * sizeof *logits);
    return true;
}
