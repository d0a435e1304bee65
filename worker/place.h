/* place: where in a worker's folder stands what belongs to one database.
 *
 * Numbers of experiments and attempts are the same in every database, so what a worker has of one
 * must never be taken for another's, whichever the coordinator has that it is started against. The
 * first database that DIR serves is at home in it:
 *
 *   DIR/spool.db, DIR/experiments/ID
 *   DIR/databases/DATABASE/spool.db, DIR/databases/DATABASE/experiments/ID   of each other one
 *
 * What one has waits while another is served, unsent reports among it, and goes on when a
 * coordinator has that database again. Coordinators that do not say which theirs is share the home
 * of a folder that has served no other, else DIR/databases/unnamed.
 *
 * The worker's lock and name are those of DIR, whichever it serves. Used by one thread.
 */
#ifndef ASSAY_WORKER_PLACE_H
#define ASSAY_WORKER_PLACE_H

#include "worker/spool.h"

struct place;

/* Takes the folder, which exists, and is at home in it at first. Errors as spool_open has them. */
bool place_open(const char *dir, struct place **place, struct error *error);
void place_close(struct place *place); /* NULL is fine */

const char *place_worker(const struct place *place); /* the name that was made with DIR */
/* These change with place_go. */
struct spool *place_spool(const struct place *place);
const char *place_folder(const struct place *place); /* that has experiments/ in it */

/* Whether it is this database's, in this history of it. What a coordinator says (docs/protocol.md,
 * "Which database") is given as it came: NULL, or what is no identity, is one that says nothing. */
bool place_is(const struct place *place, const char *database, const char *history);
/* Goes to where what belongs to that database stands. What its spool has of another history is
 * dropped (spool_belong). After a failure it is where it was. */
bool place_go(struct place *place, const char *database, const char *history, struct error *error);

#endif
