#include "core/wire.h"

#include "core/json.h"
#include "core/schema.h"
#include "core/shortage.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const code_names[] = {
    [WIRE_VERSION] = "version",     [WIRE_UNKNOWN] = "unknown", [WIRE_INVALID] = "invalid",
    [WIRE_NOT_FOUND] = "not_found", [WIRE_STATE] = "state",     [WIRE_FENCED] = "fenced",
    [WIRE_STORAGE] = "storage",     [WIRE_DENIED] = "denied",   [WIRE_INTERNAL] = "internal",
};

const char *wire_code_name(enum wire_code code) {
    return code_names[code];
}

enum wire_code wire_code_of(const struct error *error) {
    return error_is_shortage(error) ? WIRE_INTERNAL : WIRE_INVALID;
}

void wire_message_free(struct wire_message *message) {
    cJSON_Delete(message->body);
    free(message->bytes);
    *message = (struct wire_message){0};
}

/* A frame as text for an error line: at most 40 bytes, what is not printable as '?'. */
static const char *quoted(const struct wire_frame *frame, char text[44]) {
    const unsigned char *bytes = frame->data;
    size_t length = frame->length < 40 ? frame->length : 40;
    for (size_t i = 0; i < length; i++)
        text[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '?';
    snprintf(text + length, 4, "%s", frame->length > length ? "..." : "");
    return text;
}

static bool frame_is(const struct wire_frame *frame, const char *text) {
    return frame->length == strlen(text) && memcmp(frame->data, text, frame->length) == 0;
}

/* Decimal, no sign, no leading zero; 0 stands alone. */
static bool request_read(const struct wire_frame *frame, uint64_t *request) {
    const char *digits = frame->data;
    if (frame->length == 0 || frame->length > WIRE_REQUEST_MAX ||
        (digits[0] == '0' && frame->length > 1))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < frame->length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(digits[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *request = value;
    return true;
}

/* Message names are lower case; shapes that messages share stand beside them in $defs, capitalised.
 */
static const cJSON *shape_find(const struct wire_frame *frame, char name[WIRE_NAME_MAX + 1]) {
    const char *letters = frame->data;
    if (frame->length == 0 || frame->length > WIRE_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < frame->length; i++)
        if (!islower((unsigned char)letters[i]) && letters[i] != '_')
            return NULL;
    memcpy(name, letters, frame->length);
    name[frame->length] = '\0';
    const cJSON *definitions = cJSON_GetObjectItemCaseSensitive(schema_messages(), "$defs");
    return cJSON_GetObjectItemCaseSensitive(definitions, name);
}

/* The first fault as the error. */
static bool shape_check(const cJSON *shape, const char *name, const cJSON *body,
                        struct error *error) {
    struct faults faults = {0};
    schema_check(schema_messages(), shape, body, "", &faults);
    bool valid = faults.count == 0;
    if (!valid) {
        faults_error(&faults, error);
        error_context(error, "%s", name);
    }
    faults_free(&faults);
    return valid;
}

/* A frame of bytes stands behind the body where the shape says so, and nowhere else. */
static bool bytes_check(const cJSON *shape, const char *name, const struct wire_frame *frames,
                        size_t count, struct error *error) {
    bool wanted = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(shape, "x-bytes"));
    if (count != (wanted ? WIRE_FRAMES_MAX : WIRE_FRAMES))
        return error_set(error, ERROR_INPUT, "%s: a message has %d frames, this one %zu", name,
                         wanted ? WIRE_FRAMES_MAX : WIRE_FRAMES, count);
    if (wanted && (frames[WIRE_FRAMES].length == 0 || frames[WIRE_FRAMES].length > WIRE_BYTES_MAX))
        return error_set(error, ERROR_INPUT, "%s: a piece of %zu bytes; 1 to %d are taken", name,
                         frames[WIRE_FRAMES].length, WIRE_BYTES_MAX);
    return true;
}

/* *code: what is wrong with the message, unless it is this process that is short of memory. */
static cJSON *body_decode(const cJSON *shape, const char *name, const struct wire_frame *frame,
                          enum wire_code *code, struct error *error) {
    struct error why = {0};
    cJSON *body = json_parse(frame->data, frame->length, name, &why);
    if (body != NULL &&
        (cJSON_IsObject(body) ||
         error_set(&why, ERROR_INPUT, "%s: the body is no JSON object", name)) &&
        shape_check(shape, name, body, &why))
        return body;
    cJSON_Delete(body);
    *code = wire_code_of(&why);
    if (error != NULL)
        *error = why;
    return NULL;
}

static bool bytes_take(const struct wire_frame *frame, struct wire_message *message,
                       enum wire_code *code, struct error *error) {
    message->bytes = malloc(frame->length);
    message->bytes_length = frame->length;
    if (message->bytes != NULL) {
        memcpy(message->bytes, frame->data, frame->length);
        return true;
    }
    *code = WIRE_INTERNAL;
    return error_machine(error, "no memory for the message %s", message->name);
}

bool wire_decode(const struct wire_frame *frames, size_t count, struct wire_message *message,
                 enum wire_code *code, struct error *error) {
    char text[44], other[44];
    *message = (struct wire_message){0};
    *code = WIRE_INVALID;
    if (count >= 3 && !request_read(&frames[2], &message->request))
        message->request = 0;
    if (count == 0 || !frame_is(&frames[0], WIRE_PROTOCOL)) {
        *code = WIRE_VERSION;
        if (count > 0 && frames[0].length > 6 && memcmp(frames[0].data, "assay/", 6) == 0)
            return error_set(error, ERROR_FAILED,
                             "the other side speaks %s, this one " WIRE_PROTOCOL
                             "; use one version of assay for both",
                             quoted(&frames[0], text));
        return error_set(error, ERROR_FAILED,
                         "not a message of " WIRE_PROTOCOL ": it begins with \"%s\"",
                         count > 0 ? quoted(&frames[0], text) : "");
    }
    if (count != WIRE_FRAMES && count != WIRE_FRAMES_MAX)
        return error_set(error, ERROR_INPUT, "a message has %d frames, this one %zu", WIRE_FRAMES,
                         count);
    if (!request_read(&frames[2], &message->request))
        return error_set(error, ERROR_INPUT, "%s: \"%s\" is no request number",
                         quoted(&frames[1], other), quoted(&frames[2], text));
    const cJSON *shape = shape_find(&frames[1], message->name);
    if (shape == NULL) {
        *code = WIRE_UNKNOWN;
        message->name[0] = '\0';
        return error_set(error, ERROR_INPUT, "no message is called \"%s\"",
                         quoted(&frames[1], text));
    }
    if (!bytes_check(shape, message->name, frames, count, error))
        return false;
    if (frames[3].length > WIRE_BODY_MAX)
        return error_set(error, ERROR_INPUT, "%s: a body of %zu bytes; at most %d are taken",
                         message->name, frames[3].length, WIRE_BODY_MAX);
    cJSON *body = body_decode(shape, message->name, &frames[3], code, error);
    if (body == NULL)
        return false;
    if (count == WIRE_FRAMES_MAX && !bytes_take(&frames[WIRE_FRAMES], message, code, error)) {
        cJSON_Delete(body);
        return false;
    }
    message->body = body;
    return true;
}

bool wire_encode(const char *name, uint64_t request, const cJSON *body, struct wire_packet *packet,
                 struct error *error) {
    *packet = (struct wire_packet){0};
    /* a tree with a gap may be none at all */
    char *text = shortage_in_trees() ? NULL : body == NULL ? strdup("{}") : json_text(body);
    if (text == NULL)
        return error_machine(error, "no memory for the message %s", name);
    size_t length = strlen(text);
    if (length > WIRE_BODY_MAX) {
        free(text);
        return error_set(error, ERROR_INPUT, "%s: a message of %zu bytes; at most %d can be sent",
                         name, length, WIRE_BODY_MAX);
    }
    snprintf(packet->name, sizeof packet->name, "%s", name);
    snprintf(packet->request, sizeof packet->request, "%" PRIu64, request);
    packet->body = text;
    packet->body_length = length;
    return true;
}

void wire_packet_attach(struct wire_packet *packet, void *bytes, size_t length) {
    packet->bytes = bytes;
    packet->bytes_length = length;
}

size_t wire_packet_frames(const struct wire_packet *packet) {
    return packet->bytes != NULL ? WIRE_FRAMES_MAX : WIRE_FRAMES;
}

struct wire_frame wire_packet_frame(const struct wire_packet *packet, size_t index) {
    switch (index) {
    case 0: return (struct wire_frame){WIRE_PROTOCOL, strlen(WIRE_PROTOCOL)};
    case 1: return (struct wire_frame){packet->name, strlen(packet->name)};
    case 2: return (struct wire_frame){packet->request, strlen(packet->request)};
    case 3: return (struct wire_frame){packet->body, packet->body_length};
    default: return (struct wire_frame){packet->bytes, packet->bytes_length};
    }
}

void wire_packet_free(struct wire_packet *packet) {
    free(packet->body);
    free(packet->bytes);
    *packet = (struct wire_packet){0};
}

bool wire_check(const char *name, const cJSON *body, struct error *error) {
    struct wire_packet packet;
    struct wire_frame frames[WIRE_FRAMES];
    struct wire_message message;
    enum wire_code code;
    if (!wire_encode(name, 1, body, &packet, error))
        return false;
    for (size_t i = 0; i < WIRE_FRAMES; i++)
        frames[i] = wire_packet_frame(&packet, i);
    bool taken = wire_decode(frames, WIRE_FRAMES, &message, &code, error);
    wire_message_free(&message);
    wire_packet_free(&packet);
    return taken;
}

cJSON *wire_error_body(enum wire_code code, const char *text) {
    cJSON *body = cJSON_CreateObject();
    if (cJSON_AddStringToObject(body, "code", wire_code_name(code)) == NULL ||
        cJSON_AddStringToObject(body, "message", text) == NULL) {
        cJSON_Delete(body);
        return NULL;
    }
    return body;
}

bool wire_check_answer(const struct wire_message *message, struct error *error) {
    if (strcmp(message->name, "error") != 0)
        return true;
    const char *code =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message->body, "code"));
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message->body, "message"));
    bool input = strcmp(code, wire_code_name(WIRE_INVALID)) == 0 ||
                 strcmp(code, wire_code_name(WIRE_NOT_FOUND)) == 0 ||
                 strcmp(code, wire_code_name(WIRE_STATE)) == 0 ||
                 strcmp(code, wire_code_name(WIRE_UNKNOWN)) == 0;
    bool denied = strcmp(code, wire_code_name(WIRE_DENIED)) == 0;
    return error_set(error,
                     input    ? ERROR_INPUT
                     : denied ? ERROR_UNREACHABLE
                              : ERROR_FAILED,
                     "%s", text);
}
