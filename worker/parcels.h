/* parcels: the files that wait to be sent, in order: between the agent, which hands them in, and
 * the courier's thread, which takes the first one, carries it and puts it down.
 *
 * One that is handed in while an earlier one of its name waits takes its place, at the end. The one
 * that is being carried stays until it is put down, but it may be dropped meanwhile.
 */
#ifndef ASSAY_WORKER_PARCELS_H
#define ASSAY_WORKER_PARCELS_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct parcel {
    int64_t experiment, attempt;
    const char *kind; /* "best", "last", "epoch", "file" */
    const char *path;
    int64_t bytes; /* of the file when it was handed in */
};

const char *parcel_name(const struct parcel *parcel); /* the path's last component */

struct parcels;

bool parcels_new(struct parcels **parcels, struct error *error);
void parcels_free(struct parcels *parcels); /* NULL is fine */

/* Copies the parcel. */
bool parcels_add(struct parcels *parcels, const struct parcel *parcel, struct error *error);
/* Drops what waits of the attempt. */
void parcels_drop(struct parcels *parcels, int64_t experiment, int64_t attempt);
size_t parcels_count(struct parcels *parcels, int64_t experiment, int64_t attempt);
/* The bytes of those, without what of the one that is being carried has arrived. */
int64_t parcels_bytes(struct parcels *parcels, int64_t experiment, int64_t attempt);

/* The first one is being carried from now on; it lives until parcels_put_down. NULL when none
 * waits. *dropped: it does not matter any more. */
const struct parcel *parcels_carry(struct parcels *parcels, bool *dropped);
/* So much of it has arrived. */
void parcels_arrived(struct parcels *parcels, int64_t bytes);
void parcels_put_down(struct parcels *parcels);

#endif
