#include "cli/evaluation_tables.h"

#include "cli/field.h"

#include <stdlib.h>
#include <string.h>

static void print_table(const char *title, struct table *table, const struct screen *screen) {
    if (table->count > 0) {
        printf("\n%s\n", title);
        table_print(table, screen, 0);
    }
    table_free(table);
}

void evaluation_print_ranking(const char *title, const struct column leading[EVALUATION_LEADING],
                              const struct evaluation_row *rows, size_t count,
                              const struct screen *screen) {
    const struct column columns[] = {leading[0],
                                     leading[1],
                                     {"ROC AUC", COLUMN_RIGHT},
                                     {"avg. prec.", COLUMN_RIGHT},
                                     {"EER", COLUMN_RIGHT},
                                     {"threshold", COLUMN_RIGHT},
                                     {"acc. there", COLUMN_RIGHT}};
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

void evaluation_print_classes(const char *title, const struct column leading[EVALUATION_LEADING],
                              const struct evaluation_row *rows, size_t count,
                              const struct screen *screen) {
    size_t column_count = EVALUATION_LEADING;
    struct column *columns = malloc(column_count * sizeof *columns);
    bool good = columns != NULL;
    if (good)
        memcpy(columns, leading, column_count * sizeof *columns);
    for (size_t i = 0; i < count && good; i++)
        good = add_class_columns(rows[i].evaluation, &columns, &column_count);
    if (good) {
        struct table table = {.columns = columns, .column_count = column_count};
        for (size_t i = 0; i < count; i++)
            if (cJSON_GetArraySize(field_at(rows[i].evaluation, "classes")) > 0)
                add_row(&table, &rows[i]);
        print_table(title, &table, screen);
    }
    free(columns);
}
