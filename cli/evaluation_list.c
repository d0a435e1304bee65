#include "cli/evaluation_list.h"

#include "cli/metrics_row.h"
#include "compare/source.h"
#include "core/array.h"
#include "core/json.h"

#include <stdlib.h>

static void add_reason(struct table *table, const cJSON *experiment) {
    char *reason = field_unevaluated(experiment);
    table_heading(table, STYLE_DIM, "  %s", reason != NULL ? reason : "not evaluated");
    free(reason);
}

static void add_contender(struct table *table, const struct contender *contender) {
    const cJSON *experiment = contender->experiment;
    char stopped[FIELD_STOPPED_SIZE];
    table_heading(table, STYLE_BOLD, "%.0f %s", field_number(experiment, "id", 0),
                  field_text(experiment, "name", "?"));
    if (contender->keep < 0)
        add_reason(table, experiment);
    else if (field_stopped(stopped, experiment) != NULL)
        table_heading(table, STYLE_DIM, "  %s", stopped);
    for (int i = 0; i < CHECKPOINT_COUNT; i++)
        for (int j = 0; j < SPLIT_COUNT; j++) {
            const cJSON *evaluation = contender->evaluations[i][j];
            if (evaluation == NULL)
                continue;
            table_add_styled(table, i == contender->keep ? STYLE_GOOD : STYLE_PLAIN, "  %s",
                             checkpoint_names[i]);
            table_add(table, "%.0f", field_number(evaluation, "epoch", 0));
            table_add(table, "%s", split_names[j]);
            metrics_row_add(table, evaluation);
        }
}

void evaluation_list_print(const struct contender *contenders, size_t count,
                           const struct screen *screen) {
    static const struct column columns[] = {{"", COLUMN_LEFT},
                                            {"epoch", COLUMN_RIGHT | COLUMN_MINOR},
                                            {"split", COLUMN_LEFT},
                                            METRICS_ROW_COLUMNS};
    struct table table = TABLE_OF(columns);
    for (size_t i = 0; i < count; i++)
        add_contender(&table, &contenders[i]);
    table_print(&table, screen, 0);
    table_free(&table);
}

static void add_row(cJSON *list, const struct contender *contender, int checkpoint, int split) {
    static const char *const copied[] = {"id", "name", "group", "variant", "state", "tags"};
    const cJSON *evaluation = contender->evaluations[checkpoint][split], *value;
    cJSON *row = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        value = cJSON_GetObjectItemCaseSensitive(contender->experiment, copied[i]);
        cJSON_AddItemToObject(row, copied[i], cJSON_Duplicate(value, true));
    }
    cJSON_AddStringToObject(row, "keep", checkpoint == contender->keep ? "yes" : "no");
    cJSON_ArrayForEach(value, evaluation) {
        if (!cJSON_IsObject(value) && !cJSON_IsArray(value))
            cJSON_AddItemToObject(row, value->string, cJSON_Duplicate(value, false));
    }
    cJSON_AddItemToArray(list, row);
}

static cJSON *list_rows(const struct contender *contenders, size_t count) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        for (int checkpoint = 0; checkpoint < CHECKPOINT_COUNT; checkpoint++)
            for (int split = 0; split < SPLIT_COUNT; split++)
                if (contenders[i].evaluations[checkpoint][split] != NULL)
                    add_row(list, &contenders[i], checkpoint, split);
    return list;
}

/* Where an item stands among the ids, which are sorted and have its own. */
static size_t place_of(const cJSON *item, const double *ids, size_t count) {
    double id = field_number(item, "id", 0);
    return array_place(&id, ids, count, sizeof *ids, source_compare_ids);
}

/* Leaves in the array of experiments those that have a row in the list (all, unless `only`), in the
 * order of their first rows; those without one come last. False without memory. */
static bool follow_rows(const cJSON *list, bool only, cJSON *experiments) {
    size_t count;
    double *ids = source_ids(experiments, &count);
    cJSON **there = calloc(count + 1, sizeof *there), *arranged = cJSON_CreateArray(), *one;
    bool good = ids != NULL && there != NULL && arranged != NULL;
    const cJSON *row;
    if (!good)
        goto out;
    cJSON_ArrayForEach(one, experiments) {
        there[place_of(one, ids, count)] = one;
    }
    cJSON_ArrayForEach(row, list) {
        cJSON **place = &there[place_of(row, ids, count)];
        if (*place != NULL)
            cJSON_AddItemToArray(arranged, cJSON_DetachItemViaPointer(experiments, *place));
        *place = NULL;
    }
    if (!only)
        json_move_items(experiments, arranged);
    while (experiments->child != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(experiments, experiments->child));
    json_move_items(arranged, experiments);
out:
    cJSON_Delete(arranged);
    free((void *)there);
    free(ids);
    return good;
}

bool evaluation_list_arrange(struct arrangement *arrangement, cJSON *experiments, cJSON **rows,
                             struct error *error) {
    static const struct usual_column usual[] = {{"id", 0},
                                                {"name", 0},
                                                {"checkpoint", 0},
                                                {"split", 0},
                                                {"epoch", COLUMN_MINOR},
                                                {"accuracy", 0},
                                                {"recall", COLUMN_MINOR_FIRST},
                                                {"precision", COLUMN_MINOR_FIRST},
                                                {"loss", COLUMN_MINOR_FIRST}};
    size_t count;
    *rows = NULL;
    if (!arrangement_given(arrangement))
        return true;
    struct contender *contenders = contenders_make(experiments, &count);
    if (contenders == NULL)
        return error_memory(error);
    *rows = list_rows(contenders, count);
    free(contenders);
    if (!arrangement_check(arrangement, &listing_evaluations, experiments, error) ||
        !arrangement_apply(arrangement, &listing_evaluations, *rows, error))
        return false;
    arrangement_usual(arrangement, usual, sizeof usual / sizeof usual[0]);
    return follow_rows(*rows, arrangement->filter != NULL, experiments) || error_memory(error);
}
