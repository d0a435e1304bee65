#include "coordinator/need.h"

#include <string.h>

static const char *const backend_names[] = {"any", "cpu", "cuda"};

bool backend_need_read(const char *name, enum backend_need *need) {
    for (size_t i = 0; i < sizeof backend_names / sizeof backend_names[0]; i++) {
        if (strcmp(name, backend_names[i]) != 0)
            continue;
        *need = (enum backend_need)i;
        return true;
    }
    return false;
}

const char *backend_need_name(enum backend_need need) {
    return backend_names[need];
}

bool need_met(const struct need *need, const struct worker *worker) {
    size_t length;
    return (need->backend == BACKEND_ANY || need->backend == worker->backend) &&
           need->memory_bytes <= worker->memory_bytes &&
           (need->host[0] == '\0' || strcmp(need->host, worker->host) == 0) &&
           labels_missing(worker->labels, need->labels, &length) == NULL;
}

bool worker_is_lost(const struct worker *worker, const struct presence *present) {
    return present->now_ms - worker->seen_ms > present->lost_ms;
}

bool worker_is_open(const struct worker *worker, const struct presence *present) {
    return !worker->draining && !worker_is_lost(worker, present);
}

bool worker_is_of(const char *worker, const char *name) {
    size_t length = strlen(name);
    return strncmp(worker, name, length) == 0 && (worker[length] == '\0' || worker[length] == '/');
}
