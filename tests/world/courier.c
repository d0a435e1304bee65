/* What worker/courier.c does around delivery.h and parcels.h, and net/gather.c around pickup.h. */
#include "core/json.h"
#include "tests/world/world.h"
#include "worker/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above every number of the worker's other requests; what is fetched above what is sent. */
#define SENT ((uint64_t)1 << 32)
#define FETCHED ((uint64_t)1 << 33)

static int64_t bytes_of(int epoch) {
    return (epoch + 1) * (int64_t)sizeof(uint64_t);
}

struct content *content_after(struct world *world, const uint64_t *weights, int epoch) {
    return shelf_content(world, weights, bytes_of(epoch));
}

/* --- what is sent --- */

void courier_send(struct world *world, struct hand *hand, const cJSON *report) {
    char path[32];
    struct parcel parcel = {.experiment = hand->duty.experiment,
                            .attempt = hand->duty.attempt,
                            .kind = json_string(report, "kind"),
                            .path = path};
    if (world->shelf.folder[0] == '\0')
        return;
    if (strcmp(parcel.kind, "last") == 0)
        snprintf(path, sizeof path, "last.st");
    else
        snprintf(path, sizeof path, "epoch_%d.st", (int)json_integer(report, "epoch"));
    demand(world, hand->courier.parcels != NULL || parcels_new(&hand->courier.parcels, NULL),
           "no memory");
    demand(world, parcels_add(hand->courier.parcels, &parcel, NULL), "no memory");
}

void courier_drop(struct hand *hand) {
    parcels_free(hand->courier.parcels);
    memset(&hand->courier, 0, sizeof hand->courier);
}

/* The file as it is now: one that is written over may be of a later epoch. False: it is gone, with
 * an experiment that was set aside. */
static bool pick_up(struct world *world, struct hand *hand, const struct parcel *parcel) {
    const struct checkpoint_file *file = &hand->files[parcel->experiment];
    bool last = strcmp(parcel->kind, "last") == 0;
    int epoch = last ? file->epoch : parcel_name(parcel)[strlen("epoch_")] - '0';
    if (file->epoch == 0 || file->epoch < epoch)
        return false;
    hand->courier.epoch = epoch;
    hand->courier.content = content_after(world, file->weights, epoch);
    delivery_init(&hand->courier.delivery, hand->courier.content->bytes, random_u32(&world->draws),
                  world->now.steady_ms);
    return true;
}

static cJSON *body_of(const struct hand *hand, const struct parcel *parcel) {
    const struct asker asker = {hand->name, spool_history(hand->spool)};
    cJSON *body = request_of_attempt(&asker, parcel->experiment, parcel->attempt);
    cJSON_AddStringToObject(body, "sha256", hand->courier.content->sha256);
    return body;
}

static bool offer(struct world *world, struct hand *hand, const struct parcel *parcel) {
    cJSON *body = body_of(hand, parcel);
    cJSON_AddStringToObject(body, "name", parcel_name(parcel));
    cJSON_AddStringToObject(body, "kind", parcel->kind);
    cJSON_AddNumberToObject(body, "epoch", hand->courier.epoch);
    cJSON_AddNumberToObject(body, "bytes", (double)hand->courier.content->bytes);
    hand->courier.since = SENT + ++hand->courier.number;
    return mail_say(world, hand, "offer", hand->courier.since, body, NULL, 0);
}

static bool send_piece(struct world *world, struct hand *hand, const struct parcel *parcel,
                       const struct delivery_action *action) {
    cJSON *body = body_of(hand, parcel);
    cJSON_AddNumberToObject(body, "offset", (double)action->offset);
    return mail_say(world, hand, "send", SENT + ++hand->courier.number, body,
                    hand->courier.content->data + action->offset, action->length);
}

/* One step. False: there is nothing to do now. */
static bool carry(struct world *world, struct hand *hand, const struct parcel *parcel) {
    static const struct delivery_event unsent = {.kind = DELIVERY_UNSENT};
    struct delivery *delivery = &hand->courier.delivery;
    struct delivery_action action = delivery_next(delivery, world->now.steady_ms);
    bool said = true;
    switch (action.kind) {
    case DELIVERY_WAIT: return false;
    case DELIVERY_OFFER: said = offer(world, hand, parcel); break;
    case DELIVERY_SEND: said = send_piece(world, hand, parcel, &action); break;
    case DELIVERY_DONE:
    case DELIVERY_GIVEN_UP:
        tell(world, "%s %s %s of %lld, epoch %d", hand->name,
             action.kind == DELIVERY_DONE ? "has sent" : "gives up", parcel_name(parcel),
             (long long)parcel->experiment, hand->courier.epoch);
        parcels_put_down(hand->courier.parcels);
        hand->courier.content = NULL;
    }
    if (!said)
        delivery_take(delivery, &unsent, world->now.steady_ms);
    return true;
}

void courier_turn(struct world *world, struct hand *hand) {
    const struct parcel *parcel;
    bool dropped, goes_on = hand->courier.parcels != NULL;
    while (goes_on && (parcel = parcels_carry(hand->courier.parcels, &dropped)) != NULL) {
        if (hand->courier.content == NULL && !pick_up(world, hand, parcel))
            parcels_put_down(hand->courier.parcels);
        else
            goes_on = carry(world, hand, parcel);
    }
}

bool courier_idle(const struct hand *hand) {
    bool dropped;
    return hand->courier.parcels == NULL || parcels_carry(hand->courier.parcels, &dropped) == NULL;
}

/* --- what is fetched --- */

void courier_fetch(struct world *world, struct hand *hand, const char *sha256) {
    struct fetching *fetching = &hand->trial.fetching;
    *fetching = (struct fetching){.state = FETCH_UNDER_WAY};
    snprintf(fetching->sha256, sizeof fetching->sha256, "%s", sha256);
    pickup_init(&fetching->pickup, -1, 0, random_u32(&world->draws), world->now.steady_ms);
    tell(world, "%s fetches %.8s for %lld", hand->name, sha256, hand->trial.experiment);
}

static void check_part(struct world *world, struct fetching *fetching) {
    char sha256[SHA256_TEXT_SIZE];
    sha256_text(fetching->part, (size_t)fetching->bytes, sha256);
    bool right = strcmp(sha256, fetching->sha256) == 0;
    pickup_checked(&fetching->pickup, right, world->now.steady_ms);
}

void courier_go_on_fetching(struct world *world, struct hand *hand) {
    static const struct pickup_event unsent = {.kind = PICKUP_UNSENT};
    struct fetching *fetching = &hand->trial.fetching;
    int64_t now_ms = world->now.steady_ms;
    while (fetching->state == FETCH_UNDER_WAY) {
        struct pickup_action action = pickup_next(&fetching->pickup, now_ms);
        switch (action.kind) {
        case PICKUP_WAIT: return;
        case PICKUP_CHECK: check_part(world, fetching); break;
        case PICKUP_DONE: fetching->state = FETCH_COME; break;
        case PICKUP_GIVEN_UP: fetching->state = FETCH_GONE; break;
        case PICKUP_ASK: {
            cJSON *body = cJSON_CreateObject();
            cJSON_AddStringToObject(body, "sha256", fetching->sha256);
            cJSON_AddNumberToObject(body, "offset", (double)action.offset);
            fetching->asked = FETCHED + ++hand->courier.number;
            if (!mail_say(world, hand, "fetch", fetching->asked, body, NULL, 0))
                pickup_take(&fetching->pickup, &unsent, now_ms);
        }
        }
    }
}

static void hear_of_fetching(struct world *world, struct hand *hand,
                             const struct wire_message *message) {
    struct fetching *fetching = &hand->trial.fetching;
    const struct pickup_event event = mail_of_pickup(message);
    if (fetching->state != FETCH_UNDER_WAY || message->request != fetching->asked)
        return;
    if (mail_is_code(message, WIRE_INVALID))
        fetching->pickup.have = 0;
    if (!pickup_take(&fetching->pickup, &event, world->now.steady_ms))
        return;
    demand(world, event.offset + (int64_t)event.length <= (int64_t)sizeof fetching->part,
           "a checkpoint is too long");
    memcpy(fetching->part + event.offset, message->bytes, event.length);
    fetching->bytes = event.offset + (int64_t)event.length;
}

bool courier_hear(struct world *world, struct hand *hand, const struct wire_message *message) {
    if (message->request < SENT)
        return false;
    if (message->request >= FETCHED) {
        hear_of_fetching(world, hand, message);
    } else if (hand->courier.content != NULL && message->request >= hand->courier.since) {
        struct delivery_event event = mail_of_delivery(message);
        delivery_take(&hand->courier.delivery, &event, world->now.steady_ms);
    }
    return true;
}
