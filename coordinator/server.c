#include "coordinator/server.h"

#include "coordinator/endpoint.h"
#include "coordinator/watchers.h"
#include "core/clock.h"
#include "net/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_MESSAGES = 256,
    BATCH_BYTES = 32 << 20, /* of answers that wait for the commit */
    BATCH_TAKEN = 4 << 20,  /* of questions: others wait while files' pieces are written */
    PUBLISH_MS = 2000,
    POLL_MS = 500, /* how late a lease may be noticed to have expired */
};

/* One request of the batch and its encoded answer. */
struct exchange {
    struct frames question; /* behind the identity of whom the answer is for */
    uint64_t request;
    struct wire_packet answer;
    bool reads;         /* as the reply said */
    bool later;         /* it is among the watchers, and has no answer yet */
    struct reply reply; /* what the answer is made of once the commit has settled it, else zeroed */
};

struct server {
    void *context, *socket;
    struct coordinator *coordinator;
    struct guard *guard; /* NULL: no keys */
    char endpoint[ENDPOINT_MAX];
    struct exchange batch[BATCH_MESSAGES];
    size_t batch_count, batch_bytes, batch_taken, batch_reports;
    struct exporter *exporter; /* NULL: nobody measures */
    struct stats stats;
    int64_t publish_ms; /* when next */
    struct watchers watchers;
    int64_t revision; /* that the watchers know */
};

bool server_open(const char *listen, struct guard *guard, struct coordinator *coordinator,
                 struct server **server, struct error *error) {
    char bindable[ENDPOINT_MAX];
    if (!endpoint_check(listen, guard != NULL, bindable, error) ||
        !endpoint_check_free(bindable, error))
        return false;
    struct server *made = calloc(1, sizeof *made);
    size_t size = sizeof made->endpoint;
    if (made == NULL || (made->context = zmq_ctx_new()) == NULL ||
        (made->socket = zmq_socket(made->context, ZMQ_ROUTER)) == NULL) {
        error_set(error, ERROR_FAILED, "cannot make a socket: %s", zmq_strerror(errno));
        goto fail;
    }
    made->coordinator = coordinator;
    made->guard = guard;
    frames_set_options(made->socket, bindable);
    if (guard != NULL && !guard_attach(guard, made->context, made->socket, error))
        goto fail;
    if (zmq_bind(made->socket, bindable) != 0) {
        error_set(error, ERROR_FAILED, "cannot listen on %s: %s%s", listen, zmq_strerror(errno),
                  errno == EADDRINUSE ? "; is a coordinator running already? Else name another "
                                        "port with --listen tcp://127.0.0.1:PORT"
                                      : "");
        goto fail;
    }
    /* LAST_ENDPOINT is where others connect, so it is read before the socket is bound here too. */
    if (zmq_getsockopt(made->socket, ZMQ_LAST_ENDPOINT, made->endpoint, &size) != 0) {
        error_set(error, ERROR_FAILED, "cannot tell where %s is: %s", listen, zmq_strerror(errno));
        goto fail;
    }
    if (zmq_bind(made->socket, SERVER_INSIDE) != 0) {
        error_set(error, ERROR_FAILED, "cannot make a socket: %s", zmq_strerror(errno));
        goto fail;
    }
    *server = made;
    return true;
fail:
    server_close(made);
    return false;
}

void server_close(struct server *server) {
    if (server == NULL)
        return;
    if (server->socket != NULL)
        zmq_close(server->socket);
    if (server->guard != NULL)
        guard_detach(server->guard);
    if (server->context != NULL)
        zmq_ctx_term(server->context);
    free(server);
}

const char *server_endpoint(const struct server *server) {
    return server->endpoint;
}

void *server_context(const struct server *server) {
    return server->context;
}

/* The `error` answer; an empty packet without memory. */
static void encode_error(enum wire_code code, const char *text, struct exchange *exchange) {
    cJSON *body = wire_error_body(code, text);
    if (body != NULL)
        wire_encode("error", exchange->request, body, &exchange->answer, NULL);
    cJSON_Delete(body);
}

/* Takes the reply's bytes. */
static void encode_reply(struct reply *reply, struct exchange *exchange) {
    struct error error;
    if (!wire_encode(reply->name, exchange->request, reply->body, &exchange->answer, &error)) {
        encode_error(wire_code_of(&error), error.message, exchange);
        return;
    }
    wire_packet_attach(&exchange->answer, reply->bytes, reply->bytes_length);
    reply->bytes = NULL;
}

static void encode_change(const struct server *server, struct exchange *exchange) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "revision", (double)server->coordinator->revision);
    wire_encode("change", exchange->request, body, &exchange->answer, NULL);
    cJSON_Delete(body);
}

/* Sends the answer, if there is one yet, and frees the exchange. A peer that is gone, or does not
 * read its answers, asks again. */
static void send_answer(struct server *server, struct exchange *exchange) {
    if (exchange->answer.body != NULL)
        frames_send(server->socket, &exchange->question.parts[0], &exchange->answer);
    wire_packet_free(&exchange->answer);
    reply_free(&exchange->reply);
    frames_free(&exchange->question);
}

/* Sends what a watcher has waited for. */
static void send_change(struct server *server, const struct watcher *watcher) {
    struct exchange exchange = {.request = watcher->request};
    if (zmq_msg_init_size(&exchange.question.parts[0], watcher->identity_length) != 0)
        return;
    exchange.question.count = 1;
    memcpy(zmq_msg_data(&exchange.question.parts[0]), watcher->identity, watcher->identity_length);
    encode_change(server, &exchange);
    send_answer(server, &exchange);
}

/* Puts the request among the watchers, or answers it if there is no place. */
static void take_watcher(struct server *server, struct exchange *exchange) {
    struct watcher earlier;
    bool replaced;
    zmq_msg_t *identity = &exchange->question.parts[0];
    exchange->later =
        watchers_add(&server->watchers, zmq_msg_data(identity), zmq_msg_size(identity),
                     exchange->request, server->coordinator->now.steady_ms, &earlier, &replaced);
    if (replaced)
        send_change(server, &earlier);
    if (!exchange->later)
        encode_change(server, exchange);
}

/* Answers those who wait, if something has changed, or for long enough. */
static void serve_watchers(struct server *server) {
    struct watcher watcher;
    bool changed = server->revision != server->coordinator->revision;
    server->revision = server->coordinator->revision;
    while (watchers_take(&server->watchers, changed, server->coordinator->now.steady_ms, &watcher))
        send_change(server, &watcher);
}

/* Whoever comes through a network has said what socket it comes from (ZMTP's Socket-Type). */
static bool is_inside(zmq_msg_t *part) {
    return zmq_msg_gets(part, "Socket-Type") == NULL && zmq_msg_gets(part, "User-Id") == NULL &&
           zmq_msg_gets(part, "Peer-Address") == NULL;
}

/* Without keys anybody may do everything, under the name they say. */
static struct caller caller_of(const struct server *server, struct frames *frames) {
    if (server->guard == NULL)
        return (struct caller){.roles = ROLE_BOTH};
    if (frames->count > 1 && is_inside(&frames->parts[1]))
        return (struct caller){.roles = ROLE_PERSON, .person = ""};
    return frames->count > 1 ? guard_caller(server->guard, &frames->parts[1]) : (struct caller){0};
}

/* Decodes the question, has it answered and encodes the answer. */
static void take(struct server *server, struct exchange *exchange) {
    struct wire_message message;
    enum wire_code code;
    struct error error;
    const struct caller caller = caller_of(server, &exchange->question);
    if (frames_decode(&exchange->question, 1, &message, &code, &error)) {
        struct reply reply;
        exchange->request = message.request;
        coordinator_answer(server->coordinator, &caller, &message, &reply);
        exchange->reads = reply.reads;
        if (reply.later) {
            take_watcher(server, exchange);
        } else if (reply.settle != NULL) {
            exchange->reply = reply;
            reply = (struct reply){0};
        } else {
            encode_reply(&reply, exchange);
        }
        server->batch_reports += reply.name != NULL && strcmp(reply.name, "ack") == 0;
        reply_free(&reply);
        wire_message_free(&message);
    } else {
        exchange->request = message.request;
        encode_error(code, error.message, exchange);
    }
    server->batch_bytes += exchange->answer.body_length + exchange->answer.bytes_length;
}

static bool commit(struct server *server, struct error *error) {
    bool wrote = coordinator_wrote(server->coordinator);
    double began_s = clock_steady_seconds();
    bool good = coordinator_commit(server->coordinator, error);
    if (!good)
        server->stats.commits_failed++;
    else if (wrote)
        stats_commit(&server->stats, clock_steady_seconds() - began_s);
    return good;
}

/* Instead of each answer but those of watchers: that the batch has failed. */
static void answer_failure(struct server *server, const struct error *failure, bool readers_only) {
    for (size_t i = 0; i < server->batch_count; i++) {
        struct exchange *exchange = &server->batch[i];
        if (exchange->later || (readers_only && !exchange->reads))
            continue;
        wire_packet_free(&exchange->answer);
        reply_free(&exchange->reply);
        encode_error(WIRE_INTERNAL, failure->message, exchange);
    }
}

/* After a batch that has failed: what only reads is answered all the same, in its own batch. */
static void read_again(struct server *server, struct moment now) {
    struct error error;
    if (!coordinator_begin(server->coordinator, now))
        return;
    for (size_t i = 0; i < server->batch_count; i++) {
        struct exchange *exchange = &server->batch[i];
        if (exchange->later || !exchange->reads)
            continue;
        wire_packet_free(&exchange->answer);
        take(server, exchange);
    }
    if (!coordinator_commit(server->coordinator, &error)) /* of nothing: no commit to be counted */
        answer_failure(server, &error, true);
}

static void send_answers(struct server *server) {
    for (size_t i = 0; i < server->batch_count; i++) {
        struct exchange *exchange = &server->batch[i];
        if (exchange->reply.settle != NULL) {
            exchange->reply.settle(server->coordinator, &exchange->reply);
            encode_reply(&exchange->reply, exchange);
        }
        send_answer(server, exchange);
    }
    server->stats.requests += (int64_t)server->batch_count;
    server->batch_count = 0;
    server->batch_bytes = 0;
    server->batch_taken = 0;
    server->batch_reports = 0;
}

void server_export(struct server *server, struct exporter *exporter) {
    server->exporter = exporter;
}

/* Every two seconds, when somebody may read it. What cannot be counted now is shown as it was. */
static void publish(struct server *server) {
    int64_t now_ms = server->coordinator->now.steady_ms;
    if (server->exporter == NULL || now_ms < server->publish_ms)
        return;
    server->publish_ms = now_ms + PUBLISH_MS;
    server->stats.watchers = (int64_t)server->watchers.count;
    coordinator_measure(server->coordinator, &server->stats, NULL);
    exporter_publish(server->exporter, &server->stats);
}

/* One turn: what waits now, in one transaction. */
static void serve_batch(struct server *server) {
    struct error error;
    bool drained = false;
    struct moment now = {.unix_ms = clock_unix_ms(), .steady_ms = clock_steady_ms()};
    if (!coordinator_begin(server->coordinator, now))
        return;
    if (server->guard != NULL)
        guard_refresh(server->guard);
    while (server->batch_count < BATCH_MESSAGES && server->batch_bytes < BATCH_BYTES &&
           server->batch_taken < BATCH_TAKEN && !drained) {
        struct exchange *exchange = &server->batch[server->batch_count];
        memset(exchange, 0, sizeof *exchange);
        drained = !frames_receive(server->socket, &exchange->question);
        if (!drained) {
            take(server, exchange);
            server->batch_taken += frames_bytes(&exchange->question);
            server->batch_count++;
        }
    }
    if (drained)
        coordinator_expire(server->coordinator);
    if (commit(server, &error)) {
        server->stats.reports += (int64_t)server->batch_reports;
    } else {
        answer_failure(server, &error, false);
        read_again(server, now);
    }
    send_answers(server);
    serve_watchers(server);
    publish(server);
    finish_turn(server->coordinator->finish, server->coordinator->now.steady_ms);
}

bool server_run(struct server *server, int stop, struct error *error) {
    int64_t poll_ms = server->coordinator->lease_ms / 4;
    zmq_pollitem_t items[] = {{.socket = server->socket, .events = ZMQ_POLLIN},
                              {.fd = stop, .events = ZMQ_POLLIN},
                              {.events = ZMQ_POLLIN}};
    int count = 2;
    if (server->guard != NULL)
        items[count++].socket = guard_socket(server->guard);
    while (items[1].revents == 0) {
        int64_t wait_ms =
            finish_due_ms(server->coordinator->finish, poll_ms < POLL_MS ? poll_ms : POLL_MS);
        if (zmq_poll(items, count, (long)wait_ms) < 0 && errno != EINTR)
            return error_set(error, ERROR_FAILED, "cannot wait on the socket: %s",
                             zmq_strerror(errno));
        if (items[2].revents != 0)
            guard_answer(server->guard);
        serve_batch(server);
    }
    return true;
}
