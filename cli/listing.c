#include "cli/listing.h"

#include "cli/field.h"
#include "core/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_TEXT, FORM_WHOLE, FORM_EPOCH, FORM_RATIO, FORM_SHORT, FORM_AGE };

/* The columns that LISTING_COLUMNS names, in that order. */
static const struct {
    const char *name, *path; /* into a summary */
    enum form form;
    const char *title; /* where it is not the name */
} columns[] = {
    {"id", "id", FORM_WHOLE, NULL},
    {"name", "name", FORM_TEXT, "experiment"},
    {"group", "group", FORM_TEXT, NULL},
    {"person", "person", FORM_TEXT, NULL},
    {"state", "state", FORM_TEXT, NULL},
    {"priority", "priority", FORM_WHOLE, NULL},
    {"attempt", "attempt", FORM_WHOLE, NULL},
    {"worker", "worker", FORM_TEXT, NULL},
    {"error", "error", FORM_TEXT, NULL},
    {"epoch", "epochs_done", FORM_EPOCH, NULL},
    {"epochs", "epochs", FORM_WHOLE, NULL},
    {"best_epoch", "best.epoch", FORM_WHOLE, "best epoch"},
    {"loss", "best.valid.loss", FORM_RATIO, "valid loss"},
    {"accuracy", "best.valid.accuracy", FORM_RATIO, NULL},
    {"precision", "best.valid.precision", FORM_RATIO, NULL},
    {"recall", "best.valid.recall", FORM_RATIO, NULL},
    {"train_loss", "latest.train.loss", FORM_RATIO, "latest train loss"},
    {"valid_loss", "latest.valid.loss", FORM_RATIO, "latest valid loss"},
    {"learning_rate", "latest.learning_rate", FORM_SHORT, "learning rate"},
    {"images_per_second", "latest.images_per_second", FORM_SHORT, "images/s"},
    {"age", "age", FORM_AGE, NULL},
    {"waits", "waits", FORM_TEXT, "waits for"},
    {"stopped", "stopped.rule", FORM_TEXT, "stopped by"},
};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static size_t find(const char *name) {
    size_t index = 0;
    while (index < COLUMN_COUNT && strcmp(columns[index].name, name) != 0)
        index++;
    return index;
}

void listing_age(cJSON *experiments, double now_ms) {
    cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        double age_ms = now_ms - field_number(experiment, "submitted_ms", now_ms);
        cJSON_DeleteItemFromObjectCaseSensitive(experiment, "age");
        cJSON_AddNumberToObject(experiment, "age", age_ms > 0 ? floor(age_ms / 1000) : 0);
    }
}

/* The value of a matrix key, which may be named by its last part alone. */
static const cJSON *variant_of(const cJSON *experiment, const char *name) {
    const cJSON *variant = field_at(experiment, "variant"), *value;
    cJSON_ArrayForEach(value, variant) {
        const char *dot = strrchr(value->string, '.');
        if (strcmp(value->string, name) == 0 || (dot != NULL && strcmp(dot + 1, name) == 0))
            return value;
    }
    return NULL;
}

const cJSON *listing_look(const void *experiment, const char *name) {
    size_t index = find(name);
    return index < COLUMN_COUNT ? field_at(experiment, columns[index].path)
                                : variant_of(experiment, name);
}

static char *format_number(enum form form, double number) {
    char text[FORMAT_SIZE];
    switch (form) {
    case FORM_RATIO: return strdup(format_ratio(text, true, number));
    case FORM_AGE: return strdup(format_duration(text, number));
    default:
        snprintf(text, sizeof text, form == FORM_WHOLE ? "%.0f" : "%.6g", number);
        return strdup(text);
    }
}

char *listing_text(const cJSON *experiment, const char *name) {
    size_t index = find(name);
    enum form form = index < COLUMN_COUNT ? columns[index].form : FORM_SHORT;
    const cJSON *value = listing_look(experiment, name);
    if (form == FORM_EPOCH) {
        char text[2 * FORMAT_SIZE];
        snprintf(text, sizeof text, "%.0f/%.0f", field_number(experiment, "epochs_done", 0),
                 field_number(experiment, "epochs", 0));
        return strdup(text);
    }
    if (cJSON_IsNumber(value))
        return format_number(form, value->valuedouble);
    return strdup(cJSON_IsString(value) ? value->valuestring : "");
}

const char *listing_title(const char *name) {
    size_t index = find(name);
    return index < COLUMN_COUNT && columns[index].title != NULL ? columns[index].title : name;
}

bool listing_is_number(const char *name) {
    size_t index = find(name);
    return index < COLUMN_COUNT && columns[index].form != FORM_TEXT;
}

enum style listing_style(const cJSON *experiment, const char *name) {
    return strcmp(name, "state") == 0 ? screen_state_style(field_text(experiment, "state", ""))
                                      : STYLE_PLAIN;
}

/* --- checking --- */

static bool is_known(const cJSON *experiments, const char *name) {
    const cJSON *experiment;
    if (find(name) < COLUMN_COUNT)
        return true;
    cJSON_ArrayForEach(experiment, experiments) {
        if (variant_of(experiment, name) != NULL)
            return true;
    }
    return false;
}

static bool check(const cJSON *experiments, const char *name, struct error *error) {
    const char *names[COLUMN_COUNT];
    if (is_known(experiments, name))
        return true;
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        names[i] = columns[i].name;
    const char *near = nearest_word(name, names, COLUMN_COUNT);
    if (near != NULL)
        return error_set(error, ERROR_INPUT, "there is no column \"%s\"; did you mean \"%s\"?",
                         name, near);
    return error_set(error, ERROR_INPUT,
                     "there is no column \"%s\"; use a key of the experiments' matrix, or one of "
                     "%s",
                     name, LISTING_COLUMNS);
}

bool listing_check(const cJSON *experiments, const char *const *names, size_t count,
                   struct error *error) {
    for (size_t i = 0; i < count; i++)
        if (!check(experiments, names[i], error))
            return false;
    return true;
}

bool listing_check_filter(const cJSON *experiments, const struct filter *filter,
                          struct error *error) {
    const char *name;
    for (size_t i = 0; (name = filter_field(filter, i)) != NULL; i++)
        if (!check(experiments, name, error))
            return false;
    return true;
}

/* --- filtering and sorting --- */

void listing_filter(cJSON *experiments, const struct filter *filter) {
    cJSON *next;
    for (cJSON *one = experiments->child; one != NULL; one = next) {
        next = one->next;
        if (!filter_takes(filter, listing_look, one))
            cJSON_Delete(cJSON_DetachItemViaPointer(experiments, one));
    }
}

struct sorted {
    cJSON *experiment;
    const cJSON *value;
    size_t place; /* before: sorting is stable */
    bool descending;
};

static int compare_values(const cJSON *a, const cJSON *b) {
    if (cJSON_IsNumber(a) && cJSON_IsNumber(b))
        return (a->valuedouble > b->valuedouble) - (a->valuedouble < b->valuedouble);
    if (cJSON_IsString(a) && cJSON_IsString(b))
        return strcmp(a->valuestring, b->valuestring);
    return cJSON_IsString(a) - cJSON_IsString(b); /* numbers first */
}

static int compare(const void *left, const void *right) {
    const struct sorted *a = left, *b = right;
    int order = (a->value == NULL) - (b->value == NULL);
    if (order == 0 && a->value != NULL)
        order = compare_values(a->value, b->value) * (a->descending ? -1 : 1);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

bool listing_sort(cJSON *experiments, const char *name) {
    bool descending = name[0] == '-';
    size_t count = (size_t)cJSON_GetArraySize(experiments);
    struct sorted *sorted = calloc(count + 1, sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        cJSON *experiment = cJSON_DetachItemViaPointer(experiments, experiments->child);
        sorted[i] =
            (struct sorted){experiment, listing_look(experiment, name + descending), i, descending};
    }
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(experiments, sorted[i].experiment);
    free(sorted);
    return true;
}
