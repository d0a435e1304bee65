/* fork: a submission that goes on from a checkpoint of an earlier experiment.
 *
 * The checkpoint is settled when it is submitted: which epoch, where its file stands then, and its
 * content and that of the best one before it, where the coordinator has them: they stay until the
 * fork is done, and any worker fetches them. Until they have come only workers on that host get it.
 */
#ifndef ASSAY_COORDINATOR_FORK_H
#define ASSAY_COORDINATOR_FORK_H

#include "coordinator/blobs.h"
#include "coordinator/lease.h"
#include "coordinator/scheduler.h"
#include "coordinator/store.h"
#include "core/sha256.h"

#include <cjson/cJSON.h>

/* Of a file with the coordinator; bytes 0: it is not there. */
struct fork_file {
    char sha256[SHA256_TEXT_SIZE];
    int64_t bytes;
};

struct fork {
    int64_t source, epoch; /* source: 0 for an experiment that begins at the beginning */
    char checkpoint[24];   /* as asked for: "best", "last", "2" */
    char path[4096 + 1];   /* as long as messages.schema.json allows */
    char host[LEASE_WORKER_MAX + 1];
    bool stored;                 /* the coordinator has all that it goes on from */
    struct fork_file file, best; /* where stored; best: none when that is `file`, or is gone */
};

/* The checkpoint that a Submission's `from` asks for, if `config` can go on from it (core/fork.h);
 * ERROR_INPUT when not, or when there is no such experiment or checkpoint. */
bool fork_find(struct store *store, const cJSON *from, const cJSON *config, struct fork *fork,
               struct error *error);
/* The same where files are kept: what has gone from among them is not stored. */
void fork_look(struct fork *fork, const struct blobs *blobs);
/* Remembers what the experiment goes on from. Inside a transaction. */
bool fork_record(struct store *store, int64_t experiment, const struct fork *fork,
                 struct error *error);
/* A checkpoint of `source` has come: its forks that waited for nothing else are for any worker now,
 * also in the scheduler. Inside a transaction. */
bool fork_arrived(struct store *store, int64_t source, struct scheduler *scheduler,
                  struct error *error);
/* Which forks: all, or one. */
enum { FORK_ALL = 0 };
/* Forks that are not finished and whose files are no longer here, as after a backup was restored,
 * go only to workers on the host where the files were written, unless they have come further and
 * that is here. To be called whenever they were read into the scheduler, and when checkpoints of
 * one have come. */
bool fork_bind_lost(struct store *store, const struct blobs *blobs, int64_t which,
                    struct scheduler *scheduler, struct error *error);
/* Adds under "from" what the experiment goes on from, if it does. */
bool fork_view(struct store *store, int64_t experiment, cJSON *object, struct error *error);

#endif
