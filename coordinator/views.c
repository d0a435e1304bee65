#include "coordinator/views.h"
#include "coordinator/fork.h"

#include "coordinator/artifacts.h"
#include "coordinator/lookups.h"
#include "coordinator/query.h"
#include "coordinator/stopping.h"
#include "core/json.h"
#include "core/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- columns to JSON --- */

static void add_int(cJSON *object, const char *key, struct query *query) {
    cJSON_AddNumberToObject(object, key, (double)query_int(query));
}

static void add_number(cJSON *object, const char *key, struct query *query) {
    double value = query_double(query);
    json_add_defined(object, key, isfinite(value), value);
}

static void add_time(cJSON *object, const char *key, struct query *query) {
    bool defined = !query_is_null(query);
    json_add_defined(object, key, defined, (double)query_int(query));
}

static void add_text(cJSON *object, const char *key, struct query *query) {
    const char *text = query_text(query);
    if (text != NULL)
        cJSON_AddStringToObject(object, key, text);
    else
        cJSON_AddNullToObject(object, key);
}

/* A column that holds JSON of ours. */
static bool add_json(cJSON *object, const char *key, struct query *query, struct error *error) {
    const char *text = query_text(query);
    cJSON *value = json_parse(text, strlen(text), key, error);
    return value != NULL && cJSON_AddItemToObject(object, key, value);
}

#define METRIC_COLUMNS(prefix)                                                                     \
    prefix "true_positive," prefix "true_negative," prefix "false_positive," prefix                \
           "false_negative," prefix "accuracy," prefix "precision," prefix "recall," prefix "loss"

static void add_metrics(cJSON *object, struct query *query) {
    add_int(object, "true_positive", query);
    add_int(object, "true_negative", query);
    add_int(object, "false_positive", query);
    add_int(object, "false_negative", query);
    add_number(object, "accuracy", query);
    add_number(object, "precision", query);
    add_number(object, "recall", query);
    add_number(object, "loss", query);
}

#define EPOCH_COLUMNS                                                                              \
    "epoch, learning_rate, seconds, images_per_second, best, " METRIC_COLUMNS(                     \
        "train_") ", " METRIC_COLUMNS("valid_")

static cJSON *epoch_json(struct query *query) {
    cJSON *epoch = cJSON_CreateObject();
    add_int(epoch, "epoch", query);
    add_number(epoch, "learning_rate", query);
    add_number(epoch, "seconds", query);
    add_number(epoch, "images_per_second", query);
    cJSON_AddBoolToObject(epoch, "best", query_int(query) != 0);
    add_metrics(cJSON_AddObjectToObject(epoch, "train"), query);
    add_metrics(cJSON_AddObjectToObject(epoch, "valid"), query);
    return epoch;
}

/* The classes as one column of JSON, so that an evaluation is one row. */
#define EVALUATION_COLUMNS                                                                         \
    "checkpoint, split, epoch, " METRIC_COLUMNS(                                                   \
        "") ", roc_auc, average_precision,"                                                        \
            " equal_error_rate, threshold, threshold_true_positive, threshold_true_negative,"      \
            " threshold_false_positive, threshold_false_negative, threshold_accuracy,"             \
            " threshold_precision, threshold_recall, (SELECT "                                     \
            "json_group_array(json_object('name', name,"                                           \
            " 'label', label, 'pictures', pictures, 'correct', correct, 'accuracy', accuracy,"     \
            " 'correct_at_threshold', correct_at_threshold)) FROM class_result"                    \
            " WHERE class_result.experiment = evaluation.experiment"                               \
            " AND class_result.checkpoint = evaluation.checkpoint"                                 \
            " AND class_result.split = evaluation.split)"

static void add_at_threshold(cJSON *evaluation, struct query *query) {
    bool defined = !query_is_null(query);
    cJSON *counts = cJSON_CreateObject();
    add_int(counts, "true_positive", query);
    add_int(counts, "true_negative", query);
    add_int(counts, "false_positive", query);
    add_int(counts, "false_negative", query);
    add_number(counts, "accuracy", query);
    add_number(counts, "precision", query);
    add_number(counts, "recall", query);
    if (!defined) {
        cJSON_Delete(counts);
        counts = cJSON_CreateNull();
    }
    cJSON_AddItemToObject(evaluation, "at_threshold", counts);
}

static cJSON *evaluation_json(struct query *query) {
    cJSON *evaluation = cJSON_CreateObject();
    add_text(evaluation, "checkpoint", query);
    add_text(evaluation, "split", query);
    add_int(evaluation, "epoch", query);
    add_metrics(evaluation, query);
    add_number(evaluation, "roc_auc", query);
    add_number(evaluation, "average_precision", query);
    add_number(evaluation, "equal_error_rate", query);
    add_number(evaluation, "threshold", query);
    add_at_threshold(evaluation, query);
    add_json(evaluation, "classes", query, NULL);
    return evaluation;
}

static cJSON *checkpoint_json(struct query *query) {
    cJSON *checkpoint = cJSON_CreateObject();
    add_text(checkpoint, "kind", query);
    add_int(checkpoint, "epoch", query);
    add_text(checkpoint, "path", query);
    add_text(checkpoint, "host", query);
    return checkpoint;
}

static cJSON *attempt_json(struct query *query) {
    cJSON *attempt = cJSON_CreateObject();
    add_int(attempt, "attempt", query);
    add_text(attempt, "worker", query);
    add_int(attempt, "started_ms", query);
    add_time(attempt, "ended_ms", query);
    add_text(attempt, "outcome", query);
    add_text(attempt, "error", query);
    return attempt;
}

static cJSON *deed_json(struct query *query) {
    cJSON *deed = cJSON_CreateObject();
    add_int(deed, "at_ms", query);
    add_text(deed, "person", query);
    add_text(deed, "what", query);
    return deed;
}

/* --- one experiment --- */

/* Adds under `key` the array of the rows that belong to the experiment. The SQL's second parameter
 * is how many there may be. */
static bool add_rows(struct store *store, const char *sql, int64_t id, cJSON *object,
                     const char *key, cJSON *(*row)(struct query *), struct error *error) {
    struct query query;
    cJSON *array = cJSON_AddArrayToObject(object, key);
    query_open(&query, store, sql);
    query_bind_int(&query, id);
    query_bind_int(&query, VIEW_ROWS_MAX);
    while (query_next(&query))
        cJSON_AddItemToArray(array, row(&query));
    return query_close(&query, error);
}

/* Adds under `key` the epoch report that the SQL finds, or null. */
static bool add_epoch(struct store *store, const char *sql, int64_t id, cJSON *object,
                      const char *key, struct error *error) {
    struct query query;
    query_open(&query, store, sql);
    query_bind_int(&query, id);
    cJSON_AddItemToObject(object, key,
                          query_next(&query) ? epoch_json(&query) : cJSON_CreateNull());
    return query_close(&query, error);
}

static bool add_epochs_done(struct store *store, int64_t id, cJSON *object, struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT count(*) FROM epoch WHERE experiment = ?");
    query_bind_int(&query, id);
    if (query_next(&query))
        add_int(object, "epochs_done", &query);
    return query_close(&query, error);
}

/* How far it came. What never ran needs no look into the epochs. */
static bool add_epochs(struct store *store, int64_t id, bool ran, cJSON *object,
                       struct error *error) {
    if (!ran) {
        cJSON_AddNumberToObject(object, "epochs_done", 0);
        cJSON_AddNullToObject(object, "best");
        cJSON_AddNullToObject(object, "latest");
        return true;
    }
    return add_epochs_done(store, id, object, error) &&
           add_epoch(store,
                     "SELECT " EPOCH_COLUMNS " FROM epoch WHERE experiment = ? AND best"
                     " ORDER BY epoch DESC LIMIT 1",
                     id, object, "best", error) &&
           add_epoch(store,
                     "SELECT " EPOCH_COLUMNS
                     " FROM epoch WHERE experiment = ? ORDER BY epoch DESC LIMIT 1",
                     id, object, "latest", error);
}

static bool add_artifacts(struct store *store, int64_t id, bool checkpoints, cJSON *object,
                          const char *key, struct error *error) {
    cJSON *artifacts;
    return artifact_list(store, id, checkpoints, VIEW_ROWS_MAX, &artifacts, error) &&
           cJSON_AddItemToObject(object, key, artifacts);
}

static bool add_details(struct store *store, int64_t id, cJSON *object, struct error *error) {
    return fork_view(store, id, object, error) &&
           add_rows(store,
                    "SELECT * FROM (SELECT " EPOCH_COLUMNS " FROM epoch WHERE experiment = ?"
                    " ORDER BY epoch DESC LIMIT ?) ORDER BY epoch",
                    id, object, "history", epoch_json, error) &&
           add_rows(store,
                    "SELECT " EVALUATION_COLUMNS " FROM evaluation WHERE experiment = ?"
                    " ORDER BY checkpoint, split DESC LIMIT ?",
                    id, object, "evaluations", evaluation_json, error) &&
           add_rows(store,
                    "SELECT * FROM (SELECT kind, epoch, path, host FROM checkpoint"
                    " WHERE experiment = ? ORDER BY kind = 'epoch', epoch DESC LIMIT ?)"
                    " ORDER BY kind, epoch",
                    id, object, "checkpoints", checkpoint_json, error) &&
           add_artifacts(store, id, false, object, "artifacts", error) &&
           add_rows(store,
                    "SELECT * FROM (SELECT attempt, worker, started_ms, ended_ms, outcome, error"
                    " FROM attempt WHERE experiment = ? ORDER BY attempt DESC LIMIT ?)"
                    " ORDER BY attempt",
                    id, object, "attempts", attempt_json, error) &&
           add_rows(store,
                    "SELECT at_ms, person, what FROM (SELECT * FROM steering WHERE experiment = ?"
                    " ORDER BY id DESC LIMIT ?) ORDER BY id",
                    id, object, "steering", deed_json, error);
}

#define SUMMARY_COLUMNS                                                                            \
    "id, name, \"group\", variant, status, priority, attempt, max_attempts, failures, worker,"     \
    " error, experiment.submitted_ms, started_ms, finished_ms, epochs, person"

/* The summary, or all details, of the row that the query stands on (config is the column after). */
static bool experiment_json(struct store *store, struct query *query, bool details, cJSON *object,
                            struct error *error) {
    int64_t id = query_int(query);
    cJSON_AddNumberToObject(object, "id", (double)id);
    add_text(object, "name", query);
    add_text(object, "group", query);
    if (!add_json(object, "variant", query, error))
        return false;
    add_text(object, "state", query);
    add_int(object, "priority", query);
    add_int(object, "attempt", query);
    add_int(object, "max_attempts", query);
    add_int(object, "failures", query);
    add_text(object, "worker", query);
    add_text(object, "error", query);
    add_int(object, "submitted_ms", query);
    add_time(object, "started_ms", query);
    add_time(object, "finished_ms", query);
    add_int(object, "epochs", query);
    add_text(object, "person", query);
    cJSON_AddNullToObject(object, "progress");
    cJSON_AddNullToObject(object, "waits");
    if (details && !add_json(object, "config", query, error))
        return false;
    bool ran = json_member(object, "attempt")->valuedouble > 0;
    return add_epochs(store, id, ran, object, error) && stopping_view(store, id, object, error) &&
           (!details || add_details(store, id, object, error));
}

/* Opens the query that the filter needs: each has an index that finds its rows in order of id, so
 * that a page costs what is on it, not what is in the table. */
static void open_experiments(struct query *query, struct store *store,
                             const struct view_filter *filter) {
#define EXPERIMENTS_AFTER                                                                          \
    "SELECT " SUMMARY_COLUMNS                                                                      \
    ", config FROM experiment JOIN submission ON submission = key WHERE id > ?1"
    static const char by_ids[] =
        EXPERIMENTS_AFTER " AND id IN (SELECT value FROM json_each(?2)) AND (?3 IS NULL OR"
                          " \"group\" = ?3) AND (?4 IS NULL OR status = ?4) ORDER BY id";
    static const char by_group_and_state[] =
        EXPERIMENTS_AFTER " AND \"group\" = ?2 AND status = ?3 ORDER BY id";
    static const char by_group[] = EXPERIMENTS_AFTER " AND \"group\" = ?2 ORDER BY id";
    static const char by_state[] = EXPERIMENTS_AFTER " AND status = ?2 ORDER BY id";
    static const char all[] = EXPERIMENTS_AFTER " ORDER BY id";
    bool ids = filter->ids != NULL, group = filter->group != NULL, state = filter->state != NULL;
    query_open(query, store,
               ids              ? by_ids
               : group && state ? by_group_and_state
               : group          ? by_group
               : state          ? by_state
                                : all);
    query_bind_int(query, filter->after);
    if (ids)
        query_bind_text(query, filter->ids);
    if (ids || group)
        query_bind_text(query, filter->group);
    if (ids || state)
        query_bind_text(query, filter->state);
}

/* Whether one more makes the page too large: of summaries by their number, of details, which may
 * be long, by their bytes. */
static bool page_full(const cJSON *object, bool details, size_t count, size_t *bytes) {
    if (!details)
        return count == VIEW_PAGE_SUMMARIES;
    char *text = json_text(object);
    *bytes += text != NULL ? strlen(text) : 0;
    free(text);
    return count > 0 && *bytes > VIEW_PAGE_BYTES;
}

bool view_experiments(struct store *store, const struct view_filter *filter, bool details,
                      cJSON **experiments, int64_t *next, struct error *error) {
    struct query query;
    cJSON *array = cJSON_CreateArray();
    size_t bytes = 0;
    int64_t last = 0;
    bool good = true;
    *next = 0;
    open_experiments(&query, store, filter);
    for (size_t count = 0; good && query_next(&query); count++) {
        cJSON *object = cJSON_CreateObject();
        good = experiment_json(store, &query, details, object, error);
        if (good && page_full(object, details, count, &bytes)) {
            cJSON_Delete(object);
            *next = last;
            break;
        }
        last = (int64_t)json_member(object, "id")->valuedouble;
        cJSON_AddItemToArray(array, object);
    }
    good = query_close(&query, good ? error : NULL) && good;
    if (good)
        *experiments = array;
    else
        cJSON_Delete(array);
    return good;
}

bool view_missing(struct store *store, const char *ids, int64_t *id, struct error *error) {
    struct query query;
    *id = 0;
    query_open(&query, store,
               "SELECT value FROM json_each(?) WHERE NOT EXISTS"
               " (SELECT 1 FROM experiment WHERE id = value) LIMIT 1");
    query_bind_text(&query, ids);
    if (query_next(&query))
        *id = query_int(&query);
    return query_close(&query, error);
}

/* --- logs --- */

/* How many of the bytes to show: all, or as many as end between two UTF-8 characters. */
static size_t whole_characters(const char *bytes, size_t length, size_t limit) {
    if (length <= limit)
        return length;
    size_t cut = limit;
    while (cut > 0 && ((unsigned char)bytes[cut] & 0xc0) == 0x80)
        cut--;
    return cut;
}

bool view_log(struct store *store, int64_t id, int64_t offset, cJSON **log, bool *found,
              struct error *error) {
    struct query query;
    struct text text = {0};
    char state[16];
    int64_t from = offset;
    if (!lookup_state(store, id, state, error))
        return false;
    *found = state[0] != '\0';
    if (!*found)
        return true;
    query_open(&query, store,
               "SELECT offset, text FROM log WHERE experiment = ?1 AND offset + length(text) > ?2"
               " ORDER BY offset");
    query_bind_int(&query, id);
    query_bind_int(&query, offset);
    while (text.length < VIEW_LOG_BYTES && query_next(&query)) {
        int64_t start = query_int(&query);
        size_t length;
        const char *bytes = query_bytes(&query, &length);
        if (text.length == 0 && start > from)
            from = start;
        if (start > from + (int64_t)text.length)
            break;
        size_t skipped = start < from ? (size_t)(from - start) : 0;
        text_add(&text, bytes + skipped,
                 whole_characters(bytes + skipped, length - skipped, VIEW_LOG_BYTES - text.length));
    }
    int64_t next = from + (int64_t)text.length;
    bool good = query_close(&query, error);
    if (good && text.failed)
        good = error_set(error, ERROR_FAILED, "no memory for the log of experiment %lld",
                         (long long)id);
    if (good) {
        *log = cJSON_CreateObject();
        cJSON_AddNumberToObject(*log, "offset", (double)from);
        cJSON_AddStringToObject(*log, "text", text.data != NULL ? text.data : "");
        cJSON_AddNumberToObject(*log, "next", (double)next);
        cJSON_AddStringToObject(*log, "state", state);
    }
    text_free(&text);
    return good;
}

/* --- other answers --- */

bool view_submission(struct store *store, const char *key, cJSON **ids, bool *found,
                     struct error *error) {
    struct query query;
    cJSON *array = cJSON_CreateArray();
    query_open(&query, store, "SELECT id FROM experiment WHERE submission = ? ORDER BY id");
    query_bind_text(&query, key);
    while (query_next(&query))
        cJSON_AddItemToArray(array, cJSON_CreateNumber((double)query_int(&query)));
    *found = array != NULL && array->child != NULL;
    bool good = query_close(&query, error);
    if (good && *found)
        *ids = array;
    else
        cJSON_Delete(array);
    return good;
}

bool view_assignment(struct store *store, int64_t id, cJSON *assignment, struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT name, config, variant FROM experiment WHERE id = ?");
    query_bind_int(&query, id);
    bool good = true;
    if (query_next(&query)) {
        add_text(assignment, "name", &query);
        good = add_json(assignment, "config", &query, error) &&
               add_json(assignment, "variant", &query, error);
    }
    if (!query_close(&query, good ? error : NULL) || !good)
        return false;
    query_open(&query, store,
               "SELECT epoch, path, host FROM checkpoint WHERE experiment = ? AND kind = 'last'"
               " ORDER BY attempt DESC, epoch DESC LIMIT 1");
    query_bind_int(&query, id);
    if (query_next(&query)) {
        cJSON *resume = cJSON_AddObjectToObject(assignment, "resume");
        add_int(resume, "epoch", &query);
        add_text(resume, "path", &query);
        add_text(resume, "host", &query);
    } else {
        cJSON_AddNullToObject(assignment, "resume");
    }
    return query_close(&query, error) && fork_view(store, id, assignment, error) &&
           add_artifacts(store, id, true, assignment, "files", error);
}
