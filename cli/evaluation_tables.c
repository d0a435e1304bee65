#include "cli/evaluation_tables.h"

#include "cli/field.h"
#include "core/shortage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_table(const char *title, struct table *table, const struct screen *screen) {
    table_print_titled(table, screen, title);
    table_free(table);
}

void evaluation_print_ranking(const char *title, const struct column leading[EVALUATION_LEADING],
                              const struct evaluation_row *rows, size_t count,
                              const struct screen *screen) {
    const struct column columns[] = {leading[0],
                                     leading[1],
                                     {"ROC AUC", COLUMN_RIGHT},
                                     {"avg. prec.", COLUMN_RIGHT | COLUMN_MINOR_LAST},
                                     {"EER", COLUMN_RIGHT | COLUMN_MINOR_LAST},
                                     {"threshold", COLUMN_RIGHT | COLUMN_MINOR},
                                     {"acc. there", COLUMN_RIGHT | COLUMN_MINOR}};
    static const char *const paths[] = {"roc_auc", "average_precision", "equal_error_rate",
                                        "threshold", "at_threshold.accuracy"};
    struct table table = TABLE_OF(columns);
    for (size_t i = 0; i < count; i++) {
        if (cJSON_GetArraySize(field_at(rows[i].evaluation, "classes")) == 0)
            continue;
        table_add(&table, "%s", rows[i].first);
        table_add(&table, "%s", rows[i].second);
        for (size_t j = 0; j < sizeof paths / sizeof paths[0]; j++) {
            char text[FORMAT_SIZE];
            table_add(&table, "%s", field_ratio(text, rows[i].evaluation, paths[j]));
        }
    }
    print_table(title, &table, screen);
}

static const cJSON *class_find(const cJSON *evaluation, const char *name) {
    const cJSON *class;
    cJSON_ArrayForEach(class, field_at(evaluation, "classes")) {
        if (strcmp(field_text(class, "name", ""), name) == 0)
            return class;
    }
    return NULL;
}

/* Adds a column for each class that there is none for yet, with its name. */
static bool add_class_columns(const cJSON *evaluation, struct column **columns, size_t *count) {
    const cJSON *class;
    cJSON_ArrayForEach(class, field_at(evaluation, "classes")) {
        const char *name = field_text(class, "name", "");
        size_t i = EVALUATION_LEADING;
        while (i < *count && strcmp((*columns)[i].title, name) != 0)
            i++;
        if (i < *count)
            continue;
        struct column *more = realloc(*columns, (*count + 1) * sizeof *more);
        if (more == NULL)
            return false;
        more[(*count)++] = (struct column){name, COLUMN_RIGHT};
        *columns = more;
    }
    return true;
}

static double missed(const cJSON *class) {
    return field_number(class, "pictures", 0) - field_number(class, "correct", 0);
}

static double missed_part(const cJSON *class) {
    double pictures = field_number(class, "pictures", 0);
    return pictures > 0 ? missed(class) / pictures : 0;
}

static void add_row(struct table *table, const struct evaluation_row *row) {
    double worst = 0;
    const cJSON *class;
    cJSON_ArrayForEach(class, field_at(row->evaluation, "classes")) {
        worst = missed_part(class) > worst ? missed_part(class) : worst;
    }
    table_add(table, "%s", row->first);
    table_add(table, "%s", row->second);
    for (size_t i = EVALUATION_LEADING; i < table->column_count; i++) {
        class = class_find(row->evaluation, table->columns[i].title);
        double part = missed_part(class);
        if (field_number(class, "pictures", 0) > 0)
            table_add_styled(table, part > 0 && part >= worst ? STYLE_BAD : STYLE_PLAIN,
                             "%.0f/%.0f %5.1f%%", missed(class), field_number(class, "pictures", 0),
                             100 * part);
        else
            table_add(table, "n/a");
    }
}

/* The columns that a class takes, with what parts it from the one before it. */
static size_t class_columns(const char *name, const struct evaluation_row *rows, size_t count) {
    size_t columns = screen_columns(name);
    for (size_t i = 0; i < count; i++) {
        double pictures = field_number(class_find(rows[i].evaluation, name), "pictures", 0);
        int length = snprintf(NULL, 0, "%.0f/%.0f 100.0%%", pictures, pictures);
        columns = (size_t)length > columns ? (size_t)length : columns;
    }
    return columns + 2;
}

/* How many of the classes from `first` on stand beside each other on the screen: one at least, and
 * beside them at least the beginning of a name. */
static size_t classes_that_fit(const struct column *classes, size_t class_count,
                               const struct evaluation_row *rows, size_t count,
                               const struct screen *screen) {
    enum { LEADING_MIN = 20 };
    size_t taken = LEADING_MIN, fit = 0;
    while (fit < class_count) {
        taken += class_columns(classes[fit].title, rows, count);
        if (fit > 0 && screen->width > 0 && taken > screen->width)
            break;
        fit++;
    }
    return fit;
}

/* The classes that stand beside each other. */
static void print_classes(const char *title, const struct column *columns, size_t column_count,
                          const struct evaluation_row *rows, size_t count,
                          const struct screen *screen) {
    struct table table = {.columns = columns, .column_count = column_count};
    for (size_t i = 0; i < count; i++)
        if (cJSON_GetArraySize(field_at(rows[i].evaluation, "classes")) > 0)
            add_row(&table, &rows[i]);
    print_table(title, &table, screen);
}

void evaluation_print_classes(const char *title, const struct column leading[EVALUATION_LEADING],
                              const struct evaluation_row *rows, size_t count,
                              const struct screen *screen) {
    size_t column_count = EVALUATION_LEADING;
    struct column *columns = malloc(column_count * sizeof *columns);
    bool good = columns != NULL;
    for (size_t i = 0; i < count && good; i++)
        good = add_class_columns(rows[i].evaluation, &columns, &column_count);
    for (size_t first = EVALUATION_LEADING, fit; first < column_count && good; first += fit) {
        /* over the classes that have been printed */
        struct column *part = columns + first - EVALUATION_LEADING;
        memcpy(part, leading, EVALUATION_LEADING * sizeof *part);
        fit = classes_that_fit(columns + first, column_count - first, rows, count, screen);
        print_classes(first == EVALUATION_LEADING ? title : NULL, part, EVALUATION_LEADING + fit,
                      rows, count, screen);
    }
    if (!good)
        shortage_note();
    free(columns);
}
