/* frames: whole messages onto and off a ZeroMQ socket, and the options both sides share. */
#ifndef ASSAY_NET_FRAMES_H
#define ASSAY_NET_FRAMES_H

#include "core/wire.h"

#include <zmq.h>

enum { FRAMES_MAX = 1 + WIRE_FRAMES_MAX + 1 }; /* a router's identity, the message, one too many */

/* One message as it came. At most FRAMES_MAX frames are kept; `count` has all that came. */
struct frames {
    zmq_msg_t parts[FRAMES_MAX];
    size_t count;
};

/* A socket option that is an int; every one we set is known to libzmq 4.3. */
void frames_set_option(void *socket, int option, int value);

/* What both sides set before bind or connect: no lingering, bounded messages and queues, heartbeats
 * that notice a peer that is gone, IPv6 when the endpoint is. */
void frames_set_options(void *socket, const char *endpoint);

/* Takes one message without waiting; false when there is none. Free with frames_free. */
bool frames_receive(void *socket, struct frames *frames);
void frames_free(struct frames *frames);
/* Of the parts that are kept, together. */
size_t frames_bytes(const struct frames *frames);

/* wire_decode of the frames after the first `skip`. */
bool frames_decode(struct frames *frames, size_t skip, struct wire_message *message,
                   enum wire_code *code, struct error *error);

/* Sends without waiting, to the peer that `identity` names (a router; else NULL). False when there
 * is no connection to take it. */
bool frames_send(void *socket, zmq_msg_t *identity, const struct wire_packet *packet);

#endif
