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

bool lookup_identity(struct store *store, struct identity *identity, struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT database, history FROM identity");
    bool found = query_next(&query);
    if (found) {
        snprintf(identity->database, sizeof identity->database, "%s", query_text(&query));
        snprintf(identity->history, sizeof identity->history, "%s", query_text(&query));
    }
    return query_close(&query, error) &&
           (found || error_set(error, ERROR_FAILED,
                               "%s: the database has lost its identity; restore a backup",
                               store_path(store)));
}

bool lookup_counts(struct store *store, int64_t counts[LEASE_STATES], struct error *error) {
    struct query query;
    memset(counts, 0, LEASE_STATES * sizeof counts[0]);
    query_open(&query, store, "SELECT status, count(*) FROM experiment GROUP BY status");
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
    query_open(&query, store, "SELECT status FROM experiment WHERE id = ?");
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

bool lookup_latest_ended(struct store *store, int64_t id, int64_t attempt, const char *worker,
                         bool *ended, struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT 1 FROM experiment WHERE id = ? AND attempt = ?");
    query_bind_int(&query, id);
    query_bind_int(&query, attempt);
    *ended = query_next(&query);
    if (!query_close(&query, error))
        return false;
    return !*ended || lookup_attempt_ended(store, id, attempt, worker, ended, error);
}

bool lookup_epoch(struct store *store, int64_t id, int64_t epoch, int64_t *epochs, bool *known,
                  struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT epochs, EXISTS (SELECT 1 FROM epoch WHERE experiment = id AND epoch = ?2)"
               " FROM experiment WHERE id = ?1");
    query_bind_int(&query, id);
    query_bind_int(&query, epoch);
    bool found = query_next(&query);
    *epochs = found ? query_int(&query) : 0;
    *known = found && query_int(&query) != 0;
    return query_close(&query, error);
}

/* --- the queue --- */

#define TICKET_COLUMNS                                                                             \
    "SELECT id, priority, person, backend, memory_bytes, labels, CASE WHEN EXISTS (SELECT 1 FROM " \
    "fork_file AS f WHERE f.experiment = id) THEN '' ELSE coalesce(fork.host, '') END, barrier,"   \
    " state, paused, attempt, failures, max_attempts, worker FROM experiment"                      \
    " JOIN submission ON submission = key LEFT JOIN fork ON experiment = id"

/* The rows of TICKET_COLUMNS into the scheduler; closes the query. */
static bool add_tickets(struct query *query, struct scheduler *scheduler, int64_t until_ms,
                        struct error *error) {
    bool good = true;
    while (good && query_next(query)) {
        struct ticket ticket = {.id = query_int(query), .priority = (int)query_int(query)};
        struct lease *lease = &ticket.lease;
        ticket.person = query_text(query);
        backend_need_read(query_text(query), &ticket.need.backend);
        ticket.need.memory_bytes = query_int(query);
        ticket.need.labels = query_text(query);
        ticket.need.host = query_text(query);
        ticket.barrier = query_int(query);
        state_read(query_text(query), &lease->state);
        lease->paused = query_int(query) != 0;
        lease->attempt = query_int(query);
        lease->failures = query_int(query);
        lease->max_attempts = query_int(query);
        bool running = lease->state == LEASE_RUNNING;
        if (running)
            snprintf(lease->worker, sizeof lease->worker, "%s", query_text(query));
        lease->until_ms = running ? until_ms : 0;
        if (scheduler_find(scheduler, ticket.id) != NULL)
            good = error_set(error, ERROR_FAILED,
                             "the database is damaged: experiment %lld is in it twice; restore a "
                             "backup",
                             (long long)ticket.id);
        else if (!scheduler_add(scheduler, &ticket))
            good = error_set(error, ERROR_FAILED, "no memory for the queue");
    }
    return query_close(query, good ? error : NULL) && good;
}

static bool load_jobs(struct store *store, struct scheduler *scheduler, int64_t until_ms,
                      struct error *error) {
    struct query query;
    query_open(&query, store, TICKET_COLUMNS " WHERE " LOOKUP_UNFINISHED " ORDER BY id");
    return add_tickets(&query, scheduler, until_ms, error);
}

bool lookup_add(struct store *store, struct scheduler *scheduler, int64_t id, struct error *error) {
    struct query query;
    query_open(&query, store, TICKET_COLUMNS " WHERE id = ?");
    query_bind_int(&query, id);
    return add_tickets(&query, scheduler, 0, error);
}

bool lookup_lease_state(struct store *store, int64_t id, enum lease_state *state,
                        struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT state FROM experiment WHERE id = ?");
    query_bind_int(&query, id);
    if (query_next(&query))
        state_read(query_text(&query), state);
    return query_close(&query, error);
}

/* --- barriers --- */

static bool load_barriers(struct store *store, struct scheduler *scheduler, struct error *error) {
    struct query query;
    bool room = true;
    query_open(&query, store,
               "SELECT m.barrier, count(*) FROM barrier_member m JOIN experiment e ON e.id ="
               " m.experiment WHERE e.state <> 'done' GROUP BY m.barrier");
    while (room && query_next(&query)) {
        int64_t id = query_int(&query);
        room = scheduler_close_barrier(scheduler, id, (size_t)query_int(&query));
    }
    if (!room)
        error_set(error, ERROR_FAILED, "no memory for the queue");
    return query_close(&query, room ? error : NULL) && room;
}

bool lookup_barriers(struct store *store, int64_t member, struct scheduler *scheduler,
                     void (*step)(struct scheduler *scheduler, int64_t barrier),
                     struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT barrier FROM barrier_member WHERE experiment = ?");
    query_bind_int(&query, member);
    while (query_next(&query))
        step(scheduler, query_int(&query));
    return query_close(&query, error);
}

bool lookup_open(struct store *store, int64_t barrier, size_t *open, struct error *error) {
    struct query query;
    *open = 0;
    query_open(&query, store,
               "SELECT count(*) FROM barrier_member m JOIN experiment e ON e.id = m.experiment"
               " WHERE m.barrier = ? AND e.state <> 'done'");
    query_bind_int(&query, barrier);
    if (query_next(&query))
        *open = (size_t)query_int(&query);
    return query_close(&query, error);
}

bool lookup_after(struct store *store, int64_t barrier, char *words, size_t words_size,
                  struct waiting_after *after, struct error *error) {
    struct query query;
    *after = (struct waiting_after){.words = words};
    words[0] = '\0';
    query_open(&query, store,
               "SELECT (SELECT group_concat(value, ', ') FROM json_each(b.words)), count(*),"
               " sum(e.state = 'done'), min(CASE WHEN e.state IN ('failed', 'cancelled')"
               " THEN e.id END) FROM barrier b JOIN barrier_member m ON m.barrier = b.id"
               " JOIN experiment e ON e.id = m.experiment WHERE b.id = ?");
    query_bind_int(&query, barrier);
    if (query_next(&query)) {
        const char *text = query_text(&query);
        snprintf(words, words_size, "%s", text != NULL ? text : "");
        after->members = query_int(&query);
        after->done = query_int(&query);
        after->broken = query_int(&query);
    }
    if (!query_close(&query, error))
        return false;
    char state[16] = "";
    if (after->broken != 0 && !lookup_state(store, after->broken, state, error))
        return false;
    after->failed = strcmp(state, lease_state_name(LEASE_FAILED)) == 0;
    return true;
}

bool lookup_word(struct store *store, const char *word, bool *known, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT 1 FROM experiment WHERE name = ?1 UNION ALL"
               " SELECT 1 FROM experiment WHERE \"group\" = ?1 LIMIT 1");
    query_bind_text(&query, word);
    *known = query_next(&query);
    return query_close(&query, error);
}

/* --- workers --- */

static bool load_workers(struct store *store, struct scheduler *scheduler, int64_t now_ms,
                         struct error *error) {
    struct query query;
    bool room = true;
    query_open(&query, store,
               "SELECT name, host, device, labels, backend, pid, threads, memory_bytes, hello_ms"
               " FROM worker");
    while (room && query_next(&query)) {
        struct worker worker = {.seen_ms = now_ms};
        snprintf(worker.name, sizeof worker.name, "%s", query_text(&query));
        snprintf(worker.host, sizeof worker.host, "%s", query_text(&query));
        snprintf(worker.device, sizeof worker.device, "%s", query_text(&query));
        snprintf(worker.labels, sizeof worker.labels, "%s", query_text(&query));
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
    return load_barriers(store, scheduler, error) &&
           load_jobs(store, scheduler, now_ms + lease_ms, error) &&
           load_workers(store, scheduler, now_ms, error);
}
