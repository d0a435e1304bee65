#include "coordinator/page_ask.h"

#include "core/clock.h"
#include "net/frames.h"

#include <errno.h>
#include <poll.h>

enum { WAIT_MS = 30 * 1000, SLICE_MS = 100 /* how late it notices that all is ended */ };

bool page_ask_open(struct page_inside *inside, struct page_asker *asker, struct error *error) {
    *asker =
        (struct page_asker){.inside = inside, .socket = zmq_socket(inside->context, ZMQ_DEALER)};
    if (asker->socket == NULL)
        return error_set(error, ERROR_UNREACHABLE, "no socket: %s", zmq_strerror(errno));
    frames_set_option(asker->socket, ZMQ_LINGER, 0);
    return zmq_connect(asker->socket, inside->endpoint) == 0 ||
           error_set(error, ERROR_UNREACHABLE, "the coordinator ends: %s", zmq_strerror(errno));
}

void page_ask_close(struct page_asker *asker) {
    if (asker->socket != NULL)
        zmq_close(asker->socket);
    asker->socket = NULL;
}

/* The answer to the last request, if it is there; others are dropped. */
static bool take_answer(struct page_asker *asker, struct wire_message *message) {
    struct frames frames;
    while (frames_receive(asker->socket, &frames)) {
        enum wire_code code;
        bool good = frames_decode(&frames, 0, message, &code, NULL);
        frames_free(&frames);
        if (good && message->request == asker->request)
            return true;
        wire_message_free(message);
    }
    return false;
}

bool page_ask(struct page_asker *asker, const char *name, const cJSON *body, cJSON **answer,
              struct error *error) {
    struct wire_packet packet;
    struct wire_message message = {0};
    int64_t until_ms = clock_steady_ms() + WAIT_MS;
    if (!wire_encode(name, ++asker->request, body, &packet, error))
        return false;
    bool sent = frames_send(asker->socket, NULL, &packet);
    wire_packet_free(&packet);
    while (sent && !atomic_load(&asker->inside->ended) && clock_steady_ms() < until_ms) {
        zmq_pollitem_t item = {.socket = asker->socket, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, SLICE_MS);
        if (!take_answer(asker, &message))
            continue;
        bool good = wire_check_answer(&message, error);
        if (good) {
            *answer = message.body;
            message.body = NULL;
        }
        wire_message_free(&message);
        return good;
    }
    return error_set(error, ERROR_UNREACHABLE, "the coordinator gives no answer");
}

bool page_ask_rest(const struct page_asker *asker, int64_t until_ms) {
    int64_t left_ms;
    while (!atomic_load(&asker->inside->ended) && (left_ms = until_ms - clock_steady_ms()) > 0)
        poll(NULL, 0, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
    return !atomic_load(&asker->inside->ended);
}

static bool ask(void *asker, const char *request, cJSON *body, const char *expected, cJSON **answer,
                struct error *error) {
    (void)expected; /* the answers of this process are what they should be */
    bool good = page_ask(asker, request, body, answer, error);
    cJSON_Delete(body);
    return good;
}

struct source page_source(struct page_asker *asker) {
    return (struct source){ask, asker};
}
