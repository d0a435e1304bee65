#include "coordinator/epochs.h"

#include "coordinator/columns.h"
#include "core/json.h"

/* --- written --- */

bool epochs_record(struct store *store, const struct report_key *key, const cJSON *body,
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
    columns_bind_key(&query, key);
    query_bind_int(&query, json_integer(body, "epoch"));
    columns_bind_number(&query, body, "learning_rate");
    columns_bind_number(&query, body, "seconds");
    columns_bind_number(&query, body, "images_per_second");
    query_bind_int(&query, cJSON_IsTrue(json_member(body, "best")));
    columns_bind_metrics(&query, json_member(body, "train"));
    columns_bind_metrics(&query, json_member(body, "valid"));
    return query_run(&query, error);
}

/* --- read --- */

#define EPOCH_COLUMNS                                                                              \
    "epoch, learning_rate, seconds, images_per_second, best, " COLUMNS_METRICS(                    \
        "train_") ", " COLUMNS_METRICS("valid_")

static cJSON *epoch_json(struct query *query) {
    cJSON *epoch = cJSON_CreateObject();
    columns_add_int(epoch, "epoch", query);
    columns_add_number(epoch, "learning_rate", query);
    columns_add_number(epoch, "seconds", query);
    columns_add_number(epoch, "images_per_second", query);
    cJSON_AddBoolToObject(epoch, "best", query_int(query) != 0);
    columns_add_metrics(cJSON_AddObjectToObject(epoch, "train"), query);
    columns_add_metrics(cJSON_AddObjectToObject(epoch, "valid"), query);
    return epoch;
}

/* Adds under `key` the epoch report that the SQL finds, or null. */
static bool add_epoch(struct store *store, const char *sql, int64_t id, cJSON *object,
                      const char *key, struct error *error) {
    struct query query;
    query_open(&query, store, sql);
    query_bind_int(&query, id);
    json_put(object, key, query_next(&query) ? epoch_json(&query) : cJSON_CreateNull());
    return query_close(&query, error);
}

static bool add_epochs_done(struct store *store, int64_t id, cJSON *object, struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT count(*) FROM epoch WHERE experiment = ?");
    query_bind_int(&query, id);
    if (query_next(&query))
        columns_add_int(object, "epochs_done", &query);
    return query_close(&query, error);
}

bool epochs_view(struct store *store, int64_t id, bool ran, cJSON *object, struct error *error) {
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

bool epochs_of_attempt(struct store *store, int64_t id, int64_t attempt, int64_t *count,
                       struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT count(*) FROM epoch WHERE experiment = ? AND attempt = ?");
    query_bind_int(&query, id);
    query_bind_int(&query, attempt);
    *count = query_next(&query) ? query_int(&query) : 0;
    return query_close(&query, error);
}

bool epochs_view_history(struct store *store, int64_t id, cJSON *object, struct error *error) {
    return columns_add_rows(store,
                            "SELECT * FROM (SELECT " EPOCH_COLUMNS
                            " FROM epoch WHERE experiment = ?"
                            " ORDER BY epoch DESC LIMIT ?) ORDER BY epoch",
                            id, object, "history", epoch_json, error);
}
