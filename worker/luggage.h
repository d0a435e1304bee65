/* luggage: which files of a trial go to the coordinator, and when its end may be told although some
 * have not arrived. */
#ifndef ASSAY_WORKER_LUGGAGE_H
#define ASSAY_WORKER_LUGGAGE_H

#include "worker/courier.h"

#include <cjson/cJSON.h>

/* Whose files. */
struct luggage_owner {
    int64_t experiment, attempt;
};

/* The checkpoint that a report of kind "checkpoint" tells of. */
bool luggage_send_checkpoint(struct courier *courier, const struct luggage_owner *owner,
                             const cJSON *report, struct error *error);
/* What a trial that is done leaves in its folder beside them: train.log, the event file and the
 * scores. `name` is the experiment's. */
bool luggage_send_rest(struct courier *courier, const struct luggage_owner *owner,
                       const char *folder, const char *name, struct error *error);

enum { LUGGAGE_PATIENCE_MS = 20000 };

enum luggage_end {
    LUGGAGE_WAIT,
    LUGGAGE_TELL,      /* the end as it is */
    LUGGAGE_GIVE_BACK, /* a run that is done: the next to get it has its files arrive */
};

struct luggage_state {
    size_t waiting; /* files that have not arrived */
    bool counts;    /* the attempt is still this worker's */
    bool done;      /* the run is */
    bool refused;   /* the coordinator has no room */
    bool welcome;   /* the coordinator is there */
    bool leaving;   /* the worker is to end */
    bool may_idle;  /* the worker ends by itself when it has nothing to do for long */
};

/* Pure. The files of a run that is done are waited for; but where they cannot come soon, because
 * the worker leaves, the coordinator is away or has no room, or the run is not done anyway, for
 * LUGGAGE_PATIENCE_MS and no longer. *until_ms is when that ends, 0 while nothing of it holds. */
enum luggage_end luggage_end(const struct luggage_state *state, int64_t *until_ms, int64_t now_ms);

#endif
