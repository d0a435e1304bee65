#include "net/dealer.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "net/frames.h"
#include "net/keys.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* So many connections in a row that were closed before they were made are no accident. */
enum { CLOSED_MOST = 3 };
/* A connection over TCP takes 9 descriptors, measured with libzmq 4.3.4; then to find a host. */
enum { DESCRIPTORS = 12 };
enum { TURN_MS = 200 }; /* how late it may be noticed that go_on says to end */

struct dealer {
    void *context, *socket, *monitor;
    char *endpoint;
    char *key; /* the key file, for people; NULL without CURVE */
    uint64_t last_request;
    unsigned closed; /* handshakes that the other side broke off since the last good one */
    bool given_up;   /* libzmq does not connect again by itself */
    bool barred;
    char trouble[640];            /* "" when there is none */
    bool (*go_on)(void *context); /* dealer_watch; or NULL */
    void *go_on_context;
    bool stopped; /* it has said false to what was asked last */
};

const char *dealer_trouble(struct dealer *dealer) {
    return dealer->trouble[0] != '\0' ? dealer->trouble : NULL;
}

bool dealer_barred(const struct dealer *dealer) {
    return dealer->barred;
}

/* libzmq goes on trying without a word where a host's name says nothing. Other endpoints than
 * tcp://HOST:PORT have no host. */
static bool host_is_known(const char *endpoint, struct error *error) {
    static const char tcp[] = "tcp://";
    const char *host = endpoint + strlen(tcp), *colon = strrchr(endpoint, ':');
    struct addrinfo *found = NULL;
    char name[256];
    if (strncmp(endpoint, tcp, strlen(tcp)) != 0 || colon < host || host[0] == '[' ||
        snprintf(name, sizeof name, "%.*s", (int)(colon - host), host) >= (int)sizeof name)
        return true;
    int result = getaddrinfo(name, NULL, NULL, &found);
    if (result == 0)
        freeaddrinfo(found);
    return result == 0 || error_set(error, ERROR_UNREACHABLE, "no machine is known as \"%s\" (%s)",
                                    name, gai_strerror(result));
}

static bool unreachable(struct dealer *dealer, struct error *error) {
    const char *trouble = dealer_trouble(dealer);
    if (trouble != NULL)
        return error_set(error, ERROR_UNREACHABLE, "%s", trouble);
    if (!host_is_known(dealer->endpoint, error))
        return error_context(error, "cannot reach a coordinator at %s", dealer->endpoint);
    return error_set(error, ERROR_UNREACHABLE,
                     "cannot reach a coordinator at %s; start one with: assay coordinator "
                     "--listen %s",
                     dealer->endpoint, dealer->endpoint);
}

/* --- opening --- */

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

struct dealer_keys dealer_keys_default(void) {
    return (struct dealer_keys){.key = environment("ASSAY_KEY"),
                                .server = environment("ASSAY_SERVER_KEY")};
}

static void set_key(void *socket, int option, const struct key *key) {
    zmq_setsockopt(socket, option, key->bytes, sizeof key->bytes);
}

static bool set_keys(struct dealer *dealer, const struct dealer_keys *keys, struct error *error) {
    struct key_pair pair;
    struct key server;
    if (keys == NULL || (keys->key == NULL && keys->server == NULL))
        return true;
    if (keys->key == NULL || keys->server == NULL)
        return error_set(error, ERROR_INPUT,
                         "%s without %s; give both (or ASSAY_KEY and ASSAY_SERVER_KEY), or none "
                         "for a coordinator without keys",
                         keys->key != NULL ? "--key" : "--server-key",
                         keys->key != NULL ? "--server-key" : "--key");
    if (!key_public_read(keys->server, &server, error) || !key_pair_read(keys->key, &pair, error))
        return false;
    set_key(dealer->socket, ZMQ_CURVE_SERVERKEY, &server);
    set_key(dealer->socket, ZMQ_CURVE_PUBLICKEY, &pair.public);
    set_key(dealer->socket, ZMQ_CURVE_SECRETKEY, &pair.secret);
    key_pair_forget(&pair);
    dealer->key = strdup(keys->key);
    return dealer->key != NULL || error_memory(error);
}

/* What becomes of each handshake comes out of a socket of its own. */
static bool open_monitor(struct dealer *dealer, struct error *error) {
    const int events = ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    static const char place[] = "inproc://dealer.handshakes";
    return (zmq_socket_monitor(dealer->socket, place, events) == 0 &&
            (dealer->monitor = zmq_socket(dealer->context, ZMQ_PAIR)) != NULL &&
            zmq_connect(dealer->monitor, place) == 0) ||
           error_errno(error, ERROR_FAILED, "cannot watch a socket");
}

/* ZeroMQ takes any number for a port, and then never gets there. */
static bool has_port(const char *endpoint) {
    const char *colon = strrchr(endpoint, ':');
    size_t digits = strspn(colon != NULL ? colon + 1 : "", "0123456789");
    if (strncmp(endpoint, "tcp://", 6) != 0 || digits == 0 || colon[1 + digits] != '\0')
        return true; /* for zmq_connect to judge */
    long port = digits <= 5 ? strtol(colon + 1, NULL, 10) : 0;
    return port > 0 && port <= 65535;
}

bool dealer_open(const char *endpoint, const struct dealer_keys *keys, struct dealer **dealer,
                 struct error *error) {
    if (!descriptors_left(DESCRIPTORS, error))
        return false;
    struct dealer *made = calloc(1, sizeof *made);
    if (made == NULL || (made->endpoint = strdup(endpoint)) == NULL ||
        (made->context = zmq_ctx_new()) == NULL ||
        (made->socket = zmq_socket(made->context, ZMQ_DEALER)) == NULL) {
        error_errno(error, ERROR_FAILED, "cannot make a socket");
        goto fail;
    }
    if (!has_port(endpoint)) {
        error_set(error, ERROR_INPUT,
                  "\"%s\" is no endpoint to connect to; a port is a number from 1 to 65535",
                  endpoint);
        goto fail;
    }
    frames_set_options(made->socket, endpoint);
    /* Queue only to a connection that stands: see the top of dealer.h. */
    frames_set_option(made->socket, ZMQ_IMMEDIATE, 1);
    frames_set_option(made->socket, ZMQ_RECONNECT_IVL, 50);
    frames_set_option(made->socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    if (!set_keys(made, keys, error) || !open_monitor(made, error))
        goto fail;
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
    if (dealer->monitor != NULL)
        zmq_close(dealer->monitor);
    if (dealer->socket != NULL)
        zmq_close(dealer->socket);
    if (dealer->context != NULL)
        zmq_ctx_term(dealer->context);
    free(dealer->endpoint);
    free(dealer->key);
    free(dealer);
}

void *dealer_socket(struct dealer *dealer) {
    return dealer->socket;
}

void dealer_watch(struct dealer *dealer, bool (*go_on)(void *context), void *context) {
    dealer->go_on = go_on;
    dealer->go_on_context = context;
}

/* --- handshakes --- */

static void take_failure(struct dealer *dealer, int event, uint32_t detail) {
    char *text = dealer->trouble;
    const size_t size = sizeof dealer->trouble;
    const char *at = dealer->endpoint, *key = dealer->key;
    dealer->closed += event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    dealer->given_up = event != ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    dealer->barred = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
                     detail == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        snprintf(text, size,
                 "the coordinator at %s does not know the key in %s; add the line in %s.pub to "
                 "authorized_people or authorized_workers in its --keys folder",
                 at, key, key);
    else if (detail == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH && key != NULL)
        snprintf(text, size,
                 "the coordinator at %s runs without keys; leave out --key and --server-key (and "
                 "ASSAY_KEY, ASSAY_SERVER_KEY)",
                 at);
    else if (detail == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
        snprintf(text, size,
                 "the coordinator at %s wants keys; give --key FILE and --server-key KEY (or "
                 "ASSAY_KEY and ASSAY_SERVER_KEY); assay keygen makes a key",
                 at);
    else if (dealer->given_up || dealer->closed >= CLOSED_MOST)
        snprintf(text, size, "what listens at %s breaks off every connection; %s", at,
                 key != NULL ? "is --server-key the coordinator's public key (coordinator.key.pub "
                               "in its --keys folder)?"
                             : "is it a coordinator, and one without keys?");
}

/* Takes one event: its number, 16 bits, and its value, 32 bits. */
static void take_event(struct dealer *dealer, zmq_msg_t *part) {
    uint16_t event;
    uint32_t detail;
    if (zmq_msg_size(part) != sizeof event + sizeof detail)
        return;
    memcpy(&event, zmq_msg_data(part), sizeof event);
    memcpy(&detail, (const char *)zmq_msg_data(part) + sizeof event, sizeof detail);
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED || event == ZMQ_EVENT_CLOSED) {
        /* let in, or nobody there to refuse */
        dealer->closed = 0;
        dealer->given_up = dealer->barred = false;
        dealer->trouble[0] = '\0';
    } else {
        take_failure(dealer, event, detail);
    }
}

/* Takes what became of the handshakes since the last time; true when that is trouble. */
static bool hear_handshakes(struct dealer *dealer) {
    struct frames frames;
    bool heard = false;
    while (frames_receive(dealer->monitor, &frames)) {
        take_event(dealer, &frames.parts[0]);
        frames_free(&frames);
        heard = true;
    }
    return heard && dealer_trouble(dealer) != NULL;
}

/* After a refusal libzmq leaves it at that; the next request is another try. */
static void connect_again(struct dealer *dealer) {
    hear_handshakes(dealer);
    if (!dealer->given_up)
        return;
    dealer->given_up = false;
    zmq_disconnect(dealer->socket, dealer->endpoint);
    zmq_connect(dealer->socket, dealer->endpoint);
}

/* For dealer_ask, which may wait for long. */
static bool is_stopped(struct dealer *dealer) {
    dealer->stopped = dealer->go_on != NULL && !dealer->go_on(dealer->go_on_context);
    return dealer->stopped;
}

/* True once the socket has one of `events` (ZMQ_POLLIN, ZMQ_POLLOUT); false when deadline_ms comes,
 * or when this side is not let in (dealer_trouble), or stopped. */
static bool wait_for(struct dealer *dealer, short events, int64_t deadline_ms) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_steady_ms();
        int64_t turn_ms = dealer->go_on != NULL && left_ms > TURN_MS ? TURN_MS : left_ms;
        zmq_pollitem_t items[] = {{.socket = dealer->socket, .events = events},
                                  {.socket = dealer->monitor, .events = ZMQ_POLLIN}};
        int ready = zmq_poll(items, 2, turn_ms > 0 ? (long)turn_ms : 0);
        if (ready > 0 && items[0].revents != 0)
            return true;
        if (hear_handshakes(dealer) || left_ms <= 0 || is_stopped(dealer))
            return false;
    }
}

/* --- messages --- */

bool dealer_send(struct dealer *dealer, const char *name, const cJSON *body, uint64_t *request,
                 struct error *error) {
    return dealer_send_bytes(dealer, name, body, NULL, 0, request, error);
}

bool dealer_send_bytes(struct dealer *dealer, const char *name, const cJSON *body, void *bytes,
                       size_t length, uint64_t *request, struct error *error) {
    struct wire_packet packet;
    if (!wire_encode(name, dealer->last_request + 1, body, &packet, error)) {
        free(bytes);
        return false;
    }
    wire_packet_attach(&packet, bytes, length);
    connect_again(dealer);
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
    struct error why = {0};
    *received = frames_decode(&frames, 0, message, &code, &why);
    if (!*received) /* never a mistake of who asked */
        error_set(error, ERROR_FAILED, "%s: %s", dealer->endpoint, why.message);
    frames_free(&frames);
    return *received;
}

/* *first: the number of the first request that has asked the same; 0: none has. */
static bool ask(struct dealer *dealer, const char *name, const cJSON *body, const char *expected,
                int timeout_ms, uint64_t *first, struct wire_message *answer, struct error *error) {
    int64_t deadline_ms = clock_steady_ms() + timeout_ms;
    uint64_t request = 0;
    connect_again(dealer);
    dealer->stopped = false;
    if (!wait_for(dealer, ZMQ_POLLOUT, deadline_ms))
        return dealer->stopped ? error_set(error, ERROR_FAILED, "stopped")
                               : unreachable(dealer, error);
    if (!dealer_send(dealer, name, body, &request, error))
        return false;
    *first = *first != 0 ? *first : request;
    for (;;) {
        bool received;
        int64_t left_ms = deadline_ms - clock_steady_ms();
        if (!dealer_receive(dealer, left_ms > 0 ? (int)left_ms : 0, answer, &received, error))
            return false;
        if (!received && dealer->stopped)
            return error_set(error, ERROR_FAILED, "stopped");
        if (!received && dealer_trouble(dealer) != NULL)
            return unreachable(dealer, error);
        if (!received)
            return error_set(error, ERROR_UNREACHABLE,
                             "the coordinator at %s does not answer; is something else listening "
                             "there?",
                             dealer->endpoint);
        /* Number 0: the other side could not read ours, so it has no other way to say so. */
        if ((answer->request >= *first && answer->request <= request) || answer->request == 0)
            break;
        wire_message_free(answer);
    }
    bool good = wire_check_answer(answer, error);
    if (good && strcmp(answer->name, expected) != 0)
        good = error_set(error, ERROR_FAILED, "%s answers %s with %s, not with %s",
                         dealer->endpoint, name, answer->name, expected);
    if (!good)
        wire_message_free(answer);
    return good;
}

bool dealer_ask(struct dealer *dealer, const char *name, const cJSON *body, const char *expected,
                int timeout_ms, struct wire_message *answer, struct error *error) {
    uint64_t first = 0;
    return ask(dealer, name, body, expected, timeout_ms, &first, answer, error);
}

bool dealer_call(struct dealer *dealer, const char *name, const cJSON *body, const char *expected,
                 int timeout_ms, cJSON **answer, struct error *error) {
    return dealer_call_again(dealer, name, body, expected, timeout_ms, 1, answer, error);
}

bool dealer_call_again(struct dealer *dealer, const char *name, const cJSON *body,
                       const char *expected, int timeout_ms, int tries, cJSON **answer,
                       struct error *error) {
    struct wire_message message;
    struct error why = {0};
    uint64_t first = 0;
    bool good = false;
    for (int i = 0; i < tries && !good; i++) {
        good = ask(dealer, name, body, expected, timeout_ms / tries, &first, &message, &why);
        if (!good && why.code != ERROR_UNREACHABLE)
            break;
    }
    if (!good) {
        if (error != NULL)
            *error = why;
        return false;
    }
    if (answer != NULL) {
        *answer = message.body;
        message.body = NULL;
    }
    wire_message_free(&message);
    return true;
}
