/* need: what an experiment asks of a worker, and whether a worker has it. */
#ifndef ASSAY_COORDINATOR_NEED_H
#define ASSAY_COORDINATOR_NEED_H

#include "coordinator/labels.h"
#include "coordinator/lease.h"

enum backend_need { BACKEND_ANY, BACKEND_CPU, BACKEND_CUDA };
bool backend_need_read(const char *name, enum backend_need *need); /* "any", "cpu", "cuda" */
const char *backend_need_name(enum backend_need need);

/* What an experiment asks of a worker. */
struct need {
    enum backend_need backend;
    int64_t memory_bytes;
    const char *labels; /* labels.h */
    const char *host;   /* that has what it goes on from; "": any will do */
};

/* Who said hello. */
struct worker {
    char name[LEASE_WORKER_MAX + 1], host[LEASE_WORKER_MAX + 1], device[LEASE_WORKER_MAX + 1];
    char labels[LABELS_BYTES + 1];
    int64_t pid, threads, memory_bytes;
    enum backend_need backend; /* cpu or cuda */
    bool draining;             /* told to leave: it gets nothing more */
    int64_t drained_at;        /* the coordinator's revision then */
    int64_t seen_ms;           /* of the leases' clock */
    int64_t seen_unix_ms;      /* for people */
    bool seen_lost;            /* when that was looked at last */
};

/* When it is, and for how long somebody who is still there may not have been seen. */
struct presence {
    int64_t now_ms, lost_ms;
};
bool worker_is_lost(const struct worker *worker, const struct presence *present);
/* Whether it is there and may get something. */
bool worker_is_open(const struct worker *worker, const struct presence *present);

bool need_met(const struct need *need, const struct worker *worker);

/* Whether `worker` is the name, or that of one of its slots: NAME/1. */
bool worker_is_of(const char *worker, const char *name);

#endif
