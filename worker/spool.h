/* spool: the reports that the coordinator has not acknowledged yet, on the worker's own disk.
 *
 * DIR/spool.db, a SQLite file (WAL, synchronous=FULL): a report is stored before it is sent and
 * deleted when it is acknowledged, so none is lost to a SIGKILL or to a coordinator that is away.
 * What a killed worker leaves behind is sent first by the next one in that folder, with the attempt
 * it was made under; the coordinator fences it if that attempt is over.
 *
 * DIR/reserve holds 4 MiB that are given up when the disk is full, so that what a worker has to say
 * then (that it could not go on) is stored all the same.
 *
 * It is of one database and one history of it (docs/protocol.md, "Which database"), once a
 * coordinator has said which: what it holds means nothing to any other.
 *
 * A folder belongs to one live worker: its lock (folder.h) is held for as long as the spool is
 * open. The worker's name, HOST:RANDOM, is made with the spool and stays with it, so that a worker
 * that is started again in its folder is the same worker to the coordinator.
 *
 * Used by one thread.
 */
#ifndef ASSAY_WORKER_SPOOL_H
#define ASSAY_WORKER_SPOOL_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct spool;

struct spooled {
    int64_t sequence, experiment, attempt;
    char *kind, *body; /* body: JSON text; both freed by spooled_free */
};

/* Opens or makes the spool of `dir`, which exists. Fails when another live worker holds it
 * (ERROR_INPUT) or when the file is no spool, or a damaged one. */
bool spool_open(const char *dir, struct spool **spool, struct error *error);
void spool_close(struct spool *spool); /* NULL is fine */

const char *spool_worker(const struct spool *spool); /* lives as long as the spool */
size_t spool_count(const struct spool *spool);       /* reports that wait */

/* Whose it is; "" before the first spool_belong. */
const char *spool_database(const struct spool *spool);
const char *spool_history(const struct spool *spool);
/* It is theirs from now on, durably. What it has is of that database; where it had another history
 * it is dropped, with what spool_hold remembers. */
bool spool_belong(struct spool *spool, const char *database, const char *history,
                  struct error *error);

/* Durable when it returns true. */
bool spool_put(struct spool *spool, int64_t experiment, int64_t attempt, const char *kind,
               const char *body, struct error *error);
/* The oldest report, zeroed when there is none. */
bool spool_first(struct spool *spool, struct spooled *report, struct error *error);
void spooled_free(struct spooled *report);
/* Deletes one report; one that is gone already is no error. */
bool spool_delete(struct spool *spool, int64_t sequence, struct error *error);
/* Remembers which attempt this worker is at, or with experiment 0 that it is at none. A process
 * that finds one when it opens the spool knows that the one before it died in the middle. */
bool spool_hold(struct spool *spool, int64_t experiment, int64_t attempt, struct error *error);
bool spool_held(struct spool *spool, int64_t *experiment, int64_t *attempt, struct error *error);
/* Deletes every report of an attempt that is over. */
bool spool_drop(struct spool *spool, int64_t experiment, int64_t attempt, struct error *error);

#endif
