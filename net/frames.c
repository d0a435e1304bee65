#include "net/frames.h"

#include <assert.h>
#include <string.h>

void frames_set_option(void *socket, int option, int value) {
    int result = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(result == 0);
    (void)result;
}

void frames_set_options(void *socket, const char *endpoint) {
    int64_t frame_bytes = WIRE_BODY_MAX;
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof frame_bytes);
    frames_set_option(socket, ZMQ_LINGER, 0);
    frames_set_option(socket, ZMQ_SNDHWM, 256);
    frames_set_option(socket, ZMQ_RCVHWM, 256);
    /* A heartbeat waits behind a piece of a file, which a slow link takes long for: that the other
     * end is silent says little. That TCP has nothing acknowledged says that the way there is gone
     * (another address, a dropped NAT entry), and a new connection comes within a lease. */
    frames_set_option(socket, ZMQ_HEARTBEAT_IVL, 5000);
    frames_set_option(socket, ZMQ_HEARTBEAT_TIMEOUT, 60000);
    frames_set_option(socket, ZMQ_TCP_MAXRT, 8000);
    frames_set_option(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
}

bool frames_receive(void *socket, struct frames *frames) {
    frames->count = 0;
    int more = 1;
    while (more != 0) {
        zmq_msg_t dropped;
        bool keep = frames->count < FRAMES_MAX;
        zmq_msg_t *part = keep ? &frames->parts[frames->count] : &dropped;
        zmq_msg_init(part);
        /* The parts of a message come all together, so only the first can be missing. */
        if (zmq_msg_recv(part, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(part);
            frames_free(frames);
            return false;
        }
        more = zmq_msg_more(part);
        if (!keep)
            zmq_msg_close(&dropped);
        frames->count++;
    }
    return true;
}

void frames_free(struct frames *frames) {
    for (size_t i = 0; i < frames->count && i < FRAMES_MAX; i++)
        zmq_msg_close(&frames->parts[i]);
    frames->count = 0;
}

size_t frames_bytes(const struct frames *frames) {
    size_t bytes = 0;
    for (size_t i = 0; i < frames->count && i < FRAMES_MAX; i++)
        bytes += zmq_msg_size(&frames->parts[i]);
    return bytes;
}

bool frames_decode(struct frames *frames, size_t skip, struct wire_message *message,
                   enum wire_code *code, struct error *error) {
    struct wire_frame views[FRAMES_MAX] = {{0}};
    for (size_t i = skip; i < frames->count && i < FRAMES_MAX; i++)
        views[i - skip] =
            (struct wire_frame){zmq_msg_data(&frames->parts[i]), zmq_msg_size(&frames->parts[i])};
    size_t count = frames->count > skip ? frames->count - skip : 0;
    return wire_decode(views, count, message, code, error);
}

bool frames_send(void *socket, zmq_msg_t *identity, const struct wire_packet *packet) {
    if (identity != NULL && zmq_send(socket, zmq_msg_data(identity), zmq_msg_size(identity),
                                     ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return false;
    size_t count = wire_packet_frames(packet);
    for (size_t i = 0; i < count; i++) {
        struct wire_frame frame = wire_packet_frame(packet, i);
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        if (zmq_send(socket, frame.data, frame.length, flags) < 0)
            return false;
    }
    return true;
}
