/* fork: a submission that goes on from a checkpoint of an earlier experiment.
 *
 * The checkpoint is settled when it is submitted: which epoch, and where its file stands then. Only
 * workers on that host get the experiment.
 */
#ifndef ASSAY_COORDINATOR_FORK_H
#define ASSAY_COORDINATOR_FORK_H

#include "coordinator/lease.h"
#include "coordinator/store.h"

#include <cjson/cJSON.h>

struct fork {
    int64_t source, epoch; /* source: 0 for an experiment that begins at the beginning */
    char checkpoint[24];   /* as asked for: "best", "last", "2" */
    char path[4097], host[LEASE_WORKER_MAX + 1];
};

/* The checkpoint that a Submission's `from` asks for, if `config` can go on from it (core/fork.h);
 * ERROR_INPUT when not, or when there is no such experiment or checkpoint. */
bool fork_find(struct store *store, const cJSON *from, const cJSON *config, struct fork *fork,
               struct error *error);
/* Remembers what the experiment goes on from. Inside a transaction. */
bool fork_record(struct store *store, int64_t experiment, const struct fork *fork,
                 struct error *error);
/* Adds under "from" what the experiment goes on from, if it does. */
bool fork_view(struct store *store, int64_t experiment, cJSON *object, struct error *error);

#endif
