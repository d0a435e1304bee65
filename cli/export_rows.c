#include "cli/export_rows.h"

#include "cli/field.h"
#include "compare/contender.h"
#include "compare/differences.h"
#include "core/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fields of a summary that stand in front; of an epoch the first three. */
static const char *const leading[] = {"id",          "name",        "group",          "state",
                                      "person",      "submit_host", "submit_version", "worker",
                                      "error",       "attempt",     "submitted_ms",   "started_ms",
                                      "finished_ms", "epochs",      "epochs_done"};
enum { LEADING = sizeof leading / sizeof leading[0], LEADING_EPOCH = 3 };

static const char *const remarks[] = {"tags", "notes"};
enum { REMARKS = sizeof remarks / sizeof remarks[0] };

static const char *const metrics[] = {"true_positive",  "true_negative", "false_positive",
                                      "false_negative", "accuracy",      "precision",
                                      "recall",         "loss"};
enum { METRICS = sizeof metrics / sizeof metrics[0] };
static const char *const more_metrics[] = {"roc_auc", "average_precision", "equal_error_rate",
                                           "threshold"};
enum { MORE_METRICS = sizeof more_metrics / sizeof more_metrics[0] };

static const char *const epoch_fields[] = {"epoch", "learning_rate", "seconds", "images_per_second",
                                           "best"};
enum { EPOCH_FIELDS = sizeof epoch_fields / sizeof epoch_fields[0] };

/* --- columns --- */

/* What `each` is called with for every leaf of a config: lists and single values. */
typedef bool leaf_function(void *context, const char *path, const cJSON *value);

static bool each_leaf(const cJSON *config, const char *prefix, int depth, leaf_function *each,
                      void *context) {
    const cJSON *one;
    bool good = true;
    cJSON_ArrayForEach(one, config) {
        char path[DIFFERENCES_PATH_SIZE];
        if (!differences_path(prefix, one->string, path))
            continue;
        good = good && (cJSON_IsObject(one) && depth < DIFFERENCES_DEPTH_MAX
                            ? each_leaf(one, path, depth + 1, each, context)
                            : each(context, path, one));
    }
    return good;
}

static bool meet_leaf(void *context, const char *path, const cJSON *value) {
    cJSON *leaves = context, *leaf = cJSON_GetObjectItemCaseSensitive(leaves, path);
    if (leaf == NULL) {
        leaf = cJSON_AddObjectToObject(leaves, path);
        return cJSON_AddItemToObject(leaf, "value", cJSON_Duplicate(value, true)) &&
               cJSON_AddNumberToObject(leaf, "seen", 1) != NULL;
    }
    cJSON_SetNumberValue(cJSON_GetObjectItem(leaf, "seen"), field_number(leaf, "seen", 0) + 1);
    return json_same(cJSON_GetObjectItem(leaf, "value"), value) ||
           field_at(leaf, "differs") != NULL || cJSON_AddTrueToObject(leaf, "differs") != NULL;
}

bool export_meet(struct export_columns *columns, const cJSON *experiments) {
    const cJSON *experiment, *one;
    if (columns->variants == NULL)
        columns->variants = cJSON_CreateObject();
    if (columns->leaves == NULL)
        columns->leaves = cJSON_CreateObject();
    bool good = columns->variants != NULL && columns->leaves != NULL;
    cJSON_ArrayForEach(experiment, experiments) {
        columns->experiments++;
        cJSON_ArrayForEach(one, field_at(experiment, "variant")) {
            if (cJSON_GetObjectItemCaseSensitive(columns->variants, one->string) == NULL)
                good = good && cJSON_AddTrueToObject(columns->variants, one->string) != NULL;
        }
        good = good && each_leaf(field_at(experiment, "config"), "", 0, meet_leaf, columns->leaves);
    }
    return good;
}

void export_columns_free(struct export_columns *columns) {
    cJSON_Delete(columns->variants);
    cJSON_Delete(columns->leaves);
    *columns = (struct export_columns){0};
}

static bool differs(const struct export_columns *columns, const cJSON *leaf) {
    return field_at(leaf, "differs") != NULL ||
           field_number(leaf, "seen", 0) < (double)columns->experiments;
}

/* --- rows --- */

static void add(cJSON *row, const cJSON *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(cJSON *row, const cJSON *value, const char *format, ...) {
    char name[DIFFERENCES_PATH_SIZE + 16];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    cJSON *cell = value != NULL ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
    if (!cJSON_AddItemToObject(row, name, cell))
        cJSON_Delete(cell);
}

static bool take_leaf(void *context, const char *path, const cJSON *value) {
    return cJSON_AddItemReferenceToObject(context, path, (cJSON *)(size_t)value);
}

static void add_settings(const struct export_columns *columns, const cJSON *experiment,
                         cJSON *row) {
    const cJSON *one, *variant = field_at(experiment, "variant");
    cJSON *leaves = cJSON_CreateObject();
    each_leaf(field_at(experiment, "config"), "", 0, take_leaf, leaves);
    cJSON_ArrayForEach(one, columns->variants) {
        add(row, cJSON_GetObjectItemCaseSensitive(variant, one->string), "variant.%s", one->string);
    }
    cJSON_ArrayForEach(one, columns->leaves) {
        if (differs(columns, one))
            add(row, cJSON_GetObjectItemCaseSensitive(leaves, one->string), "config.%s",
                one->string);
    }
    cJSON_Delete(leaves);
}

static void add_evaluation(cJSON *row, const cJSON *evaluation, const char *checkpoint,
                           const char *split) {
    for (size_t i = 0; i < METRICS; i++)
        add(row, field_at(evaluation, metrics[i]), "%s_%s_%s", checkpoint, split, metrics[i]);
    for (size_t i = 0; i < MORE_METRICS; i++)
        add(row, field_at(evaluation, more_metrics[i]), "%s_%s_%s", checkpoint, split,
            more_metrics[i]);
}

/* Both splits of a checkpoint, and the epoch that it stands after. */
static void add_checkpoint(cJSON *row, const struct contender *contender, size_t checkpoint) {
    const char *name = checkpoint_names[checkpoint];
    const cJSON *const *evaluations = contender->evaluations[checkpoint];
    const cJSON *any =
        evaluations[SPLIT_VALID] != NULL ? evaluations[SPLIT_VALID] : evaluations[SPLIT_TEST];
    add(row, field_at(any, "epoch"), "%s_epoch", name);
    for (size_t i = 0; i < SPLIT_COUNT; i++)
        add_evaluation(row, evaluations[i], name, split_names[i]);
}

cJSON *export_experiment(const struct export_columns *columns, const cJSON *experiment) {
    cJSON *row = cJSON_CreateObject();
    struct contender contender = contender_of(experiment);
    for (size_t i = 0; i < LEADING; i++)
        add(row, field_at(experiment, leading[i]), "%s", leading[i]);
    add(row, field_at(experiment, "stopped.reason"), "stopped");
    for (size_t i = 0; i < REMARKS; i++) {
        const cJSON *list = field_at(experiment, remarks[i]);
        add(row, cJSON_GetArraySize(list) > 0 ? list : NULL, "%s", remarks[i]);
    }
    add_settings(columns, experiment, row);
    if (contender.keep >= 0)
        cJSON_AddStringToObject(row, "keep", checkpoint_names[contender.keep]);
    else
        cJSON_AddNullToObject(row, "keep");
    for (size_t i = 0; i < CHECKPOINT_COUNT; i++)
        add_checkpoint(row, &contender, i);
    return row;
}

cJSON *export_epoch(const struct export_columns *columns, const cJSON *experiment,
                    const cJSON *report) {
    static const char *const parts[] = {"train", "valid"};
    cJSON *row = cJSON_CreateObject();
    for (size_t i = 0; i < LEADING_EPOCH; i++)
        add(row, field_at(experiment, leading[i]), "%s", leading[i]);
    add_settings(columns, experiment, row);
    for (size_t i = 0; i < EPOCH_FIELDS; i++)
        add(row, field_at(report, epoch_fields[i]), "%s", epoch_fields[i]);
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < METRICS; j++)
            add(row, field_at(field_at(report, parts[i]), metrics[j]), "%s_%s", parts[i],
                metrics[j]);
    return row;
}

/* --- writing --- */

static void add_cell(struct text *text, const cJSON *value) {
    if (cJSON_IsNull(value))
        return;
    char *json = cJSON_IsString(value) ? NULL : json_text(value);
    text_csv_field(text, json != NULL ? json : cJSON_IsString(value) ? value->valuestring : "");
    free(json);
}

void export_add_csv(struct text *text, const cJSON *row) {
    const cJSON *value;
    cJSON_ArrayForEach(value, row) {
        if (value != row->child)
            text_add(text, ",", 1);
        add_cell(text, value);
    }
    text_add(text, "\n", 1);
}

void export_add_titles(struct text *text, const struct export_columns *columns, bool epochs) {
    cJSON *row = epochs ? export_epoch(columns, NULL, NULL) : export_experiment(columns, NULL);
    const cJSON *value;
    cJSON_ArrayForEach(value, row) {
        if (value != row->child)
            text_add(text, ",", 1);
        text_csv_field(text, value->string);
    }
    text_add(text, "\n", 1);
    cJSON_Delete(row);
}

void export_add_json(struct text *text, const cJSON *row) {
    char *json = json_text(row);
    text_format(text, "%s", json != NULL ? json : "");
    text->failed = text->failed || json == NULL;
    free(json);
}
