#include "coordinator/views.h"

#include "coordinator/artifacts.h"
#include "coordinator/columns.h"
#include "coordinator/epochs.h"
#include "coordinator/evaluations.h"
#include "coordinator/fork.h"
#include "coordinator/remarks.h"
#include "coordinator/stopping.h"
#include "core/json.h"
#include "core/shortage.h"

#include <stdlib.h>
#include <string.h>

static cJSON *checkpoint_json(struct query *query) {
    cJSON *checkpoint = cJSON_CreateObject();
    columns_add_text(checkpoint, "kind", query);
    columns_add_int(checkpoint, "epoch", query);
    columns_add_text(checkpoint, "path", query);
    columns_add_text(checkpoint, "host", query);
    return checkpoint;
}

static cJSON *attempt_json(struct query *query) {
    cJSON *attempt = cJSON_CreateObject();
    columns_add_int(attempt, "attempt", query);
    columns_add_text(attempt, "worker", query);
    columns_add_int(attempt, "started_ms", query);
    columns_add_time(attempt, "ended_ms", query);
    columns_add_text(attempt, "outcome", query);
    columns_add_text(attempt, "error", query);
    return attempt;
}

static cJSON *deed_json(struct query *query) {
    cJSON *deed = cJSON_CreateObject();
    columns_add_int(deed, "at_ms", query);
    columns_add_text(deed, "person", query);
    columns_add_text(deed, "what", query);
    return deed;
}

/* --- one experiment --- */

static bool add_artifacts(struct store *store, int64_t id, bool checkpoints, cJSON *object,
                          const char *key, struct error *error) {
    cJSON *artifacts;
    if (!artifact_list(store, id, checkpoints, COLUMNS_ROWS_MAX, &artifacts, error))
        return false;
    json_put(object, key, artifacts);
    return true;
}

static bool add_submitter(struct store *store, int64_t id, cJSON *object, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT host, version FROM submission JOIN experiment ON submission = key"
               " WHERE id = ?");
    query_bind_int(&query, id);
    if (query_next(&query)) {
        columns_add_text(object, "submit_host", &query);
        columns_add_text(object, "submit_version", &query);
    }
    return query_close(&query, error);
}

static bool add_details(struct store *store, int64_t id, cJSON *object, struct error *error) {
    return add_submitter(store, id, object, error) && fork_view(store, id, object, error) &&
           epochs_view_history(store, id, object, error) &&
           evaluations_view(store, id, object, error) &&
           columns_add_rows(store,
                            "SELECT * FROM (SELECT kind, epoch, path, host FROM checkpoint"
                            " WHERE experiment = ? ORDER BY kind = 'epoch', epoch DESC LIMIT ?)"
                            " ORDER BY kind, epoch",
                            id, object, "checkpoints", checkpoint_json, error) &&
           add_artifacts(store, id, false, object, "artifacts", error) &&
           columns_add_rows(
               store,
               "SELECT * FROM (SELECT attempt, worker, started_ms, ended_ms, outcome, error"
               " FROM attempt WHERE experiment = ? ORDER BY attempt DESC LIMIT ?)"
               " ORDER BY attempt",
               id, object, "attempts", attempt_json, error) &&
           columns_add_rows(
               store,
               "SELECT at_ms, person, what FROM (SELECT * FROM steering WHERE experiment = ?"
               " ORDER BY id DESC LIMIT ?) ORDER BY id",
               id, object, "steering", deed_json, error) &&
           remarks_view_notes(store, id, object, error);
}

#define SUMMARY_COLUMNS                                                                            \
    "id, name, \"group\", variant, status, priority, attempt, max_attempts, failures, worker,"     \
    " error, experiment.submitted_ms, started_ms, finished_ms, epochs, "                           \
    "person, " REMARKS_TAGS_COLUMN ", " REMARKS_NOTES_COLUMN

/* The summary, or all details, of the row that the query stands on (config is the column after). */
static bool experiment_json(struct store *store, struct query *query, bool details, cJSON *object,
                            struct error *error) {
    int64_t id = query_int(query);
    cJSON_AddNumberToObject(object, "id", (double)id);
    columns_add_text(object, "name", query);
    columns_add_text(object, "group", query);
    if (!columns_add_json(object, "variant", query, error))
        return false;
    columns_add_text(object, "state", query);
    columns_add_int(object, "priority", query);
    columns_add_int(object, "attempt", query);
    columns_add_int(object, "max_attempts", query);
    columns_add_int(object, "failures", query);
    columns_add_text(object, "worker", query);
    columns_add_text(object, "error", query);
    columns_add_int(object, "submitted_ms", query);
    columns_add_time(object, "started_ms", query);
    columns_add_time(object, "finished_ms", query);
    columns_add_int(object, "epochs", query);
    columns_add_text(object, "person", query);
    if (!columns_add_json(object, "tags", query, error))
        return false;
    columns_add_int(object, "note_count", query);
    cJSON_AddNullToObject(object, "progress");
    cJSON_AddNullToObject(object, "waits");
    if (details && !columns_add_json(object, "config", query, error))
        return false;
    bool ran = json_integer(object, "attempt") > 0; /* 0 too where there was no memory for it */
    return epochs_view(store, id, ran, object, error) && stopping_view(store, id, object, error) &&
           (!details || add_details(store, id, object, error)) &&
           (!shortage_in_trees() || error_memory(error));
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

/* About what it takes of the page. Of a summary its texts say it, beside which there is little. */
static size_t bytes_of(struct query *query, const cJSON *object, bool details) {
    return details ? json_text_length(object) : VIEW_ESCAPED * query_texts_length(query);
}

/* Whether the page is too large with one more than `count`, in all about so many bytes. */
static bool page_full(bool details, size_t count, size_t bytes) {
    return count > 0 && (bytes > VIEW_PAGE_BYTES || (!details && count == VIEW_PAGE_SUMMARIES));
}

bool view_experiments(struct store *store, const struct view_filter *filter, bool details,
                      cJSON **experiments, int64_t *next, struct error *error) {
    struct query query;
    cJSON *array = cJSON_CreateArray();
    size_t bytes = 0;
    int64_t last = 0;
    bool good = array != NULL || error_memory(error);
    *next = 0;
    open_experiments(&query, store, filter);
    for (size_t count = 0; good && query_next(&query); count++) {
        cJSON *object = cJSON_CreateObject();
        good = experiment_json(store, &query, details, object, error);
        bytes += good ? bytes_of(&query, object, details) : 0;
        if (good && page_full(details, count, bytes)) {
            cJSON_Delete(object);
            *next = last;
            break;
        }
        last = json_integer(object, "id");
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
        columns_add_text(assignment, "name", &query);
        good = columns_add_json(assignment, "config", &query, error) &&
               columns_add_json(assignment, "variant", &query, error);
    }
    if (!query_close(&query, good ? error : NULL) || !good)
        return false;
    query_open(&query, store,
               "SELECT epoch, path, host FROM checkpoint WHERE experiment = ? AND kind = 'last'"
               " ORDER BY attempt DESC, epoch DESC LIMIT 1");
    query_bind_int(&query, id);
    if (query_next(&query)) {
        cJSON *resume = cJSON_AddObjectToObject(assignment, "resume");
        columns_add_int(resume, "epoch", &query);
        columns_add_text(resume, "path", &query);
        columns_add_text(resume, "host", &query);
    } else {
        cJSON_AddNullToObject(assignment, "resume");
    }
    return query_close(&query, error) && fork_view(store, id, assignment, error) &&
           add_artifacts(store, id, true, assignment, "files", error);
}
