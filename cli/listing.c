#include "cli/listing.h"

#include "cli/progress.h"
#include "core/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_TEXT, FORM_WHOLE, FORM_EPOCH, FORM_RATIO, FORM_SHORT, FORM_AGE, FORM_LIST };

struct column_of_row {
    const char *name, *path; /* into a row */
    enum form form;
    const char *title; /* where it is not the name */
};

struct listing {
    const struct column_of_row *columns;
    size_t count;
    const char *names; /* of the columns, in their order */
};

static const struct column_of_row experiment_columns[] = {
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
    {"tags", "tags", FORM_LIST, NULL},
    {"tag", "tags", FORM_LIST, "tags"},
    {"notes", "note_count", FORM_WHOLE, NULL},
};

static const struct column_of_row evaluation_columns[] = {
    {"id", "id", FORM_WHOLE, NULL},
    {"name", "name", FORM_TEXT, "experiment"},
    {"group", "group", FORM_TEXT, NULL},
    {"state", "state", FORM_TEXT, NULL},
    {"tags", "tags", FORM_LIST, NULL},
    {"tag", "tags", FORM_LIST, "tags"},
    {"checkpoint", "checkpoint", FORM_TEXT, NULL},
    {"split", "split", FORM_TEXT, NULL},
    {"keep", "keep", FORM_TEXT, NULL},
    {"epoch", "epoch", FORM_WHOLE, NULL},
    {"true_positive", "true_positive", FORM_WHOLE, "TP"},
    {"true_negative", "true_negative", FORM_WHOLE, "TN"},
    {"false_positive", "false_positive", FORM_WHOLE, "FP"},
    {"false_negative", "false_negative", FORM_WHOLE, "FN"},
    {"accuracy", "accuracy", FORM_RATIO, NULL},
    {"recall", "recall", FORM_RATIO, NULL},
    {"precision", "precision", FORM_RATIO, NULL},
    {"loss", "loss", FORM_RATIO, NULL},
    {"roc_auc", "roc_auc", FORM_RATIO, "ROC AUC"},
    {"average_precision", "average_precision", FORM_RATIO, "avg. prec."},
    {"equal_error_rate", "equal_error_rate", FORM_RATIO, "EER"},
    {"threshold", "threshold", FORM_RATIO, NULL},
};

#define LISTING_OF(array, names)                                                                   \
    { array, sizeof(array) / sizeof(array)[0], names }
enum { COLUMNS_MAX = 32 };
_Static_assert(sizeof experiment_columns / sizeof experiment_columns[0] <= COLUMNS_MAX, "");
_Static_assert(sizeof evaluation_columns / sizeof evaluation_columns[0] <= COLUMNS_MAX, "");
const struct listing listing_experiments = LISTING_OF(experiment_columns, LISTING_COLUMNS);
const struct listing listing_evaluations =
    LISTING_OF(evaluation_columns, LISTING_EVALUATION_COLUMNS);

/* NULL for what is no column. */
static const struct column_of_row *find(const struct listing *listing, const char *name) {
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing->columns[i].name, name) == 0)
            return &listing->columns[i];
    return NULL;
}

void listing_age(cJSON *experiments, double now_ms) {
    cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        double age_ms = now_ms - field_number(experiment, "submitted_ms", now_ms);
        cJSON_DeleteItemFromObjectCaseSensitive(experiment, "age");
        cJSON_AddNumberToObject(experiment, "age", age_ms > 0 ? floor(age_ms / 1000) : 0);
    }
}

/* The value of a matrix key, which may be named by its last part alone. `after`: of another key
 * that this names, behind that one. */
static const cJSON *variant_of(const cJSON *experiment, const char *name, const cJSON *after) {
    const cJSON *variant = field_at(experiment, "variant"),
                *value = cJSON_GetObjectItemCaseSensitive(variant, name);
    if (value != NULL)
        return after == NULL ? value : NULL;
    cJSON_ArrayForEach(value, variant) {
        const char *dot = strrchr(value->string, '.');
        bool named = dot != NULL && strcmp(dot + 1, name) == 0;
        if (named && after == NULL)
            return value;
        after = value == after ? NULL : after;
    }
    return NULL;
}

const cJSON *listing_look(const struct listing *listing, const cJSON *row, const char *name) {
    const struct column_of_row *column = find(listing, name);
    const cJSON *value = column != NULL ? field_at(row, column->path) : variant_of(row, name, NULL);
    return cJSON_IsArray(value) && value->child == NULL ? NULL : value;
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

char *listing_text(const struct listing *listing, const cJSON *row, const char *name) {
    const struct column_of_row *column = find(listing, name);
    enum form form = column != NULL ? column->form : FORM_SHORT;
    const cJSON *value = listing_look(listing, row, name);
    if (form == FORM_EPOCH) {
        char text[2 * FORMAT_SIZE];
        snprintf(text, sizeof text, "%.0f/%.0f", progress_epochs_done(row),
                 field_number(row, "epochs", 0));
        return strdup(text);
    }
    if (form == FORM_LIST)
        return field_words(row, column->path);
    if (cJSON_IsNumber(value))
        return format_number(form, value->valuedouble);
    return strdup(cJSON_IsString(value) ? value->valuestring : "");
}

const char *listing_title(const struct listing *listing, const char *name) {
    const struct column_of_row *column = find(listing, name);
    return column != NULL && column->title != NULL ? column->title : name;
}

bool listing_is_number(const struct listing *listing, const char *name) {
    const struct column_of_row *column = find(listing, name);
    return column != NULL && column->form != FORM_TEXT && column->form != FORM_LIST;
}

bool listing_is_long(const struct listing *listing, const char *name) {
    const struct column_of_row *column = find(listing, name);
    static const char *const texts[] = {"name", "group", "person", "worker", "waits", "error"};
    bool is_long = column == NULL || column->form == FORM_LIST; /* no column: a matrix key */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        is_long = is_long || strcmp(name, texts[i]) == 0;
    return is_long;
}

enum style listing_style(const cJSON *row, const char *name) {
    return strcmp(name, "state") == 0 ? screen_state_style(field_text(row, "state", ""))
                                      : STYLE_PLAIN;
}

/* --- checking --- */

/* Whether it is a matrix key of a row goes into *known; false where it is short for two of one. */
static bool is_key(const cJSON *rows, const char *name, bool *known, struct error *error) {
    const cJSON *row, *value, *other;
    *known = false;
    cJSON_ArrayForEach(row, rows) {
        value = variant_of(row, name, NULL);
        other = value != NULL ? variant_of(row, name, value) : NULL;
        *known = *known || value != NULL;
        if (other != NULL)
            return error_set(error, ERROR_INPUT, "\"%s\" is short for %s and for %s; write which",
                             name, value->string, other->string);
    }
    return true;
}

static bool check(const struct listing *listing, const cJSON *rows, const char *name,
                  struct error *error) {
    const char *names[COLUMNS_MAX];
    bool known = find(listing, name) != NULL;
    if (!known && !is_key(rows, name, &known, error))
        return false;
    if (known)
        return true;
    for (size_t i = 0; i < listing->count; i++)
        names[i] = listing->columns[i].name;
    const char *near = nearest_word(name, names, listing->count);
    if (near != NULL)
        return error_set(error, ERROR_INPUT, "there is no column \"%s\"; did you mean \"%s\"?",
                         name, near);
    return error_set(error, ERROR_INPUT,
                     "there is no column \"%s\"; use a key of the experiments' matrix, or one of "
                     "%s",
                     name, listing->names);
}

bool listing_check(const struct listing *listing, const cJSON *rows, const char *const *names,
                   size_t count, struct error *error) {
    for (size_t i = 0; i < count; i++)
        if (!check(listing, rows, names[i], error))
            return false;
    return true;
}

bool listing_check_filter(const struct listing *listing, const cJSON *rows,
                          const struct filter *filter, struct error *error) {
    const char *name;
    for (size_t i = 0; (name = filter_field(filter, i)) != NULL; i++) {
        const char *operand = filter_operand(filter, i);
        double number;
        if (!check(listing, rows, name, error))
            return false;
        if (operand != NULL && listing_is_number(listing, name) && !filter_number(operand, &number))
            return error_set(error, ERROR_INPUT,
                             "filter: %s is a number, and \"%s\" is none; write it as in 0.98, 12 "
                             "or 1e-3",
                             name, operand);
    }
    return true;
}

/* --- filtering and sorting --- */

struct listed {
    const struct listing *listing;
    const cJSON *row;
};

/* A filter_look at a struct listed. */
static const cJSON *look_listed(const void *row, const char *name) {
    const struct listed *listed = row;
    return listing_look(listed->listing, listed->row, name);
}

bool listing_takes(const struct listing *listing, const struct filter *filter, const cJSON *row) {
    const struct listed listed = {listing, row};
    return filter_takes(filter, look_listed, &listed);
}

void listing_filter(const struct listing *listing, cJSON *rows, const struct filter *filter) {
    cJSON *next;
    for (cJSON *one = rows->child; one != NULL; one = next) {
        next = one->next;
        if (!listing_takes(listing, filter, one))
            cJSON_Delete(cJSON_DetachItemViaPointer(rows, one));
    }
}

struct sorted {
    cJSON *row;
    const cJSON *value;
    size_t place; /* before: sorting is stable */
    bool descending;
};

/* Also of a text that is one: what a matrix key's values are. */
static bool number_of(const cJSON *value, double *number) {
    *number = value->valuedouble;
    return !cJSON_IsString(value) || filter_number(value->valuestring, number);
}

static int compare_texts_and_numbers(const cJSON *a, const cJSON *b) {
    double of_a, of_b;
    bool a_is = number_of(a, &of_a), b_is = number_of(b, &of_b);
    if (a_is && b_is)
        return (of_a > of_b) - (of_a < of_b);
    return a_is || b_is ? b_is - a_is /* numbers first */ : strcmp(a->valuestring, b->valuestring);
}

/* Lists as a dictionary has words. */
static int compare_values(const cJSON *a, const cJSON *b) {
    if (!cJSON_IsArray(a) || !cJSON_IsArray(b))
        return compare_texts_and_numbers(a, b);
    for (a = a->child, b = b->child; a != NULL && b != NULL; a = a->next, b = b->next) {
        int order = compare_texts_and_numbers(a, b);
        if (order != 0)
            return order;
    }
    return (a != NULL) - (b != NULL);
}

static int compare(const void *left, const void *right) {
    const struct sorted *a = left, *b = right;
    int order = (a->value == NULL) - (b->value == NULL);
    if (order == 0 && a->value != NULL)
        order = compare_values(a->value, b->value) * (a->descending ? -1 : 1);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

bool listing_sort(const struct listing *listing, cJSON *rows, const char *name) {
    bool descending = name[0] == '-';
    size_t count = (size_t)cJSON_GetArraySize(rows);
    struct sorted *sorted = calloc(count + 1, sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        cJSON *row = cJSON_DetachItemViaPointer(rows, rows->child);
        sorted[i] =
            (struct sorted){row, listing_look(listing, row, name + descending), i, descending};
    }
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(rows, sorted[i].row);
    free(sorted);
    return true;
}
