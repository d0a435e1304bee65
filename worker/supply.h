/* supply: the files that an assignment needs and that lie with the coordinator, brought before the
 * trainer begins.
 *
 * An experiment that another worker has begun goes on from its checkpoints: "best" and "last" come
 * into the run's folder, unless a checkpoint as far as that is there with its best one, or where
 * the other worker wrote it (a file system that both see). train.log and TensorBoard's events that
 * stand there are no longer the run's then, and go. What cannot be had is gone on without: training
 * again gives the same bits.
 */
#ifndef ASSAY_WORKER_SUPPLY_H
#define ASSAY_WORKER_SUPPLY_H

#include "core/experiment.h"
#include "net/dealer.h"
#include "worker/trainer_events.h"

#include <cjson/cJSON.h>

struct supply_source {
    const char *connect; /* the coordinator */
    const struct dealer_keys *keys;
    const char *shared;       /* its artifacts folder, if it is seen from here; or NULL */
    const char *data_cache;   /* where data sets are fetched to (data_cache.h); NULL: nowhere */
    int64_t data_cache_bytes; /* what it may hold; 0: nothing is fetched */
};

/* Opens a dealer to the coordinator, for the caller to close. What it fails for, such as a key that
 * cannot be read any more, is not the experiment's fault: CAUSE_MACHINE. */
bool supply_connect(const struct supply_source *source, struct dealer **dealer,
                    struct error *error);

/* Fetches what is needed of `files` (an assignment's) into options->dir; asks `stop` of the events
 * and tells them its progress as phase "fetch". Waits for a coordinator that is away. False: it was
 * stopped (*stopped), or the files cannot be written here. */
bool supply_bring(const struct supply_source *source, const cJSON *files,
                  const struct experiment *experiment, const struct trainer_options *options,
                  const struct trainer_events *events, bool *stopped, struct error *error);

/* What a fork goes on from: the assignment's `from` has it stand at options->from.path, which
 * counts when `there`, unless the coordinator has the best one before it and that is not beside it
 * any more; else both are fetched where the coordinator has them, and options->from.path is *path
 * then, for the caller to free. As supply_bring otherwise; what cannot be had is left to the
 * trainer to complain of. */
bool supply_fork(const struct supply_source *source, const cJSON *from, bool there,
                 struct trainer_options *options, const struct trainer_events *events, char **path,
                 bool *stopped, struct error *error);

#endif
