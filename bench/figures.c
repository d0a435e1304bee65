#include "bench/figures.h"

#include "core/file.h"
#include "core/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool figures_open(struct figures *figures, struct error *error) {
    figures->samples = malloc(SAMPLES_MAX * sizeof *figures->samples);
    return figures->samples != NULL || error_set(error, ERROR_FAILED, "no memory for the samples");
}

void figures_close(struct figures *figures) {
    free(figures->samples);
}

void figures_add(struct figures *figures, const char *name, const char *unit, double value,
                 double wanted, bool at_least) {
    if (figures->count < FIGURES_MAX)
        figures->figures[figures->count++] = (struct figure){name, unit, value, wanted, at_least};
    fprintf(stderr, "%s: %.4g %s\n", name, value, unit);
}

static int order(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double figures_quantile_ms(struct figures *figures, double part) {
    if (figures->sample_count == 0)
        return NAN;
    qsort(figures->samples, figures->sample_count, sizeof *figures->samples, order);
    size_t index = (size_t)(part * (double)figures->sample_count);
    return 1000 *
           figures->samples[index < figures->sample_count ? index : figures->sample_count - 1];
}

void figures_sample(struct figures *figures, double seconds) {
    if (figures->sample_count < SAMPLES_MAX)
        figures->samples[figures->sample_count++] = seconds;
}

static bool met(const struct figure *figure) {
    return isnan(figure->wanted) ||
           (figure->at_least ? figure->value >= figure->wanted : figure->value <= figure->wanted);
}

bool figures_print(const struct figures *figures, const char *path, struct error *error) {
    cJSON *array = cJSON_CreateArray();
    printf("| what | measured | wanted | |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->figures[i];
        char wanted[48] = "";
        if (!isnan(figure->wanted))
            snprintf(wanted, sizeof wanted, "%s %.6g %s", figure->at_least ? "at least" : "at most",
                     figure->wanted, figure->unit);
        printf("| %s | %.4g %s | %s | %s |\n", figure->name, figure->value, figure->unit, wanted,
               wanted[0] == '\0' ? ""
               : met(figure)     ? "met"
                                 : "missed");
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", figure->name);
        cJSON_AddStringToObject(object, "unit", figure->unit);
        json_add_finite(object, "value", figure->value);
        json_add_finite(object, "wanted", figure->wanted);
        cJSON_AddBoolToObject(object, "met", met(figure));
        cJSON_AddItemToArray(array, object);
    }
    char *text = json_text(array);
    bool good =
        text != NULL && (path == NULL || file_write_atomic(path, text, strlen(text), error));
    free(text);
    cJSON_Delete(array);
    return good;
}

bool figures_met(const struct figures *figures) {
    for (size_t i = 0; i < figures->count; i++)
        if (!met(&figures->figures[i]))
            return false;
    return true;
}
