#include "worker/report.h"

#include "core/json.h"

#include <math.h>

static void add_number(cJSON *object, const char *key, double value) {
    json_add_defined(object, key, isfinite(value), value);
}

cJSON *report_progress(const struct progress *progress) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "phase", progress->phase);
    cJSON_AddNumberToObject(object, "epoch", progress->epoch);
    cJSON_AddNumberToObject(object, "epochs", progress->epochs);
    cJSON_AddNumberToObject(object, "step", progress->step);
    cJSON_AddNumberToObject(object, "steps", progress->steps);
    add_number(object, "loss", progress->loss);
    add_number(object, "images_per_second", progress->images_per_second);
    return object;
}

cJSON *report_epoch(const struct epoch_report *report) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "epoch", report->epoch);
    cJSON_AddItemToObject(object, "train", metrics_to_json(&report->train));
    cJSON_AddItemToObject(object, "valid", metrics_to_json(&report->valid));
    add_number(object, "learning_rate", report->learning_rate);
    add_number(object, "seconds", report->seconds);
    add_number(object, "images_per_second", report->images_per_second);
    cJSON_AddBoolToObject(object, "best", report->best);
    return object;
}

cJSON *report_evaluation(const struct evaluation_report *report) {
    cJSON *object = metrics_to_json(&report->metrics);
    cJSON_AddStringToObject(object, "checkpoint", report->checkpoint);
    cJSON_AddStringToObject(object, "split", report->split);
    cJSON_AddNumberToObject(object, "epoch", report->epoch);
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

cJSON *report_failure(const char *message, bool retry) {
    cJSON *object = report_end("failed");
    cJSON_AddStringToObject(object, "error", message);
    cJSON_AddBoolToObject(object, "retry", retry);
    return object;
}
