#include "coordinator/lookups.h"

#include "coordinator/query.h"

#include <stdio.h>
#include <string.h>

static bool state_read(const char *name, enum lease_state *state) {
    for (int i = 0; i < LEASE_STATES; i++) {
        if (strcmp(name, lease_state_name((enum lease_state)i)) != 0)
            continue;
        *state = (enum lease_state)i;
        return true;
    }
    return false;
}

bool lookup_counts(struct store *store, int64_t counts[LEASE_STATES], struct error *error) {
    struct query query;
    memset(counts, 0, LEASE_STATES * sizeof counts[0]);
    query_open(&query, store, "SELECT state, count(*) FROM experiment GROUP BY state");
    while (query_next(&query)) {
        enum lease_state state;
        if (state_read(query_text(&query), &state))
            counts[state] = query_int(&query);
    }
    return query_close(&query, error);
}

bool lookup_state(struct store *store, int64_t id, char state[16], struct error *error) {
    struct query query;
    state[0] = '\0';
    query_open(&query, store, "SELECT state FROM experiment WHERE id = ?");
    query_bind_int(&query, id);
    if (query_next(&query))
        snprintf(state, 16, "%s", query_text(&query));
    return query_close(&query, error);
}

bool lookup_attempt_ended(struct store *store, int64_t id, int64_t attempt, const char *worker,
                          bool *ended, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT 1 FROM attempt WHERE experiment = ? AND attempt = ? AND worker = ?"
               " AND outcome IN ('done', 'failed', 'given_back')");
    query_bind_int(&query, id);
    query_bind_int(&query, attempt);
    query_bind_text(&query, worker);
    *ended = query_next(&query);
    return query_close(&query, error);
}

bool lookup_epoch(struct store *store, int64_t id, int64_t epoch, bool *known,
                  struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT 1 FROM epoch WHERE experiment = ? AND epoch = ?");
    query_bind_int(&query, id);
    query_bind_int(&query, epoch);
    *known = query_next(&query);
    return query_close(&query, error);
}

static bool load_jobs(struct store *store, struct scheduler *scheduler, int64_t until_ms,
                      struct error *error) {
    struct query query;
    bool room = true;
    query_open(&query, store,
               "SELECT id, priority, backend, memory_bytes, state, attempt, failures,"
               " max_attempts, worker FROM experiment WHERE state IN ('queued', 'running')"
               " ORDER BY id");
    while (room && query_next(&query)) {
        struct job job = {.id = query_int(&query), .priority = (int)query_int(&query)};
        backend_need_read(query_text(&query), &job.backend);
        job.memory_bytes = query_int(&query);
        state_read(query_text(&query), &job.lease.state);
        job.lease.attempt = query_int(&query);
        job.lease.failures = query_int(&query);
        job.lease.max_attempts = query_int(&query);
        bool running = job.lease.state == LEASE_RUNNING;
        if (running)
            snprintf(job.lease.worker, sizeof job.lease.worker, "%s", query_text(&query));
        job.lease.until_ms = running ? until_ms : 0;
        room = scheduler_add(scheduler, &job);
    }
    if (!room)
        error_set(error, ERROR_FAILED, "no memory for the queue");
    return query_close(&query, room ? error : NULL) && room;
}

static bool load_workers(struct store *store, struct scheduler *scheduler, int64_t now_ms,
                         struct error *error) {
    struct query query;
    bool room = true;
    query_open(&query, store,
               "SELECT name, host, device, backend, pid, threads, memory_bytes, hello_ms"
               " FROM worker ORDER BY hello_ms");
    while (room && query_next(&query)) {
        struct worker worker = {.seen_ms = now_ms};
        snprintf(worker.name, sizeof worker.name, "%s", query_text(&query));
        snprintf(worker.host, sizeof worker.host, "%s", query_text(&query));
        snprintf(worker.device, sizeof worker.device, "%s", query_text(&query));
        backend_need_read(query_text(&query), &worker.backend);
        worker.pid = query_int(&query);
        worker.threads = query_int(&query);
        worker.memory_bytes = query_int(&query);
        worker.seen_unix_ms = query_int(&query);
        room = scheduler_put_worker(scheduler, &worker);
    }
    if (!room)
        error_set(error, ERROR_FAILED, "no memory for the workers");
    return query_close(&query, room ? error : NULL) && room;
}

bool lookup_load(struct store *store, struct scheduler *scheduler, int64_t now_ms, int64_t lease_ms,
                 struct error *error) {
    return load_jobs(store, scheduler, now_ms + lease_ms, error) &&
           load_workers(store, scheduler, now_ms, error);
}
