/* endpoint: where the coordinator may listen. */
#ifndef ASSAY_COORDINATOR_ENDPOINT_H
#define ASSAY_COORDINATOR_ENDPOINT_H

#include "core/error.h"

enum { ENDPOINT_MAX = 256 };

/* Checks an endpoint as people write it (tcp://HOST:PORT, PORT a number, 0 or * for any free one;
 * ipc://FILE) and turns it into what zmq_bind takes. Without keys everybody who can connect can
 * steer, so only this machine may: 127.0.0.0/8, [::1], localhost, ipc. With keys HOST is any
 * address or interface of this machine, or * for all. Anything else is ERROR_INPUT. */
bool endpoint_check(const char *endpoint, bool keys, char bindable[ENDPOINT_MAX],
                    struct error *error);

/* Checks that listening there destroys nothing: zmq_bind removes whatever has the name of an
 * ipc://FILE, which may be somebody's file (ERROR_INPUT), or the socket of a program that runs,
 * which nobody could reach any more then (ERROR_FAILED). One that a killed coordinator left behind
 * is free. It removes it also where FILE is longer than a socket's name can be (ERROR_INPUT). */
bool endpoint_check_free(const char *bindable, struct error *error);

#endif
