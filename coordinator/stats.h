/* stats: what a coordinator counts of itself, and how Prometheus reads it (the text format,
 * version 0.0.4). Values in, text out. */
#ifndef ASSAY_COORDINATOR_STATS_H
#define ASSAY_COORDINATOR_STATS_H

#include "coordinator/lease.h"

#include <stdint.h>

enum { STATS_BUCKETS = 11 };

struct stats {
    int64_t experiments[LEASE_STATES];
    int64_t workers_idle, workers_busy, workers_lost;
    int64_t watchers;       /* `changes` requests that wait */
    int64_t artifact_bytes; /* of the files that workers sent, each content once */
    int64_t started_ms;     /* Unix */
    /* Since the start. */
    int64_t requests, reports; /* reports: those that were acknowledged */
    int64_t commits_failed;
    int64_t commit_buckets[STATS_BUCKETS + 1]; /* by how long they took; the last: longer still */
    double commit_seconds;                     /* of all together */
};

/* Counts a commit that wrote something. */
void stats_commit(struct stats *stats, double seconds);

/* The caller frees it; NULL without memory. */
char *stats_text(const struct stats *stats);

#endif
