/* Messages off the wire: the lines of the input are the frames. What is taken can be sent, and is
 * the same again. */
#include "core/json.h"
#include "core/wire.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { FRAMES = 8 };

static void round_trip(const struct wire_message *message) {
    struct wire_packet packet;
    struct wire_message again;
    struct wire_frame frames[FRAMES];
    enum wire_code code;
    struct error error = {0};
    size_t count = WIRE_FRAMES;
    FUZZ_HOLDS(wire_encode(message->name, message->request, message->body, &packet, &error));
    for (size_t i = 0; i < count; i++)
        frames[i] = wire_packet_frame(&packet, i);
    if (message->bytes != NULL)
        frames[count++] = (struct wire_frame){message->bytes, message->bytes_length};
    FUZZ_HOLDS(wire_decode(frames, count, &again, &code, &error));
    FUZZ_HOLDS(strcmp(again.name, message->name) == 0 && again.request == message->request);
    FUZZ_HOLDS(cJSON_Compare(again.body, message->body, true));
    wire_message_free(&again);
    wire_packet_free(&packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct wire_frame frames[FRAMES];
    struct wire_message message;
    enum wire_code code;
    struct error error = {0};
    size_t count = 0;
    const uint8_t *end = data + size;
    while (data < end && count < FRAMES) {
        const uint8_t *newline = memchr(data, '\n', (size_t)(end - data));
        const uint8_t *stop = newline != NULL ? newline : end;
        frames[count++] = (struct wire_frame){data, (size_t)(stop - data)};
        data = newline != NULL ? newline + 1 : end;
    }
    if (wire_decode(frames, count, &message, &code, &error)) {
        round_trip(&message);
        wire_check_answer(&message, &error);
        wire_message_free(&message);
    } else {
        FUZZ_HOLDS(message.body == NULL && error.code != ERROR_NONE);
        wire_code_name(code);
    }
    return 0;
}
