#include "core/metrics.h"

#include "core/json.h"

uint64_t metrics_count(const struct metrics *metrics) {
    return metrics->true_positive + metrics->true_negative + metrics->false_positive +
           metrics->false_negative;
}

void metrics_add(struct metrics *metrics, int label, int predicted, double loss) {
    if (label == 1)
        *(predicted == 1 ? &metrics->true_positive : &metrics->false_negative) += 1;
    else
        *(predicted == 1 ? &metrics->false_positive : &metrics->true_negative) += 1;
    metrics->loss_sum += loss;
}

static bool ratio(uint64_t part, uint64_t whole, double *value) {
    if (whole == 0)
        return false;
    *value = (double)part / (double)whole;
    return true;
}

bool metrics_accuracy(const struct metrics *metrics, double *value) {
    return ratio(metrics->true_positive + metrics->true_negative, metrics_count(metrics), value);
}

bool metrics_precision(const struct metrics *metrics, double *value) {
    return ratio(metrics->true_positive, metrics->true_positive + metrics->false_positive, value);
}

bool metrics_recall(const struct metrics *metrics, double *value) {
    return ratio(metrics->true_positive, metrics->true_positive + metrics->false_negative, value);
}

bool metrics_loss(const struct metrics *metrics, double *value) {
    uint64_t count = metrics_count(metrics);
    if (count == 0)
        return false;
    *value = metrics->loss_sum / (double)count;
    return true;
}

cJSON *metrics_to_json(const struct metrics *metrics) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "true_positive", (double)metrics->true_positive);
    cJSON_AddNumberToObject(json, "true_negative", (double)metrics->true_negative);
    cJSON_AddNumberToObject(json, "false_positive", (double)metrics->false_positive);
    cJSON_AddNumberToObject(json, "false_negative", (double)metrics->false_negative);
    static const struct {
        const char *key;
        bool (*ratio)(const struct metrics *metrics, double *value);
    } ratios[] = {{"accuracy", metrics_accuracy},
                  {"precision", metrics_precision},
                  {"recall", metrics_recall},
                  {"loss", metrics_loss}};
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++) {
        double value = 0;
        bool defined = ratios[i].ratio(metrics, &value);
        json_add_defined(json, ratios[i].key, defined, value);
    }
    return json;
}

int64_t metrics_json_count(const cJSON *json) {
    return json_integer(json, "true_positive") + json_integer(json, "true_negative") +
           json_integer(json, "false_positive") + json_integer(json, "false_negative");
}
