#include "cli/metrics_row.h"

void metrics_row_add(struct table *table, const cJSON *metrics) {
    static const char *const counts[] = {"true_positive", "true_negative", "false_positive",
                                         "false_negative"};
    static const char *const ratios[] = {"accuracy", "recall", "precision", "loss"};
    char text[FORMAT_SIZE];
    for (size_t i = 0; i < 4; i++)
        table_add(table, "%.0f", field_number(metrics, counts[i], 0));
    for (size_t i = 0; i < 4; i++)
        table_add(table, "%s", field_ratio(text, metrics, ratios[i]));
}
