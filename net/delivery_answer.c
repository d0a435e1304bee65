#include "net/delivery_answer.h"

#include "core/json.h"

#include <string.h>

struct delivery_event delivery_answer(const struct wire_message *message) {
    static const struct {
        const char *name;
        enum delivery_event_kind kind;
    } answers[] = {{"have", DELIVERY_HAVE}, {"want", DELIVERY_WANT}, {"sealing", DELIVERY_SEALING}};
    struct delivery_event event = {
        .kind = DELIVERY_LATER,
        .offset = json_integer(message->body, "offset"),
        .piece = json_integer(message->body, "piece"),
        .retry_ms = json_integer(message->body, "retry_ms"),
        .credit = (unsigned)json_integer(message->body, "credit"),
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (strcmp(message->name, answers[i].name) == 0)
            event.kind = answers[i].kind;
    return event;
}
