/* fleet: many workers of assay/1, simulated in one thread: a DEALER socket each, and one request
 * under way each. Their bodies are written by hand, so that the load is the coordinator's.
 */
#ifndef ASSAY_BENCH_FLEET_H
#define ASSAY_BENCH_FLEET_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct fleet_worker {
    void *socket;
    uint64_t request; /* the last */
    double sent_s;    /* when; on clock_steady_seconds */
    bool waits;       /* for the answer */
    char name[32];
    int64_t experiment, attempt, epoch, sequence;
};

struct fleet {
    void *context;
    int readable; /* epoll of all sockets */
    struct fleet_worker *workers;
    size_t count;
};

/* Connects `count` workers. False with the error; close with fleet_close in any case. */
bool fleet_open(const char *endpoint, size_t count, struct fleet *fleet, struct error *error);
void fleet_close(struct fleet *fleet);

/* Called for an answer: its name, its body (length bytes), and how long it took. False ends the
 * program's run with the error. */
typedef bool fleet_answered(void *context, struct fleet_worker *worker, const char *name,
                            const char *body, size_t length, double seconds, struct error *error);

/* What a worker says. It must not wait for an answer. */
bool fleet_hello(struct fleet_worker *worker, struct error *error);
bool fleet_request(struct fleet_worker *worker, struct error *error);
bool fleet_heartbeat(struct fleet_worker *worker, struct error *error);
bool fleet_epoch(struct fleet_worker *worker, struct error *error); /* reports the next one */

/* Hands over the answers that come within timeout_ms (0: those that are there). */
bool fleet_wait(struct fleet *fleet, int timeout_ms, fleet_answered *answered, void *context,
                struct error *error);

#endif
