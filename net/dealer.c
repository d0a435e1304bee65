#include "net/dealer.h"

#include "core/clock.h"
#include "net/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct dealer {
    void *context, *socket;
    char *endpoint;
    uint64_t last_request;
};

static bool unreachable(const struct dealer *dealer, struct error *error) {
    return error_set(error, ERROR_UNREACHABLE,
                     "cannot reach a coordinator at %s; start one with: assay coordinator "
                     "--listen %s",
                     dealer->endpoint, dealer->endpoint);
}

bool dealer_open(const char *endpoint, struct dealer **dealer, struct error *error) {
    struct dealer *made = calloc(1, sizeof *made);
    if (made == NULL || (made->endpoint = strdup(endpoint)) == NULL ||
        (made->context = zmq_ctx_new()) == NULL ||
        (made->socket = zmq_socket(made->context, ZMQ_DEALER)) == NULL) {
        error_set(error, ERROR_FAILED, "cannot make a socket: %s", zmq_strerror(errno));
        goto fail;
    }
    frames_set_options(made->socket, endpoint);
    /* Queue only to a connection that stands: see the top of dealer.h. */
    frames_set_option(made->socket, ZMQ_IMMEDIATE, 1);
    frames_set_option(made->socket, ZMQ_RECONNECT_IVL, 50);
    frames_set_option(made->socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    if (zmq_connect(made->socket, endpoint) != 0) {
        error_set(error, ERROR_INPUT,
                  "\"%s\" is no endpoint to connect to (%s); write it as tcp://HOST:PORT", endpoint,
                  zmq_strerror(errno));
        goto fail;
    }
    *dealer = made;
    return true;
fail:
    dealer_close(made);
    return false;
}

void dealer_close(struct dealer *dealer) {
    if (dealer == NULL)
        return;
    if (dealer->socket != NULL)
        zmq_close(dealer->socket);
    if (dealer->context != NULL)
        zmq_ctx_term(dealer->context);
    free(dealer->endpoint);
    free(dealer);
}

void *dealer_socket(struct dealer *dealer) {
    return dealer->socket;
}

/* True once the socket has one of `events` (ZMQ_POLLIN, ZMQ_POLLOUT); false when deadline_ms comes.
 */
static bool wait_for(struct dealer *dealer, short events, int64_t deadline_ms) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_steady_ms();
        zmq_pollitem_t item = {.socket = dealer->socket, .events = events};
        int ready = zmq_poll(&item, 1, left_ms > 0 ? (long)left_ms : 0);
        if (ready > 0)
            return true;
        if (left_ms <= 0)
            return false;
    }
}

bool dealer_send(struct dealer *dealer, const char *name, const cJSON *body, uint64_t *request,
                 struct error *error) {
    struct wire_packet packet;
    if (!wire_encode(name, dealer->last_request + 1, body, &packet, error))
        return false;
    bool sent = frames_send(dealer->socket, NULL, &packet);
    wire_packet_free(&packet);
    if (!sent)
        return unreachable(dealer, error);
    *request = ++dealer->last_request;
    return true;
}

bool dealer_receive(struct dealer *dealer, int timeout_ms, struct wire_message *message,
                    bool *received, struct error *error) {
    *message = (struct wire_message){0};
    *received = false;
    if (!wait_for(dealer, ZMQ_POLLIN, clock_steady_ms() + timeout_ms))
        return true;
    struct frames frames;
    if (!frames_receive(dealer->socket, &frames))
        return true;
    enum wire_code code;
    *received = frames_decode(&frames, 0, message, &code, error);
    if (!*received)
        error_context(error, "%s", dealer->endpoint);
    frames_free(&frames);
    return *received;
}

bool dealer_call(struct dealer *dealer, const char *name, const cJSON *body, const char *expected,
                 int timeout_ms, cJSON **answer, struct error *error) {
    int64_t deadline_ms = clock_steady_ms() + timeout_ms;
    uint64_t request = 0;
    if (!wait_for(dealer, ZMQ_POLLOUT, deadline_ms))
        return unreachable(dealer, error);
    if (!dealer_send(dealer, name, body, &request, error))
        return false;
    struct wire_message message;
    for (;;) {
        bool received;
        int64_t left_ms = deadline_ms - clock_steady_ms();
        if (!dealer_receive(dealer, left_ms > 0 ? (int)left_ms : 0, &message, &received, error))
            return false;
        if (!received)
            return error_set(error, ERROR_UNREACHABLE,
                             "the coordinator at %s does not answer; is something else listening "
                             "there?",
                             dealer->endpoint);
        /* Number 0: the other side could not read ours, so it has no other way to say so. */
        if (message.request == request || message.request == 0)
            break;
        wire_message_free(&message);
    }
    bool good = wire_check_answer(&message, error);
    if (good && strcmp(message.name, expected) != 0)
        good = error_set(error, ERROR_FAILED, "%s answers %s with %s, not with %s",
                         dealer->endpoint, name, message.name, expected);
    if (good && answer != NULL) {
        *answer = message.body;
        message.body = NULL;
    }
    wire_message_free(&message);
    return good;
}
