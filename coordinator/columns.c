#include "coordinator/columns.h"

#include "coordinator/records.h"
#include "core/json.h"

#include <math.h>
#include <string.h>

/* --- read --- */

void columns_add_int(cJSON *object, const char *key, struct query *query) {
    cJSON_AddNumberToObject(object, key, (double)query_int(query));
}

void columns_add_number(cJSON *object, const char *key, struct query *query) {
    json_add_finite(object, key, query_double(query));
}

void columns_add_time(cJSON *object, const char *key, struct query *query) {
    bool defined = !query_is_null(query);
    json_add_defined(object, key, defined, (double)query_int(query));
}

void columns_add_text(cJSON *object, const char *key, struct query *query) {
    const char *text = query_text(query);
    if (text != NULL)
        cJSON_AddStringToObject(object, key, text);
    else
        cJSON_AddNullToObject(object, key);
}

bool columns_add_json(cJSON *object, const char *key, struct query *query, struct error *error) {
    const char *text = query_text(query);
    if (query->result != SQLITE_ROW)
        return store_failed(query->store, error);
    cJSON *value = json_parse(text, strlen(text), key, error);
    if (value == NULL || cJSON_AddItemToObject(object, key, value))
        return value != NULL;
    cJSON_Delete(value);
    return error_memory(error);
}

void columns_add_metrics(cJSON *object, struct query *query) {
    columns_add_int(object, "true_positive", query);
    columns_add_int(object, "true_negative", query);
    columns_add_int(object, "false_positive", query);
    columns_add_int(object, "false_negative", query);
    columns_add_number(object, "accuracy", query);
    columns_add_number(object, "precision", query);
    columns_add_number(object, "recall", query);
    columns_add_number(object, "loss", query);
}

bool columns_add_rows(struct store *store, const char *sql, int64_t id, cJSON *object,
                      const char *key, cJSON *(*row)(struct query *), struct error *error) {
    struct query query;
    cJSON *array = cJSON_AddArrayToObject(object, key);
    query_open(&query, store, sql);
    query_bind_int(&query, id);
    query_bind_int(&query, COLUMNS_ROWS_MAX);
    while (query_next(&query))
        json_append(array, row(&query));
    return query_close(&query, error);
}

/* --- written --- */

void columns_bind_number(struct query *query, const cJSON *object, const char *key) {
    const cJSON *number = json_member(object, key);
    query_bind_double(query, cJSON_IsNumber(number) ? number->valuedouble : (double)NAN);
}

void columns_bind_metrics(struct query *query, const cJSON *metrics) {
    query_bind_int(query, json_integer(metrics, "true_positive"));
    query_bind_int(query, json_integer(metrics, "true_negative"));
    query_bind_int(query, json_integer(metrics, "false_positive"));
    query_bind_int(query, json_integer(metrics, "false_negative"));
    columns_bind_number(query, metrics, "loss");
}

void columns_bind_key(struct query *query, const struct report_key *key) {
    query_bind_int(query, key->experiment);
    query_bind_int(query, key->attempt);
    query_bind_int(query, key->now_ms);
}
