#include "coordinator/records.h"

#include "coordinator/query.h"
#include "coordinator/scores.h"
#include "core/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

bool record_key(struct store *store, const char *key, const char *person, int64_t now_ms,
                struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO submission (key, person, submitted_ms) VALUES (?, ?, ?)");
    query_bind_text(&query, key);
    query_bind_text(&query, person);
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

static void bind_number(struct query *query, const cJSON *object, const char *key) {
    const cJSON *number = json_member(object, key);
    query_bind_double(query, cJSON_IsNumber(number) ? number->valuedouble : (double)NAN);
}

/* The counts and the loss; the ratios follow from the counts. */
static void bind_metrics(struct query *query, const cJSON *metrics) {
    query_bind_int(query, json_integer(metrics, "true_positive"));
    query_bind_int(query, json_integer(metrics, "true_negative"));
    query_bind_int(query, json_integer(metrics, "false_positive"));
    query_bind_int(query, json_integer(metrics, "false_negative"));
    bind_number(query, metrics, "loss");
}

static void bind_key(struct query *query, const struct report_key *key) {
    query_bind_int(query, key->experiment);
    query_bind_int(query, key->attempt);
    query_bind_int(query, key->now_ms);
}

static bool record_epoch(struct store *store, const struct report_key *key, const cJSON *body,
                         struct error *error) {
    struct query query;
    query_open(
        &query, store,
        "INSERT INTO epoch (experiment, attempt, reported_ms, epoch, learning_rate, seconds,"
        " images_per_second, best, train_true_positive, train_true_negative, train_false_positive,"
        " train_false_negative, train_loss, valid_true_positive, valid_true_negative,"
        " valid_false_positive, valid_false_negative, valid_loss)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (experiment, epoch) DO UPDATE SET attempt = excluded.attempt,"
        " reported_ms = excluded.reported_ms, learning_rate = excluded.learning_rate,"
        " seconds = excluded.seconds, images_per_second = excluded.images_per_second,"
        " best = excluded.best, train_true_positive = excluded.train_true_positive,"
        " train_true_negative = excluded.train_true_negative,"
        " train_false_positive = excluded.train_false_positive,"
        " train_false_negative = excluded.train_false_negative, train_loss = excluded.train_loss,"
        " valid_true_positive = excluded.valid_true_positive,"
        " valid_true_negative = excluded.valid_true_negative,"
        " valid_false_positive = excluded.valid_false_positive,"
        " valid_false_negative = excluded.valid_false_negative, valid_loss = excluded.valid_loss"
        " WHERE excluded.attempt > epoch.attempt");
    bind_key(&query, key);
    query_bind_int(&query, json_integer(body, "epoch"));
    bind_number(&query, body, "learning_rate");
    bind_number(&query, body, "seconds");
    bind_number(&query, body, "images_per_second");
    query_bind_int(&query, cJSON_IsTrue(json_member(body, "best")));
    bind_metrics(&query, json_member(body, "train"));
    bind_metrics(&query, json_member(body, "valid"));
    return query_run(&query, error);
}

/* The counts at the threshold, or NULL four times. */
static void bind_at_threshold(struct query *query, const cJSON *counts) {
    static const char *const keys[] = {"true_positive", "true_negative", "false_positive",
                                       "false_negative"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (cJSON_IsObject(counts))
            query_bind_int(query, json_integer(counts, keys[i]));
        else
            query_bind_text(query, NULL);
    }
}

static bool record_class(struct store *store, const struct report_key *key, const cJSON *body,
                         int64_t index, const cJSON *class, struct error *error) {
    struct query query;
    const cJSON *at_threshold = json_member(class, "correct_at_threshold");
    query_open(&query, store,
               "INSERT INTO class_result (experiment, checkpoint, split, class, name, label,"
               " pictures, correct, correct_at_threshold) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, key->experiment);
    query_bind_text(&query, json_string(body, "checkpoint"));
    query_bind_text(&query, json_string(body, "split"));
    query_bind_int(&query, index);
    query_bind_text(&query, json_string(class, "name"));
    query_bind_int(&query, json_integer(class, "label"));
    query_bind_int(&query, json_integer(class, "pictures"));
    query_bind_int(&query, json_integer(class, "correct"));
    if (cJSON_IsNumber(at_threshold))
        query_bind_int(&query, (int64_t)at_threshold->valuedouble);
    else
        query_bind_text(&query, NULL);
    return query_run(&query, error);
}

/* True in *stands when this or a later attempt has reported the evaluation. */
static bool evaluation_stands(struct store *store, const struct report_key *key, const cJSON *body,
                              bool *stands, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT 1 FROM evaluation WHERE experiment = ? AND checkpoint = ? AND split = ?"
               " AND attempt >= ?");
    query_bind_int(&query, key->experiment);
    query_bind_text(&query, json_string(body, "checkpoint"));
    query_bind_text(&query, json_string(body, "split"));
    query_bind_int(&query, key->attempt);
    *stands = query_next(&query);
    return query_close(&query, error);
}

/* The classes of an evaluation that is replaced go with it. */
static bool record_evaluation(struct store *store, const struct report_key *key, const cJSON *body,
                              struct error *error) {
    struct query query;
    const cJSON *class;
    int64_t index = 0;
    bool stands;
    if (!evaluation_stands(store, key, body, &stands, error))
        return false;
    if (stands)
        return true;
    query_open(&query, store,
               "INSERT OR REPLACE INTO evaluation (experiment, attempt, reported_ms, checkpoint,"
               " split, epoch, true_positive, true_negative, false_positive, false_negative, loss,"
               " roc_auc, average_precision, equal_error_rate, threshold, threshold_true_positive,"
               " threshold_true_negative, threshold_false_positive, threshold_false_negative)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_key(&query, key);
    query_bind_text(&query, json_string(body, "checkpoint"));
    query_bind_text(&query, json_string(body, "split"));
    query_bind_int(&query, json_integer(body, "epoch"));
    bind_metrics(&query, body);
    bind_number(&query, body, "roc_auc");
    bind_number(&query, body, "average_precision");
    bind_number(&query, body, "equal_error_rate");
    bind_number(&query, body, "threshold");
    bind_at_threshold(&query, json_member(body, "at_threshold"));
    if (!query_run(&query, error))
        return false;
    cJSON_ArrayForEach(class, json_member(body, "classes")) {
        if (!record_class(store, key, body, index++, class, error))
            return false;
    }
    return true;
}

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
    bind_key(&query, key);
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

/* What stood from the offset on goes: whole pieces, and the end of the one that the offset cuts. A
 * piece that is there already changes nothing: a report that comes twice must not take away what
 * came between. */
static bool record_log(struct store *store, const struct report_key *key, const cJSON *body,
                       struct error *error) {
    struct query query;
    int64_t offset = json_integer(body, "offset");
    const char *text = json_string(body, "text");
    query_open(&query, store, "SELECT 1 FROM log WHERE experiment = ? AND offset = ? AND text = ?");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    query_bind_bytes(&query, text, strlen(text));
    bool there = query_next(&query);
    if (!query_close(&query, error))
        return false;
    if (there)
        return true;
    query_open(&query, store, "DELETE FROM log WHERE experiment = ? AND offset >= ?");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    if (!query_run(&query, error))
        return false;
    query_open(&query, store,
               "UPDATE log SET text = substr(text, 1, ?2 - offset) WHERE experiment = ?1 AND offset"
               " = (SELECT max(offset) FROM log WHERE experiment = ?1)"
               " AND offset + length(text) > ?2");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    if (!query_run(&query, error))
        return false;
    if (text[0] == '\0')
        return true;
    query_open(&query, store, "INSERT INTO log (experiment, offset, text) VALUES (?, ?, ?)");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    query_bind_bytes(&query, text, strlen(text));
    return query_run(&query, error);
}

bool record_report(struct store *store, const struct report_key *key, const char *kind,
                   const cJSON *body, struct error *error) {
    static const struct {
        const char *kind;
        bool (*record)(struct store *, const struct report_key *, const cJSON *, struct error *);
    } kinds[] = {{"epoch", record_epoch},
                 {"evaluation", record_evaluation},
                 {"scores", scores_record},
                 {"checkpoint", record_checkpoint},
                 {"log", record_log}};
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
