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

#endif
