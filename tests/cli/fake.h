/* fake: a coordinator that answers as a test says, on a thread of its own, and commands run against
 * it. Requests and answers go through wire, so that both have the shapes of the protocol.
 */
#ifndef ASSAY_TESTS_CLI_FAKE_H
#define ASSAY_TESTS_CLI_FAKE_H

#include "net/frames.h"
#include "tests/values.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The answer to a request, on the fake's thread: its name into *name and its body, an object that
 * the fake deletes; NULL gives no answer. `nth` counts the requests from 0. */
typedef cJSON *fake_answer(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name);

struct fake {
    void *zmq, *socket;
    pthread_t thread;
    fake_answer *answer;
    void *context;
    pthread_mutex_t answering; /* held by the thread while it does */
    atomic_bool stop;
    size_t requests; /* the thread's until it has been joined */
};

static inline void fake_reply(struct fake *fake, struct frames *frames) {
    struct wire_message message;
    struct wire_packet packet;
    enum wire_code code;
    struct error error = {0};
    const char *name = "error";
    cJSON *body;
    pthread_mutex_lock(&fake->answering);
    if (frames_decode(frames, 1, &message, &code, &error))
        body = fake->answer(fake->context, fake->requests++, message.name, message.body, &name);
    else
        body = wire_error_body(code, error.message);
    pthread_mutex_unlock(&fake->answering);
    if (body != NULL) {
        assert_true(wire_encode(name, message.request, body, &packet, &error));
        frames_send(fake->socket, &frames->parts[0], &packet);
        wire_packet_free(&packet);
    }
    cJSON_Delete(body);
    wire_message_free(&message);
}

static inline void *fake_run(void *argument) {
    struct fake *fake = argument;
    while (!atomic_load(&fake->stop)) {
        zmq_pollitem_t item = {.socket = fake->socket, .events = ZMQ_POLLIN};
        struct frames frames;
        if (zmq_poll(&item, 1, 20) <= 0 || !frames_receive(fake->socket, &frames))
            continue;
        fake_reply(fake, &frames);
        frames_free(&frames);
    }
    return NULL;
}

/* Starts it and sets ASSAY_CONNECT to it. */
static inline void fake_start(struct fake *fake, fake_answer *answer, void *context) {
    char endpoint[64];
    size_t size = sizeof endpoint;
    *fake = (struct fake){.answer = answer, .context = context, .zmq = zmq_ctx_new()};
    pthread_mutex_init(&fake->answering, NULL);
    fake->socket = zmq_socket(fake->zmq, ZMQ_ROUTER);
    frames_set_options(fake->socket, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_bind(fake->socket, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(fake->socket, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    setenv("ASSAY_CONNECT", endpoint, 1);
    assert_int_equal(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
}

/* Between a command and a look at what the fake has noted, and the other way round: each sees what
 * the other has done. */
static inline void fake_meet(struct fake *fake) {
    pthread_mutex_lock(&fake->answering);
    pthread_mutex_unlock(&fake->answering);
}

/* Ends it; returns how many requests came. */
static inline size_t fake_stop(struct fake *fake) {
    atomic_store(&fake->stop, true);
    pthread_join(fake->thread, NULL);
    zmq_close(fake->socket);
    zmq_ctx_term(fake->zmq);
    pthread_mutex_destroy(&fake->answering);
    unsetenv("ASSAY_CONNECT");
    return fake->requests;
}

/* What a command wrote and returned. */
struct run {
    int status;
    char *out, *err;
};

static inline struct run run_command(int (*command)(int argc, char **argv), char **argv) {
    struct run run;
    size_t out_size, err_size;
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    FILE *out = stdout, *err = stderr;
    stdout = open_memstream(&run.out, &out_size);
    stderr = open_memstream(&run.err, &err_size);
    run.status = command(argc, argv);
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = err;
    return run;
}
#define RUN(command, ...) run_command(command, (char *[]){__VA_ARGS__, NULL})

/* Checks the outcome of a command and frees it. */
static inline void assert_run(struct run run, int status, const char *out, const char *err) {
    assert_string_equal(run.err, err);
    assert_string_equal(run.out, out);
    assert_int_equal(run.status, status);
    free(run.out);
    free(run.err);
}

#endif
