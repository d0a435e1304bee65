#include "coordinator/records.h"

#include "coordinator/columns.h"
#include "coordinator/epochs.h"
#include "coordinator/evaluations.h"
#include "coordinator/scores.h"
#include "coordinator/train_log.h"
#include "core/json.h"

#include <assert.h>
#include <string.h>

bool record_key(struct store *store, const char *key, const struct submitter *submitter,
                int64_t now_ms, struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO submission (key, person, host, version, submitted_ms)"
               " VALUES (?, ?, ?, ?, ?)");
    query_bind_text(&query, key);
    query_bind_text(&query, submitter->person);
    query_bind_text(&query, submitter->host);
    query_bind_text(&query, submitter->version);
    query_bind_int(&query, now_ms);
    return query_run(&query, error);
}

bool record_barrier(struct store *store, const char *words, int64_t *id, struct error *error) {
    struct query query;
    query_open(&query, store, "INSERT INTO barrier (words) VALUES (?) RETURNING id");
    query_bind_text(&query, words);
    if (query_next(&query))
        *id = query_int(&query);
    return query_run(&query, error);
}

bool record_members(struct store *store, int64_t barrier, struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO barrier_member (barrier, experiment) SELECT ?1, max(id) FROM experiment"
               " WHERE id IN (SELECT e.id FROM barrier b, json_each(b.words) w, experiment e"
               " WHERE b.id = ?1 AND e.name = w.value UNION SELECT e.id FROM barrier b,"
               " json_each(b.words) w, experiment e WHERE b.id = ?1 AND e.\"group\" = w.value)"
               " GROUP BY name");
    query_bind_int(&query, barrier);
    return query_run(&query, error);
}

bool record_experiment(struct store *store, const char *key, const struct submission *submission,
                       int64_t now_ms, int64_t *id, struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO experiment (submission, name, \"group\", config, variant, priority,"
               " backend, memory_bytes, labels, barrier, epochs, max_attempts, submitted_ms)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?) RETURNING id");
    query_bind_text(&query, key);
    query_bind_text(&query, submission->name);
    query_bind_text(&query, submission->group);
    query_bind_text(&query, submission->config);
    query_bind_text(&query, submission->variant);
    query_bind_int(&query, submission->priority);
    query_bind_text(&query, backend_need_name(submission->need.backend));
    query_bind_int(&query, submission->need.memory_bytes);
    query_bind_text(&query, submission->need.labels);
    query_bind_int(&query, submission->barrier);
    query_bind_int(&query, submission->epochs);
    query_bind_int(&query, submission->max_attempts);
    query_bind_int(&query, now_ms);
    if (query_next(&query))
        *id = query_int(&query);
    return query_run(&query, error) &&
           (submission->fork == NULL || fork_record(store, *id, submission->fork, error));
}

bool record_grant(struct store *store, const struct job *job, int64_t now_ms, struct error *error) {
    struct query query;
    query_open(&query, store,
               "UPDATE experiment SET state = ?, attempt = ?, worker = ?,"
               " started_ms = coalesce(started_ms, ?) WHERE id = ?");
    query_bind_text(&query, lease_state_name(job->lease.state));
    query_bind_int(&query, job->lease.attempt);
    query_bind_text(&query, job->lease.worker);
    query_bind_int(&query, now_ms);
    query_bind_int(&query, job->id);
    if (!query_run(&query, error))
        return false;
    query_open(&query, store,
               "INSERT INTO attempt (experiment, attempt, worker, started_ms) VALUES (?, ?, ?, ?)");
    query_bind_int(&query, job->id);
    query_bind_int(&query, job->lease.attempt);
    query_bind_text(&query, job->lease.worker);
    query_bind_int(&query, now_ms);
    return query_run(&query, error);
}

bool record_end(struct store *store, const struct job *job, const char *outcome, const char *why,
                int64_t now_ms, struct error *error) {
    struct query query;
    const struct lease *lease = &job->lease;
    query_open(&query, store,
               "UPDATE experiment SET state = ?1, failures = ?2, worker = ?3, paused = ?7,"
               " finished_ms = CASE WHEN ?1 IN ('done', 'failed', 'cancelled') THEN ?4 END,"
               " error = CASE WHEN ?1 <> 'done' THEN coalesce(?5, error) END WHERE id = ?6");
    query_bind_text(&query, lease_state_name(lease->state));
    query_bind_int(&query, lease->failures);
    bool ran = lease->state != LEASE_QUEUED && lease->worker[0] != '\0';
    query_bind_text(&query, ran ? lease->worker : NULL);
    query_bind_int(&query, now_ms);
    query_bind_text(&query, why);
    query_bind_int(&query, job->id);
    query_bind_int(&query, lease->paused);
    if (!query_run(&query, error))
        return false;
    query_open(&query, store,
               "UPDATE attempt SET ended_ms = ?, outcome = ?, error = ?"
               " WHERE experiment = ? AND attempt = ? AND outcome = 'running'");
    query_bind_int(&query, now_ms);
    query_bind_text(&query, outcome);
    query_bind_text(&query, why);
    query_bind_int(&query, job->id);
    query_bind_int(&query, lease->attempt);
    return query_run(&query, error);
}

bool record_retry(struct store *store, int64_t id, struct error *error) {
    struct query query;
    query_open(&query, store,
               "UPDATE experiment SET state = 'queued', failures = 0, worker = NULL, error = NULL,"
               " finished_ms = NULL WHERE id = ?");
    query_bind_int(&query, id);
    return query_run(&query, error);
}

bool record_steering(struct store *store, const struct job *job, struct error *error) {
    struct query query;
    query_open(&query, store, "UPDATE experiment SET paused = ?, priority = ? WHERE id = ?");
    query_bind_int(&query, job->lease.paused);
    query_bind_int(&query, job->lane->priority);
    query_bind_int(&query, job->id);
    return query_run(&query, error);
}

bool record_deed(struct store *store, int64_t id, const char *what, const char *person,
                 int64_t now_ms, struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO steering (experiment, at_ms, person, what) VALUES (?, ?, ?, ?)");
    query_bind_int(&query, id);
    query_bind_int(&query, now_ms);
    query_bind_text(&query, person);
    query_bind_text(&query, what);
    return query_run(&query, error);
}

bool record_progress(struct store *store, const struct job *job, struct error *error) {
    struct query query;
    query_open(&query, store, "UPDATE experiment SET failures = ? WHERE id = ?");
    query_bind_int(&query, job->lease.failures);
    query_bind_int(&query, job->id);
    return query_run(&query, error);
}

/* --- reports --- */

/* `best` and `last` are one file each, so that of their rows only the newest stands: a later
 * attempt's, of one attempt the later epoch's. */
static bool record_checkpoint(struct store *store, const struct report_key *key, const cJSON *body,
                              struct error *error) {
    struct query query;
    const char *kind = json_string(body, "kind");
    query_open(&query, store,
               "INSERT INTO checkpoint (experiment, attempt, reported_ms, kind, epoch, path, host)"
               " VALUES (?, ?, ?, ?, ?, ?, ?)"
               " ON CONFLICT (experiment, kind, epoch) DO UPDATE SET attempt = excluded.attempt,"
               " reported_ms = excluded.reported_ms, path = excluded.path, host = excluded.host"
               " WHERE excluded.attempt > checkpoint.attempt");
    columns_bind_key(&query, key);
    query_bind_text(&query, kind);
    query_bind_int(&query, json_integer(body, "epoch"));
    query_bind_text(&query, json_string(body, "path"));
    query_bind_text(&query, json_string(body, "host"));
    if (!query_run(&query, error))
        return false;
    if (strcmp(kind, "epoch") == 0)
        return true;
    query_open(&query, store,
               "DELETE FROM checkpoint WHERE experiment = ?1 AND kind = ?2 AND (attempt, epoch) <"
               " (SELECT attempt, epoch FROM checkpoint WHERE experiment = ?1 AND kind = ?2"
               " ORDER BY attempt DESC, epoch DESC LIMIT 1)");
    query_bind_int(&query, key->experiment);
    query_bind_text(&query, kind);
    return query_run(&query, error);
}

bool record_report(struct store *store, const struct report_key *key, const char *kind,
                   const cJSON *body, struct error *error) {
    static const struct {
        const char *kind;
        bool (*record)(struct store *, const struct report_key *, const cJSON *, struct error *);
    } kinds[] = {{"epoch", epochs_record},
                 {"evaluation", evaluations_record},
                 {"scores", scores_record},
                 {"checkpoint", record_checkpoint},
                 {"log", train_log_record}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            return kinds[i].record(store, key, body, error);
    assert(!"a kind of report that schema/messages.schema.json does not have");
    return false;
}

bool record_worker(struct store *store, const struct worker *worker, struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT OR REPLACE INTO worker (name, host, pid, backend, device, labels, threads,"
               " memory_bytes, hello_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_text(&query, worker->name);
    query_bind_text(&query, worker->host);
    query_bind_int(&query, worker->pid);
    query_bind_text(&query, backend_need_name(worker->backend));
    query_bind_text(&query, worker->device);
    query_bind_text(&query, worker->labels);
    query_bind_int(&query, worker->threads);
    query_bind_int(&query, worker->memory_bytes);
    query_bind_int(&query, worker->seen_unix_ms);
    return query_run(&query, error);
}

bool record_worker_gone(struct store *store, const char *name, struct error *error) {
    struct query query;
    query_open(&query, store, "DELETE FROM worker WHERE name = ?");
    query_bind_text(&query, name);
    return query_run(&query, error);
}
