#include "coordinator/guard.h"

#include "core/clock.h"
#include "net/frames.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS, PEOPLE, LISTS };
enum { REFUSALS_EVERY_MS = 1000 };

static const struct {
    const char *file;
    enum role role;
} lists[LISTS] = {
    [WORKERS] = {"authorized_workers", ROLE_WORKER}, [PEOPLE] = {"authorized_people", ROLE_PERSON}};

struct guard {
    char *folder;
    struct key_pair pair;
    char *paths[LISTS];
    struct allow_list allowed[LISTS];
    void *zap;
    guard_say *say;
    void *context;
    int64_t refused_ms; /* when a refusal was told last */
};

__attribute__((format(printf, 2, 3))) static void tell(struct guard *guard, const char *format,
                                                       ...) {
    char line[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    guard->say(guard->context, line);
}

/* --- the folder --- */

static bool read_secret(struct guard *guard, struct error *error) {
    char *path = NULL;
    if (asprintf(&path, "%s/coordinator.key", guard->folder) < 0)
        return error_memory(error);
    bool good = access(path, F_OK) == 0
                    ? key_pair_read(path, &guard->pair, error)
                    : error_set(error, ERROR_INPUT,
                                "%s is not there; make it with: assay keygen %s", path, path);
    free(path);
    return good;
}

bool guard_open(const char *folder, guard_say *say, void *context, struct guard **guard,
                struct error *error) {
    struct guard *made = calloc(1, sizeof *made);
    if (made == NULL || (made->folder = strdup(folder)) == NULL) {
        error_memory(error);
        goto fail;
    }
    made->say = say;
    made->context = context;
    if (!read_secret(made, error))
        goto fail;
    for (size_t i = 0; i < LISTS; i++) {
        bool changed;
        if (asprintf(&made->paths[i], "%s/%s", folder, lists[i].file) < 0) {
            made->paths[i] = NULL;
            error_memory(error);
            goto fail;
        }
        if (!allow_refresh(made->paths[i], &made->allowed[i], &changed, error))
            goto fail;
        if (made->allowed[i].count == 0)
            tell(made, "%s has no key yet; add the line of a .pub file", made->paths[i]);
    }
    *guard = made;
    return true;
fail:
    guard_close(made);
    return false;
}

void guard_close(struct guard *guard) {
    if (guard == NULL)
        return;
    for (size_t i = 0; i < LISTS; i++) {
        allow_free(&guard->allowed[i]);
        free(guard->paths[i]);
    }
    key_pair_forget(&guard->pair);
    free(guard->folder);
    free(guard);
}

void guard_refresh(struct guard *guard) {
    for (size_t i = 0; i < LISTS; i++) {
        struct error error = {0};
        bool changed;
        if (!allow_refresh(guard->paths[i], &guard->allowed[i], &changed, &error))
            tell(guard, "%s", error.message);
        if (changed)
            tell(guard, "%s read again: %zu %s", guard->paths[i], guard->allowed[i].count,
                 guard->allowed[i].count == 1 ? "key" : "keys");
    }
}

static struct caller caller_of(const struct guard *guard, const struct key *key) {
    struct caller caller = {.person = "", .key = *key, .workers = &guard->allowed[WORKERS]};
    for (size_t i = 0; i < LISTS; i++) {
        const struct allowed_key *line = allow_find(&guard->allowed[i], key);
        if (line == NULL)
            continue;
        caller.roles |= (unsigned)lists[i].role;
        if (lists[i].role == ROLE_PERSON)
            caller.person = line->name;
    }
    return caller;
}

struct caller guard_caller(const struct guard *guard, zmq_msg_t *part) {
    const char *user = zmq_msg_gets(part, "User-Id");
    struct key key;
    struct error error;
    char name[KEY_NAME_MAX + 1];
    bool found = false;
    if (user == NULL || !key_line_parse(user, strlen(user), &key, name, &found, &error) || !found)
        return (struct caller){.person = "", .workers = &guard->allowed[WORKERS]};
    return caller_of(guard, &key);
}

/* --- ZAP --- */

bool guard_attach(struct guard *guard, void *zmq_context, void *socket, struct error *error) {
    frames_set_option(socket, ZMQ_CURVE_SERVER, 1);
    /* Without a handler there every key would be let in: it comes before the socket is bound. */
    if (zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, guard->pair.secret.bytes, KEY_BYTES) == 0 &&
        zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "assay", strlen("assay")) == 0 &&
        (guard->zap = zmq_socket(zmq_context, ZMQ_REP)) != NULL &&
        zmq_bind(guard->zap, "inproc://zeromq.zap.01") == 0) {
        frames_set_option(guard->zap, ZMQ_LINGER, 0);
        return true;
    }
    return error_set(error, ERROR_FAILED, "cannot set up CURVE: %s", zmq_strerror(errno));
}

void guard_detach(struct guard *guard) {
    if (guard->zap != NULL)
        zmq_close(guard->zap);
    guard->zap = NULL;
}

void *guard_socket(struct guard *guard) {
    return guard->zap;
}

/* A ZAP request: version, request id, domain, address, identity, mechanism, and CURVE's one
 * credential, the key. */
enum { ZAP_VERSION, ZAP_REQUEST, ZAP_ADDRESS = 3, ZAP_MECHANISM = 5, ZAP_KEY, ZAP_PARTS };

static_assert((int)ZAP_PARTS <= (int)FRAMES_MAX, "frames_receive keeps all of a request");

static bool part_is(zmq_msg_t *part, const char *text) {
    return zmq_msg_size(part) == strlen(text) &&
           memcmp(zmq_msg_data(part), text, strlen(text)) == 0;
}

/* Somebody who knocks without end does not fill the log. */
static void tell_refusal(struct guard *guard, zmq_msg_t *address, const char *hex) {
    int64_t now_ms = clock_steady_ms();
    if (guard->refused_ms != 0 && now_ms - guard->refused_ms < REFUSALS_EVERY_MS)
        return;
    guard->refused_ms = now_ms;
    tell(guard, "refused a connection from %.*s: the key %s is in neither list of %s",
         (int)zmq_msg_size(address), (const char *)zmq_msg_data(address), hex, guard->folder);
}

/* The key's text when it is on a list, else NULL. */
static const char *admit(struct guard *guard, struct frames *question,
                         char hex[static KEY_TEXT_SIZE]) {
    zmq_msg_t *parts = question->parts;
    struct key key;
    if (question->count != ZAP_PARTS || !part_is(&parts[ZAP_VERSION], "1.0") ||
        !part_is(&parts[ZAP_MECHANISM], "CURVE") || zmq_msg_size(&parts[ZAP_KEY]) != KEY_BYTES)
        return NULL;
    memcpy(key.bytes, zmq_msg_data(&parts[ZAP_KEY]), KEY_BYTES);
    key_text(&key, hex);
    if (caller_of(guard, &key).roles != 0)
        return hex;
    tell_refusal(guard, &parts[ZAP_ADDRESS], hex);
    return NULL;
}

static void send_part(void *zap, const char *data, size_t length, int more) {
    zmq_send(zap, data, length, ZMQ_DONTWAIT | more);
}

void guard_answer(struct guard *guard) {
    struct frames question;
    guard_refresh(guard);
    while (frames_receive(guard->zap, &question)) {
        char hex[KEY_TEXT_SIZE];
        const char *user = admit(guard, &question, hex);
        bool numbered = question.count > ZAP_REQUEST;
        send_part(guard->zap, "1.0", 3, ZMQ_SNDMORE);
        send_part(guard->zap, numbered ? zmq_msg_data(&question.parts[ZAP_REQUEST]) : "",
                  numbered ? zmq_msg_size(&question.parts[ZAP_REQUEST]) : 0, ZMQ_SNDMORE);
        send_part(guard->zap, user != NULL ? "200" : "400", 3, ZMQ_SNDMORE);
        send_part(guard->zap, user != NULL ? "OK" : "not on a list",
                  user != NULL ? strlen("OK") : strlen("not on a list"), ZMQ_SNDMORE);
        send_part(guard->zap, user != NULL ? user : "", user != NULL ? strlen(user) : 0,
                  ZMQ_SNDMORE);
        send_part(guard->zap, "", 0, 0);
        frames_free(&question);
    }
}
