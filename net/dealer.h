/* dealer: the side of the protocol that asks: one DEALER socket connected to one coordinator.
 *
 * `dealer_call` sends one request and waits for its answer (what the command line wants);
 * `dealer_send`, `dealer_receive` and `dealer_socket` do the same without waiting (what a worker's
 * agent wants). A request is sent only over a connection that stands, so nothing piles up while the
 * coordinator is away, and a request that got no answer is simply made again: every request has the
 * effect of one. A dealer belongs to one thread.
 *
 * With keys (net/keys.h) the connection is CURVE's: encrypted, to the one coordinator that has the
 * secret of the server key, which lets in whom its lists name.
 */
#ifndef ASSAY_NET_DEALER_H
#define ASSAY_NET_DEALER_H

#include "core/error.h"
#include "core/wire.h"

#define DEALER_ENDPOINT                                                                            \
    "tcp://127.0.0.1:7470" /* where a coordinator listens unless told otherwise */

struct dealer;

/* As --key and --server-key give them; both NULL: without CURVE. */
struct dealer_keys {
    const char *key;    /* this side's secret key file */
    const char *server; /* the coordinator's public key: digits or a file */
};
/* What both programs' --help says of the options. */
#define DEALER_KEY_HELP                                                                            \
    "This side's secret key, made by assay keygen, for a coordinator with keys (default: "         \
    "ASSAY_KEY)"
#define DEALER_SERVER_KEY_HELP                                                                     \
    "The coordinator's public key: its digits, or the .pub file (default: ASSAY_SERVER_KEY)"
/* ASSAY_KEY and ASSAY_SERVER_KEY, for what the command line does not say. */
struct dealer_keys dealer_keys_default(void);

/* Connects in the background: true does not say that a coordinator is there. ERROR_INPUT when
 * `endpoint` is not one, when one key is given without the other, or cannot be used. Everything is
 * copied; `keys` may be NULL: none. Close with dealer_close. */
bool dealer_open(const char *endpoint, const struct dealer_keys *keys, struct dealer **dealer,
                 struct error *error);
/* What was not yet sent is dropped. NULL is fine. */
void dealer_close(struct dealer *dealer);

/* Sends `name` with `body` (borrowed; NULL is `{}`) and waits at most timeout_ms for the answer,
 * which must be called `expected`; *answer is its body, for the caller to cJSON_Delete (`answer`
 * may be NULL). ERROR_UNREACHABLE when there is no coordinator, none that lets us in (known without
 * waiting for the timeout), or no answer in time; an `error` answer fails as wire_check_answer
 * says. Answers to earlier requests that come meanwhile are dropped. */
bool dealer_call(struct dealer *dealer, const char *name, const cJSON *body, const char *expected,
                 int timeout_ms, cJSON **answer, struct error *error);

/* The same, asked up to `tries` times, each for its part of timeout_ms, while there is no answer.
 * One to any of them counts: it was the first request that did what is to be done. */
bool dealer_call_again(struct dealer *dealer, const char *name, const cJSON *body,
                       const char *expected, int timeout_ms, int tries, cJSON **answer,
                       struct error *error);

/* As dealer_call, with all of the answer: its body and, where it has one, its piece of a file. Free
 * it with wire_message_free. */
bool dealer_ask(struct dealer *dealer, const char *name, const cJSON *body, const char *expected,
                int timeout_ms, struct wire_message *answer, struct error *error);

/* While dealer_ask and dealer_call wait, `go_on` is asked several times a second; when it says
 * false they fail (ERROR_FAILED, "stopped"). NULL: nobody is. */
void dealer_watch(struct dealer *dealer, bool (*go_on)(void *context), void *context);

/* Sends one request now; *request is the number that its answer will carry. ERROR_UNREACHABLE, and
 * nothing is sent, while there is no connection. */
bool dealer_send(struct dealer *dealer, const char *name, const cJSON *body, uint64_t *request,
                 struct error *error);

/* The same with a piece of a file behind the body; `bytes` (malloc) is taken over, also on failure.
 */
bool dealer_send_bytes(struct dealer *dealer, const char *name, const cJSON *body, void *bytes,
                       size_t length, uint64_t *request, struct error *error);

/* Takes the next answer if there is one within timeout_ms (0: now); *received says so. It is
 * checked (wire_decode) and may be an `error`: wire_check_answer. Free it with wire_message_free.
 * False when what came is no message of this protocol; it has been taken off the socket then. */
bool dealer_receive(struct dealer *dealer, int timeout_ms, struct wire_message *message,
                    bool *received, struct error *error);

/* Why the coordinator does not let this side in, as far as is known: its list does not have the
 * key, one side has keys and the other none, or the server key is another's. Waiting does not help
 * then, but the next request tries again. NULL when there is no such trouble. */
const char *dealer_trouble(struct dealer *dealer);

/* Whether that is trouble which only somebody with the keys can end. */
bool dealer_barred(const struct dealer *dealer);

/* The ZeroMQ socket, for zmq_poll with ZMQ_POLLIN. */
void *dealer_socket(struct dealer *dealer);

#endif
