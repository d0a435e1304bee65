/* tickets: workers and tickets for a scheduler alone. */
#ifndef ASSAY_TESTS_COORDINATOR_TICKETS_H
#define ASSAY_TESTS_COORDINATOR_TICKETS_H

#include "coordinator/scheduler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { GIB = 1 << 30 };

static inline struct worker worker_named(const char *name, enum backend_need backend,
                                         int64_t memory) {
    struct worker worker = {.backend = backend, .memory_bytes = memory};
    snprintf(worker.name, sizeof worker.name, "%s", name);
    return worker;
}

/* Somebody's ticket; tests change what they are about. */
static inline struct ticket ticket_of(int64_t id, int priority) {
    return (struct ticket){.id = id,
                           .priority = priority,
                           .person = "somebody",
                           .need = {.labels = "", .host = ""},
                           .lease = {.max_attempts = 3}};
}

static inline void add(struct scheduler *scheduler, int64_t id, int priority,
                       enum backend_need backend, int64_t memory) {
    struct ticket ticket = ticket_of(id, priority);
    ticket.need.backend = backend;
    ticket.need.memory_bytes = memory;
    assert_true(scheduler_add(scheduler, &ticket));
}

/* The id that the worker gets next at that time, granted; 0 for none. */
static inline int64_t take_at(struct scheduler *scheduler, const struct worker *worker,
                              int64_t now_ms) {
    const struct presence present = {.now_ms = now_ms, .lost_ms = 1000};
    struct job *job = scheduler_next(scheduler, worker, &present);
    if (job == NULL)
        return 0;
    assert_true(lease_grant(&job->lease, worker->name, now_ms, 10));
    scheduler_settle(scheduler, job);
    return job->id;
}

static inline int64_t take(struct scheduler *scheduler, const struct worker *worker) {
    return take_at(scheduler, worker, 0);
}

/* A worker of this name that can do anything. */
static inline struct worker able(const char *name) {
    return worker_named(name, BACKEND_CUDA, (int64_t)1 << 40);
}

#endif
