/* wire: the messages between the three programs, as frames of bytes (docs/protocol.md).
 *
 * A message is four frames: protocol and version, name, request number, body; and where the shape
 * says "x-bytes", a fifth one: a piece of a file. This file turns frames into a checked message and
 * back; it knows no sockets. What comes from outside is bounded before it is parsed, parsed before
 * it is used, and has the shape that schema/messages.schema.json gives for its name once
 * wire_decode has said true.
 */
#ifndef ASSAY_CORE_WIRE_H
#define ASSAY_CORE_WIRE_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PROTOCOL "assay/1"
enum {
    WIRE_FRAMES = 4,
    WIRE_FRAMES_MAX = 5, /* with a frame of bytes */
    WIRE_NAME_MAX = 32,
    WIRE_REQUEST_MAX = 20,
    WIRE_BODY_MAX = 16 << 20, /* bytes of one body */
    WIRE_BYTES_MAX = 1 << 20, /* in the frame of bytes */
};

/* What schema/messages.schema.json allows, for those who keep it in arrays. */
enum {
    WIRE_LABELS_MAX = 16,      /* $defs/Labels: of one worker or experiment */
    WIRE_LABEL_BYTES_MAX = 64, /* of each */
    WIRE_IDENTITY_SIZE = 33,   /* $defs/Identity, $defs/History: 32 bytes and a NUL */
};

/* Why a request was not done: the `code` of an `error` answer. */
enum wire_code {
    WIRE_VERSION,   /* another version of the protocol, or not assay at all */
    WIRE_UNKNOWN,   /* no message has this name, or it is no request */
    WIRE_INVALID,   /* frames or body do not have the declared shape */
    WIRE_NOT_FOUND, /* it names something that is not there */
    WIRE_STATE,     /* what it names is not in a state for it */
    WIRE_FENCED,    /* the sender's lease has been given away */
    WIRE_STORAGE,   /* a file cannot be kept or read: no room, a failing disk */
    WIRE_DENIED,    /* the sender's key is not on a list that may ask this */
    WIRE_INTERNAL,  /* the coordinator's own trouble: a full disk, no memory */
};
const char *wire_code_name(enum wire_code code); /* "not_found" */
/* Whose trouble it is that something was not read or made: WIRE_INTERNAL where this process was
 * short of memory or descriptors, else WIRE_INVALID. */
enum wire_code wire_code_of(const struct error *error);

/* One frame, borrowed. */
struct wire_frame {
    const void *data;
    size_t length;
};

struct wire_message {
    char name[WIRE_NAME_MAX + 1];
    uint64_t request; /* 1 or more; 0 only in the `error` answer to a request whose number is
                         unreadable */
    cJSON *body;      /* an object; owned */
    void *bytes;      /* what the fifth frame holds, owned; NULL without one */
    size_t bytes_length;
};
void wire_message_free(struct wire_message *message); /* leaves it zeroed */

/* Checks and decodes the frames of one message (without a router's identity frame). On failure
 * *code says why and `error` what (for people, one line); message->request then still holds the
 * number when it was readable, else 0, and message->body is NULL. */
bool wire_decode(const struct wire_frame *frames, size_t count, struct wire_message *message,
                 enum wire_code *code, struct error *error);

/* A message ready to be sent. */
struct wire_packet {
    char name[WIRE_NAME_MAX + 1];
    char request[WIRE_REQUEST_MAX + 1];
    char *body;
    size_t body_length;
    void *bytes; /* NULL, or owned: what wire_packet_attach has taken */
    size_t bytes_length;
};

/* Encodes; fails when the body is larger than WIRE_BODY_MAX. `body` is borrowed; NULL is `{}`. */
bool wire_encode(const char *name, uint64_t request, const cJSON *body, struct wire_packet *packet,
                 struct error *error);
/* Gives an encoded packet its frame of bytes: `bytes` (malloc) is the packet's from here on; NULL
 * is none. */
void wire_packet_attach(struct wire_packet *packet, void *bytes, size_t length);
size_t wire_packet_frames(const struct wire_packet *packet); /* WIRE_FRAMES or WIRE_FRAMES_MAX */
/* Frame 0 to wire_packet_frames - 1, borrowed from the packet. */
struct wire_frame wire_packet_frame(const struct wire_packet *packet, size_t index);
void wire_packet_free(struct wire_packet *packet); /* leaves it zeroed */

/* Whether a message of that name with this body, and without bytes, would be taken: fails as
 * sending it would, here or there. */
bool wire_check(const char *name, const cJSON *body, struct error *error);

/* The body of an `error` answer; NULL without memory. */
cJSON *wire_error_body(enum wire_code code, const char *text);

/* If `message` is an `error` answer, puts it into `error` (wrong input: invalid, not_found, state,
 * unknown; unreachable: denied; failed: the rest) and returns false; else true. */
bool wire_check_answer(const struct wire_message *message, struct error *error);

#endif
