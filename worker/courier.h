/* courier: takes a worker's files to the coordinator, on a thread and a connection of its own, so
 * that neither training nor heartbeats wait for them.
 *
 * Files go in the order they were handed in (parcels.h: of "last" only the newest matters); how one
 * goes is decided in delivery.h. A file is read when its turn comes, and a checkpoint offered as of
 * the epoch that it says itself; files that change are replaced by renaming, so what is open stays
 * what it was. Nothing is kept on disk: after a crash the trainer tells of its checkpoints again,
 * and what the coordinator has already does not travel twice.
 */
#ifndef ASSAY_WORKER_COURIER_H
#define ASSAY_WORKER_COURIER_H

#include "net/dealer.h"
#include "worker/parcels.h"

struct courier;

struct courier_options {
    const char *connect; /* the coordinator */
    const struct dealer_keys *keys;
    const char *worker;  /* this worker's name */
    const char *history; /* that its attempts are of (request.h); "": none */
    const char *shared;  /* the coordinator's artifacts folder, if it is seen from here; or NULL */
};

/* The strings of `options` are borrowed until courier_close, which drops what waits. */
bool courier_open(const struct courier_options *options, struct courier **courier,
                  struct error *error);
void courier_close(struct courier *courier); /* NULL is fine */

/* Copies the parcel, and sees how large its file is. */
bool courier_send(struct courier *courier, const struct parcel *parcel, struct error *error);
/* Forgets the attempt's files. */
void courier_drop(struct courier *courier, int64_t experiment, int64_t attempt);
/* How many of the attempt's files have not arrived. *refused: the coordinator has no room for the
 * one whose turn it is. */
size_t courier_waiting(struct courier *courier, int64_t experiment, int64_t attempt, bool *refused);
/* How many bytes of those have not arrived. */
int64_t courier_bytes(struct courier *courier, int64_t experiment, int64_t attempt);

/* Readable when courier_waiting may say something else, or there is something to tell. */
int courier_fd(const struct courier *courier);
/* What went wrong since the last call, for people; makes the descriptor unreadable again. */
bool courier_trouble(struct courier *courier, struct error *trouble);

#endif
