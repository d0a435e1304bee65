#include "core/json.h"
#include "net/delivery_answer.h"
#include "tests/world/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_MS = 30, LATE_MS = 2 * DUTY_ANSWER_MS };

void letter_free(struct letter *letter) {
    wire_message_free(&letter->message);
    free(letter);
}

/* As the other side reads it. */
static void carry(const struct world *world, const struct wire_message *sent,
                  struct wire_message *message) {
    const char *name = sent->name;
    struct wire_packet packet;
    struct wire_frame frames[WIRE_FRAMES_MAX];
    struct error error = {0};
    enum wire_code code;
    demand(world, wire_encode(name, sent->request, sent->body, &packet, &error), "%s: %s", name,
           error.message);
    if (sent->bytes != NULL) {
        void *bytes = malloc(sent->bytes_length);
        demand(world, bytes != NULL, "no memory");
        wire_packet_attach(&packet, memcpy(bytes, sent->bytes, sent->bytes_length),
                           sent->bytes_length);
    }
    size_t count = wire_packet_frames(&packet);
    for (size_t i = 0; i < count; i++)
        frames[i] = wire_packet_frame(&packet, i);
    demand(world, wire_decode(frames, count, message, &code, &error), "%s: %s", name,
           error.message);
    wire_packet_free(&packet);
}

static void post(struct world *world, const struct hand *hand, bool up,
                 const struct wire_message *message) {
    struct letter *letter = calloc(1, sizeof *letter);
    demand(world, letter != NULL, "no memory");
    *letter = (struct letter){.next = world->letters, .hand = hand->index, .life = hand->life};
    letter->up = up;
    letter->at_ms = world->now.steady_ms + 1 + some(world, rarely(world, 60) ? LATE_MS : USUAL_MS);
    carry(world, message, &letter->message);
    world->letters = letter;
}

void mail_send(struct world *world, const struct hand *hand, bool up,
               struct wire_message *message) {
    bool cut = hand->cut_until_ms > world->now.steady_ms;
    if (rarely(world, 40) || (cut && chance(world, 500)))
        tell(world, "%s %s %s %llu is lost", up ? "from" : "to", hand->name, message->name,
             (unsigned long long)message->request);
    else
        post(world, hand, up, message);
    if (rarely(world, 40)) {
        tell(world, "%s %s %s %llu comes again", up ? "from" : "to", hand->name, message->name,
             (unsigned long long)message->request);
        post(world, hand, up, message);
    }
    wire_message_free(message);
}

bool mail_say(struct world *world, const struct hand *hand, const char *name, uint64_t number,
              cJSON *body, const char *bytes, size_t length) {
    struct wire_message message = {.request = number, .body = body};
    bool down = world->office.store == NULL || hand->cut_until_ms > world->now.steady_ms;
    if (down && chance(world, 500)) {
        cJSON_Delete(body);
        return false;
    }
    snprintf(message.name, sizeof message.name, "%s", name);
    if (bytes != NULL) {
        message.bytes = malloc(length);
        message.bytes_length = length;
        demand(world, message.bytes != NULL, "no memory");
        memcpy(message.bytes, bytes, length);
    }
    mail_send(world, hand, true, &message);
    return true;
}

bool mail_is_code(const struct wire_message *message, enum wire_code code) {
    const char *text = json_string(message->body, "code");
    return text != NULL && strcmp(text, wire_code_name(code)) == 0;
}

struct delivery_event mail_of_delivery(const struct wire_message *message) {
    struct delivery_event event = delivery_answer(message);
    if (mail_is_code(message, WIRE_FENCED))
        event.kind = DELIVERY_NEVER;
    return event;
}

struct pickup_event mail_of_pickup(const struct wire_message *message) {
    return (struct pickup_event){
        .kind = strcmp(message->name, "piece") == 0     ? PICKUP_PIECE
                : mail_is_code(message, WIRE_NOT_FOUND) ? PICKUP_GONE
                                                        : PICKUP_LATER,
        .offset = json_integer(message->body, "offset"),
        .bytes = json_integer(message->body, "bytes"),
        .length = message->bytes_length,
    };
}

static bool arrived(const struct world *world, const struct letter *letter,
                    const struct hand *hand) {
    const struct hand *over = &world->hands[letter->hand];
    return letter->up == (hand == NULL) && (hand == NULL || hand == over) &&
           letter->at_ms <= world->now.steady_ms && over->cut_until_ms <= world->now.steady_ms;
}

struct letter *mail_take(struct world *world, const struct hand *hand) {
    struct letter **chosen = NULL;
    uint32_t found = 0;
    for (struct letter **link = &world->letters; *link != NULL; link = &(*link)->next)
        if (arrived(world, *link, hand) && random_below(&world->draws, ++found) == 0)
            chosen = link;
    if (chosen == NULL)
        return NULL;
    struct letter *letter = *chosen;
    *chosen = letter->next;
    return letter;
}

void mail_drop(struct world *world, const struct hand *hand, bool up) {
    for (struct letter **link = &world->letters; *link != NULL;) {
        struct letter *letter = *link;
        if (letter->up == up && (hand == NULL || letter->hand == hand->index)) {
            *link = letter->next;
            letter_free(letter);
        } else {
            link = &letter->next;
        }
    }
}
