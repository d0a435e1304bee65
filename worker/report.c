#include "worker/report.h"

#include "core/json.h"

#include <string.h>

/* So that a body stays far below WIRE_BODY_MAX, also when every byte of a path is escaped. */
enum { PATH_BYTES_MAX = 1 << 20 };

cJSON *report_progress(const struct progress *progress) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "phase", progress->phase);
    cJSON_AddNumberToObject(object, "epoch", progress->epoch);
    cJSON_AddNumberToObject(object, "epochs", progress->epochs);
    cJSON_AddNumberToObject(object, "step", progress->step);
    cJSON_AddNumberToObject(object, "steps", progress->steps);
    json_add_finite(object, "loss", progress->loss);
    json_add_finite(object, "images_per_second", progress->images_per_second);
    return object;
}

cJSON *report_epoch(const struct epoch_report *report) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "epoch", report->epoch);
    json_put(object, "train", metrics_to_json(&report->train));
    json_put(object, "valid", metrics_to_json(&report->valid));
    json_add_finite(object, "learning_rate", report->learning_rate);
    json_add_finite(object, "seconds", report->seconds);
    json_add_finite(object, "images_per_second", report->images_per_second);
    cJSON_AddBoolToObject(object, "best", report->best);
    return object;
}

static void add_measure(cJSON *object, const char *key, const struct measure *measure) {
    json_add_defined(object, key, measure->defined, measure->value);
}

static cJSON *class_json(const struct evaluation_report *report, size_t index) {
    const struct class_result *result = &report->by_class[index];
    const struct split_class *class = &report->classes[index];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", class->name);
    cJSON_AddNumberToObject(object, "label", class->label);
    cJSON_AddNumberToObject(object, "pictures", (double)result->pictures);
    cJSON_AddNumberToObject(object, "correct", (double)result->correct);
    json_add_defined(object, "accuracy", result->pictures > 0,
                     (double)result->correct / (double)result->pictures);
    json_add_defined(object, "correct_at_threshold", report->threshold.defined,
                     (double)result->correct_at_threshold);
    return object;
}

cJSON *report_evaluation(const struct evaluation_report *report) {
    cJSON *object = metrics_to_json(&report->metrics);
    cJSON_AddStringToObject(object, "checkpoint", report->checkpoint);
    cJSON_AddStringToObject(object, "split", report->split);
    cJSON_AddNumberToObject(object, "epoch", report->epoch);
    add_measure(object, "roc_auc", &report->roc_auc);
    add_measure(object, "average_precision", &report->average_precision);
    add_measure(object, "equal_error_rate", &report->equal_error_rate);
    add_measure(object, "threshold", &report->threshold);
    cJSON *at_threshold =
        report->threshold.defined ? metrics_to_json(&report->at_threshold) : cJSON_CreateNull();
    cJSON_DeleteItemFromObjectCaseSensitive(at_threshold, "loss");
    json_put(object, "at_threshold", at_threshold);
    cJSON *classes = cJSON_AddArrayToObject(object, "classes");
    for (size_t i = 0; i < report->class_count; i++)
        json_append(classes, class_json(report, i));
    return object;
}

cJSON *report_scores(const struct evaluation_report *report, size_t *position) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "checkpoint", report->checkpoint);
    cJSON_AddStringToObject(object, "split", report->split);
    cJSON_AddNumberToObject(object, "position", (double)*position);
    cJSON *pictures = cJSON_AddArrayToObject(object, "pictures");
    size_t bytes = 0;
    for (size_t i = 0;
         i < REPORT_SCORES_MAX && bytes < PATH_BYTES_MAX && *position < report->list->count; i++) {
        const char *path = report->list->items[*position].path;
        const struct score *score = &report->scores[(*position)++];
        cJSON *picture = cJSON_CreateObject();
        bytes += strlen(path);
        cJSON_AddStringToObject(picture, "path", path);
        cJSON_AddNumberToObject(picture, "class", (double)score->class_index);
        cJSON_AddNumberToObject(picture, "probability", score->probability);
        json_append(pictures, picture);
    }
    return object;
}

cJSON *report_checkpoint(const struct checkpoint_report *report, const char *host) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", report->kind);
    cJSON_AddNumberToObject(object, "epoch", report->epoch);
    cJSON_AddStringToObject(object, "path", report->path);
    cJSON_AddStringToObject(object, "host", host);
    return object;
}

cJSON *report_log(uint64_t offset, const char *text) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "offset", (double)offset);
    cJSON_AddStringToObject(object, "text", text);
    return object;
}

cJSON *report_end(const char *outcome) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "outcome", outcome);
    return object;
}

cJSON *report_hindered(const char *message) {
    cJSON *object = report_end("given_back");
    cJSON_AddStringToObject(object, "error", message);
    return object;
}

cJSON *report_failure(const char *message, bool retry) {
    cJSON *object = report_end("failed");
    cJSON_AddStringToObject(object, "error", message);
    cJSON_AddBoolToObject(object, "retry", retry);
    return object;
}
