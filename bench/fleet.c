#include "bench/fleet.h"

#include "core/clock.h"
#include "core/wire.h"
#include "net/frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 256, BODY_BYTES = 1024 };

/* 12,800 pictures, of which 11,983 are recognised. */
#define METRICS                                                                                    \
    "{\"true_positive\":5983,\"true_negative\":6000,\"false_positive\":400,"                       \
    "\"false_negative\":417,\"accuracy\":0.936171875,\"precision\":0.9373335422215259,"            \
    "\"recall\":0.93484375,\"loss\":0.1734261}"

static bool connect_worker(struct fleet *fleet, const char *endpoint, struct fleet_worker *worker) {
    int descriptor;
    size_t size = sizeof descriptor;
    worker->socket = zmq_socket(fleet->context, ZMQ_DEALER);
    if (worker->socket == NULL)
        return false;
    frames_set_options(worker->socket, endpoint);
    if (zmq_connect(worker->socket, endpoint) != 0 ||
        zmq_getsockopt(worker->socket, ZMQ_FD, &descriptor, &size) != 0)
        return false;
    /* A socket's descriptor tells of changes, not of states. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = worker}};
    return epoll_ctl(fleet->readable, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool fleet_open(const char *endpoint, size_t count, struct fleet *fleet, struct error *error) {
    *fleet = (struct fleet){.readable = epoll_create1(EPOLL_CLOEXEC), .context = zmq_ctx_new()};
    fleet->workers = calloc(count, sizeof *fleet->workers);
    if (fleet->readable < 0 || fleet->context == NULL || fleet->workers == NULL)
        return error_errno(error, ERROR_FAILED, "cannot make a fleet");
    zmq_ctx_set(fleet->context, ZMQ_MAX_SOCKETS, (int)count + 16);
    for (; fleet->count < count; fleet->count++) {
        struct fleet_worker *worker = &fleet->workers[fleet->count];
        snprintf(worker->name, sizeof worker->name, "load-%zu", fleet->count);
        if (!connect_worker(fleet, endpoint, worker))
            return error_set(error, ERROR_FAILED, "cannot connect worker %zu: %s", fleet->count,
                             zmq_strerror(errno));
    }
    return true;
}

void fleet_close(struct fleet *fleet) {
    for (size_t i = 0; i < fleet->count; i++)
        zmq_close(fleet->workers[i].socket);
    if (fleet->context != NULL)
        zmq_ctx_term(fleet->context);
    close(fleet->readable);
    free(fleet->workers);
}

/* --- requests --- */

static bool ask(struct fleet_worker *worker, const char *name, const char *body,
                struct error *error) {
    char request[WIRE_REQUEST_MAX + 1];
    int digits = snprintf(request, sizeof request, "%" PRIu64, ++worker->request);
    worker->sent_s = clock_steady_seconds();
    worker->waits = true;
    if (zmq_send(worker->socket, WIRE_PROTOCOL, strlen(WIRE_PROTOCOL), ZMQ_SNDMORE) >= 0 &&
        zmq_send(worker->socket, name, strlen(name), ZMQ_SNDMORE) >= 0 &&
        zmq_send(worker->socket, request, (size_t)digits, ZMQ_SNDMORE) >= 0 &&
        zmq_send(worker->socket, body, strlen(body), 0) >= 0)
        return true;
    return error_set(error, ERROR_FAILED, "%s cannot send: %s", worker->name, zmq_strerror(errno));
}

bool fleet_hello(struct fleet_worker *worker, struct error *error) {
    char body[BODY_BYTES];
    snprintf(body, sizeof body,
             "{\"worker\":\"%s\",\"host\":\"load\",\"pid\":1,\"backend\":\"cpu\",\"device\":"
             "\"simulated\",\"threads\":1,\"memory_bytes\":68719476736}",
             worker->name);
    return ask(worker, "hello", body, error);
}

bool fleet_request(struct fleet_worker *worker, struct error *error) {
    char body[BODY_BYTES];
    snprintf(body, sizeof body, "{\"worker\":\"%s\"}", worker->name);
    return ask(worker, "request", body, error);
}

bool fleet_heartbeat(struct fleet_worker *worker, struct error *error) {
    char body[BODY_BYTES];
    snprintf(body, sizeof body,
             "{\"worker\":\"%s\",\"experiment\":%" PRId64 ",\"attempt\":%" PRId64 ",\"progress\":"
             "{\"phase\":\"train\",\"epoch\":%" PRId64 ",\"epochs\":10000,\"step\":%" PRIu64
             ",\"steps\":400,\"loss\":0.1734261,\"images_per_second\":87.2}}",
             worker->name, worker->experiment, worker->attempt, worker->epoch + 1,
             worker->request % 400);
    return ask(worker, "heartbeat", body, error);
}

bool fleet_epoch(struct fleet_worker *worker, struct error *error) {
    char body[BODY_BYTES];
    snprintf(body, sizeof body,
             "{\"worker\":\"%s\",\"experiment\":%" PRId64 ",\"attempt\":%" PRId64 ",\"sequence\":"
             "%" PRId64 ",\"kind\":\"epoch\",\"body\":{\"epoch\":%" PRId64 ",\"train\":" METRICS
             ",\"valid\":" METRICS ",\"learning_rate\":0.0002,\"seconds\":146.8,"
             "\"images_per_second\":87.2,\"best\":false}}",
             worker->name, worker->experiment, worker->attempt, ++worker->sequence,
             ++worker->epoch);
    return ask(worker, "report", body, error);
}

/* --- answers --- */

/* Takes what is there for one worker. */
static bool drain(struct fleet_worker *worker, fleet_answered *answered, void *context,
                  struct error *error) {
    struct frames frames;
    bool good = true;
    while (good && frames_receive(worker->socket, &frames)) {
        char name[WIRE_NAME_MAX + 1] = "";
        size_t length = frames.count == WIRE_FRAMES ? zmq_msg_size(&frames.parts[1]) : 0;
        if (length == 0 || length > WIRE_NAME_MAX) {
            frames_free(&frames);
            return error_set(error, ERROR_FAILED, "an answer of %zu frames", frames.count);
        }
        memcpy(name, zmq_msg_data(&frames.parts[1]), length);
        worker->waits = false;
        good = answered(context, worker, name, zmq_msg_data(&frames.parts[3]),
                        zmq_msg_size(&frames.parts[3]), clock_steady_seconds() - worker->sent_s,
                        error);
        frames_free(&frames);
    }
    return good;
}

bool fleet_wait(struct fleet *fleet, int timeout_ms, fleet_answered *answered, void *context,
                struct error *error) {
    struct epoll_event events[EVENTS];
    int count;
    do {
        count = epoll_wait(fleet->readable, events, EVENTS, timeout_ms);
        if (count < 0 && errno != EINTR)
            return error_errno(error, ERROR_FAILED, "cannot wait for answers");
        for (int i = 0; i < count; i++)
            if (!drain(events[i].data.ptr, answered, context, error))
                return false;
        timeout_ms = 0;
    } while (count == EVENTS);
    return true;
}
