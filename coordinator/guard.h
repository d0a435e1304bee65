/* guard: who comes in: CURVE on the coordinator's socket, and the two lists behind it.
 *
 * The folder of --keys holds coordinator.key, this side's secret (assay keygen), and the lists
 * authorized_workers and authorized_people (allow.h). libzmq asks about every connection through
 * ZAP (RFC 27), on a socket inside the process that the server's loop polls. It is let in when its
 * key is on a list; every message carries that key as its User-Id, and is looked up again, so that
 * a key taken out of its list is not served any more on a connection that stands.
 */
#ifndef ASSAY_COORDINATOR_GUARD_H
#define ASSAY_COORDINATOR_GUARD_H

#include "coordinator/allow.h"

#include <zmq.h>

struct guard;

/* One line for people, without its end: a list was read anew or is broken, a key was refused. */
typedef void guard_say(void *context, const char *line);

/* Reads the folder. ERROR_INPUT when the secret is not there or others may read it, or a list is
 * broken. Everything is copied. Close with guard_close, after guard_detach. */
bool guard_open(const char *folder, guard_say *say, void *context, struct guard **guard,
                struct error *error);
void guard_close(struct guard *guard); /* NULL is fine */

/* Makes `socket`, before it is bound, one that only the lists' keys come through. */
bool guard_attach(struct guard *guard, void *zmq_context, void *socket, struct error *error);
/* Ends what guard_attach began, before the ZeroMQ context ends. */
void guard_detach(struct guard *guard);

/* For zmq_poll with ZMQ_POLLIN; guard_answer then answers all that waits. */
void *guard_socket(struct guard *guard);
void guard_answer(struct guard *guard);

/* Looks whether the lists have changed. */
void guard_refresh(struct guard *guard);
/* Who a message's sender is now; holds until the lists are read again. */
struct caller guard_caller(const struct guard *guard, zmq_msg_t *part);

#endif
