#include "tests/world/porter.h"

#include "core/json.h"
#include "tests/coordinator/bodies.h"

#include <stdlib.h>
#include <string.h>

const struct porter_file porter_plan[FILES] = {
    {"last.st", "last", 1}, {"epoch_1.st", "epoch", 1}, {"last.st", "last", 2}};
struct porter porters[HANDS];

static const struct content *sending(const struct porter *porter) {
    return porter->files[porter->sent];
}

/* --- what a porter says --- */

static cJSON *body_of(const struct hand *hand, const struct porter *porter) {
    return body("{\"worker\": \"%s\", \"experiment\": %.0f, \"attempt\": %.0f, \"sha256\": \"%s\"}",
                hand->name, porter->experiment, porter->attempt, sending(porter)->sha256);
}

static bool offer(struct world *world, struct hand *hand, struct porter *porter) {
    cJSON *offered = body_of(hand, porter);
    cJSON_AddStringToObject(offered, "name", porter_plan[porter->sent].name);
    cJSON_AddStringToObject(offered, "kind", porter_plan[porter->sent].kind);
    cJSON_AddNumberToObject(offered, "epoch", porter_plan[porter->sent].epoch);
    cJSON_AddNumberToObject(offered, "bytes", (double)sending(porter)->bytes);
    porter->since = 2 * ++hand->number;
    return mail_say(world, hand, "offer", porter->since, offered, NULL, 0);
}

static bool send_piece(struct world *world, struct hand *hand, const struct porter *porter,
                       const struct delivery_action *action) {
    cJSON *piece = body_of(hand, porter);
    cJSON_AddNumberToObject(piece, "offset", (double)action->offset);
    return mail_say(world, hand, "send", 2 * ++hand->number, piece,
                    sending(porter)->data + action->offset, action->length);
}

void porter_clear(struct world *world, const struct hand *hand) {
    mail_say(world, hand, "gc", 1 /* which nothing of a porter's has */,
             body("{\"dry_run\": false}"), NULL, 0);
}

/* --- what it does --- */

static void begin_delivery(struct world *world, struct porter *porter) {
    if (porter->sent < FILES)
        delivery_init(&porter->delivery, sending(porter)->bytes, random_u32(&world->draws),
                      world->now.steady_ms);
}

static void deliver(struct world *world, struct hand *hand, struct porter *porter) {
    static const struct delivery_event unsent = {.kind = DELIVERY_UNSENT};
    int64_t now_ms = world->now.steady_ms;
    while (porter->sent < FILES) {
        struct delivery_action action = delivery_next(&porter->delivery, now_ms);
        bool said = true;
        if (action.kind == DELIVERY_WAIT)
            return;
        demand(world, action.kind != DELIVERY_GIVEN_UP, "%s gives up %s", hand->name,
               porter_plan[porter->sent].name);
        if (action.kind == DELIVERY_OFFER)
            said = offer(world, hand, porter);
        else if (action.kind == DELIVERY_SEND)
            said = send_piece(world, hand, porter, &action);
        else {
            tell(world, "%s has sent %s, epoch %d: %.8s", hand->name,
                 porter_plan[porter->sent].name, porter_plan[porter->sent].epoch,
                 sending(porter)->sha256);
            porter->sent++;
            begin_delivery(world, porter);
        }
        if (!said)
            delivery_take(&porter->delivery, &unsent, now_ms);
    }
}

/* Some file that the coordinator will have for good: not one that another takes the place of. */
static const struct content *some_promised(struct world *world) {
    const struct porter *sender = &porters[some(world, HANDS)];
    int file = 1 + (int)some(world, FILES - 1);
    return sender->sent > file ? sender->files[file] : NULL;
}

static void begin_pickup(struct world *world, struct porter *porter) {
    pickup_init(&porter->pickup, -1, porter->part_bytes, random_u32(&world->draws),
                world->now.steady_ms);
}

static void check_part(struct world *world, struct porter *porter) {
    char sha256[SHA256_TEXT_SIZE];
    sha256_text(porter->part, (size_t)porter->part_bytes, sha256);
    bool right = strcmp(sha256, porter->wanted->sha256) == 0;
    pickup_checked(&porter->pickup, right, world->now.steady_ms);
    if (!right)
        porter->part_bytes = 0;
}

static void fetch(struct world *world, struct hand *hand, struct porter *porter) {
    static const struct pickup_event unsent = {.kind = PICKUP_UNSENT};
    int64_t now_ms = world->now.steady_ms;
    if (porter->wanted == NULL && porter->fetched < FETCHES) {
        porter->wanted = some_promised(world);
        porter->part_bytes = 0;
        begin_pickup(world, porter);
    }
    while (porter->wanted != NULL) {
        const struct content *wanted = porter->wanted;
        struct pickup_action action = pickup_next(&porter->pickup, now_ms);
        if (action.kind == PICKUP_WAIT)
            return;
        demand(world, action.kind != PICKUP_GIVEN_UP, "%s gives up fetching %.8s", hand->name,
               wanted->sha256);
        if (action.kind == PICKUP_CHECK) {
            check_part(world, porter);
        } else if (action.kind == PICKUP_ASK) {
            porter->asked = 2 * ++hand->number + 1;
            if (!mail_say(world, hand, "fetch", porter->asked,
                          body("{\"sha256\": \"%s\", \"offset\": %lld}", wanted->sha256,
                               (long long)action.offset),
                          NULL, 0))
                pickup_take(&porter->pickup, &unsent, now_ms);
        } else {
            demand(world,
                   porter->part_bytes == wanted->bytes &&
                       memcmp(porter->part, wanted->data, (size_t)wanted->bytes) == 0,
                   "%s has fetched something else than %.8s", hand->name, wanted->sha256);
            tell(world, "%s has fetched %.8s", hand->name, wanted->sha256);
            porter->fetched++;
            porter->wanted = NULL;
        }
    }
}

/* --- what it hears --- */

/* As courier.c does it. */
static void hear_of_delivery(struct world *world, struct porter *porter,
                             const struct wire_message *message) {
    struct delivery_event event = mail_of_delivery(message);
    if (message->request >= porter->since && porter->sent < FILES)
        delivery_take(&porter->delivery, &event, world->now.steady_ms);
}

/* As gather.c does it. */
static void hear_of_pickup(struct world *world, struct porter *porter,
                           const struct wire_message *message) {
    const struct pickup_event event = mail_of_pickup(message);
    if (porter->wanted == NULL || message->request != porter->asked)
        return;
    if (mail_is_code(message, WIRE_INVALID))
        porter->pickup.have = 0;
    if (!pickup_take(&porter->pickup, &event, world->now.steady_ms))
        return;
    demand(world, event.offset + (int64_t)event.length <= BYTES_MOST, "a file is too long");
    memcpy(porter->part + event.offset, message->bytes, event.length);
    porter->part_bytes = event.offset + (int64_t)event.length;
}

void porter_turn(struct world *world, struct hand *hand) {
    struct porter *porter = &porters[hand->index];
    struct letter *letter;
    if (hand->up_at_ms > world->now.steady_ms || hand->stopped_until_ms > world->now.steady_ms)
        return;
    if (!porter->up) {
        porter->up = true;
        begin_delivery(world, porter);
        begin_pickup(world, porter);
        tell(world, "%s is up", hand->name);
    }
    deliver(world, hand, porter);
    fetch(world, hand, porter);
    while ((letter = mail_take(world, hand)) != NULL) {
        if (letter->message.request % 2 == 1)
            hear_of_pickup(world, porter, &letter->message);
        else
            hear_of_delivery(world, porter, &letter->message);
        letter_free(letter);
        deliver(world, hand, porter);
        fetch(world, hand, porter);
    }
}

/* --- its end --- */

void porter_kill(struct world *world, struct hand *hand, bool power_cut) {
    struct porter *porter = &porters[hand->index];
    tell(world, power_cut ? "power cut at %s" : "%s is killed", hand->name);
    porter->up = false;
    hand->life++;
    hand->number = 0;
    hand->up_at_ms = world->now.steady_ms + some(world, PORTER_KILLED_MS);
    mail_drop(world, hand, false);
    if (!power_cut)
        return;
    /* what it has fetched so far is not synced: zeros where something was, or less */
    int64_t left = some(world, porter->part_bytes + 1);
    memset(porter->part + left, 0, (size_t)(porter->part_bytes - left));
    if (chance(world, 500))
        porter->part_bytes = left;
}
