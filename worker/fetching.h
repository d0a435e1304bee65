/* fetching: how a run follows what is fetched for it: the events are told how much has come, as
 * phase "fetch", and asked whether to stop. For net/fetch.h and net/gather.h, whose go_on it is.
 */
#ifndef ASSAY_WORKER_FETCHING_H
#define ASSAY_WORKER_FETCHING_H

#include "worker/trainer_events.h"

struct fetching {
    const struct trainer_events *events; /* borrowed */
    int64_t bytes;                       /* of all that is to come */
    bool stopped;                        /* it was asked to stop once */
};

/* Whether to stop; once asked to, it stays so. */
bool fetching_stopped(struct fetching *fetching);
/* Tells how much is there. False when it is to stop. */
bool fetching_go_on(struct fetching *fetching, int64_t bytes_there);

#endif
