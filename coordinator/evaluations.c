#include "coordinator/evaluations.h"

#include "coordinator/columns.h"
#include "core/json.h"

/* --- written --- */

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
bool evaluations_record(struct store *store, const struct report_key *key, const cJSON *body,
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
    columns_bind_key(&query, key);
    query_bind_text(&query, json_string(body, "checkpoint"));
    query_bind_text(&query, json_string(body, "split"));
    query_bind_int(&query, json_integer(body, "epoch"));
    columns_bind_metrics(&query, body);
    columns_bind_number(&query, body, "roc_auc");
    columns_bind_number(&query, body, "average_precision");
    columns_bind_number(&query, body, "equal_error_rate");
    columns_bind_number(&query, body, "threshold");
    bind_at_threshold(&query, json_member(body, "at_threshold"));
    if (!query_run(&query, error))
        return false;
    cJSON_ArrayForEach(class, json_member(body, "classes")) {
        if (!record_class(store, key, body, index++, class, error))
            return false;
    }
    return true;
}

/* --- read --- */

/* The classes as one column of JSON, so that an evaluation is one row. */
#define EVALUATION_COLUMNS                                                                         \
    "checkpoint, split, epoch, " COLUMNS_METRICS(                                                  \
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
    columns_add_int(counts, "true_positive", query);
    columns_add_int(counts, "true_negative", query);
    columns_add_int(counts, "false_positive", query);
    columns_add_int(counts, "false_negative", query);
    columns_add_number(counts, "accuracy", query);
    columns_add_number(counts, "precision", query);
    columns_add_number(counts, "recall", query);
    if (!defined) {
        cJSON_Delete(counts);
        counts = cJSON_CreateNull();
    }
    json_put(evaluation, "at_threshold", counts);
}

/* SQLite writes numbers into JSON with 15 digits; the shares of the classes have all of theirs. */
static void restore_accuracies(cJSON *classes) {
    cJSON *class;
    cJSON_ArrayForEach(class, classes) {
        cJSON *accuracy = cJSON_GetObjectItemCaseSensitive(class, "accuracy");
        if (cJSON_IsNumber(accuracy))
            cJSON_SetNumberValue(accuracy, (double)json_integer(class, "correct") /
                                               (double)json_integer(class, "pictures"));
    }
}

static cJSON *evaluation_json(struct query *query) {
    cJSON *evaluation = cJSON_CreateObject();
    columns_add_text(evaluation, "checkpoint", query);
    columns_add_text(evaluation, "split", query);
    columns_add_int(evaluation, "epoch", query);
    columns_add_metrics(evaluation, query);
    columns_add_number(evaluation, "roc_auc", query);
    columns_add_number(evaluation, "average_precision", query);
    columns_add_number(evaluation, "equal_error_rate", query);
    columns_add_number(evaluation, "threshold", query);
    add_at_threshold(evaluation, query);
    columns_add_json(evaluation, "classes", query, NULL);
    restore_accuracies(cJSON_GetObjectItemCaseSensitive(evaluation, "classes"));
    return evaluation;
}

bool evaluations_view(struct store *store, int64_t id, cJSON *object, struct error *error) {
    return columns_add_rows(store,
                            "SELECT " EVALUATION_COLUMNS " FROM evaluation WHERE experiment = ?"
                            " ORDER BY checkpoint, split DESC LIMIT ?",
                            id, object, "evaluations", evaluation_json, error);
}
