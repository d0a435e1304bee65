#include "compare/source.h"

#include "core/field.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

int source_compare_ids(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

double *source_ids(const cJSON *items, size_t *count) {
    double *ids = calloc((size_t)cJSON_GetArraySize(items) + 1, sizeof *ids);
    const cJSON *item;
    *count = 0;
    if (ids == NULL)
        return NULL;
    cJSON_ArrayForEach(item, items) {
        ids[(*count)++] = cJSON_IsNumber(item) ? item->valuedouble : field_number(item, "id", 0);
    }
    qsort(ids, *count, sizeof *ids, source_compare_ids);
    size_t once = 0;
    for (size_t i = 0; i < *count; i++)
        if (i == 0 || ids[i] > ids[once - 1])
            ids[once++] = ids[i];
    *count = once;
    return ids;
}

bool source_leads_on(const char *question, double before, double next, struct error *error) {
    return next <= 0 || next > before ||
           error_set(error, ERROR_FAILED, "the coordinator answers %s with the same page again",
                     question);
}

static bool ask_pages(const struct source *source, const char *question, const cJSON *selection,
                      source_page *take, void *context, struct error *error) {
    const char *expected = strcmp(question, "show") == 0 ? "details" : "experiments";
    double after = 0;
    bool good;
    do {
        cJSON *answer = NULL, *body = cJSON_Duplicate(selection, true);
        if (after > 0)
            cJSON_AddNumberToObject(body, "after", after);
        good = source->ask(source->context, question, body, expected, &answer, error) &&
               take(context, cJSON_GetObjectItemCaseSensitive(answer, "experiments"), error);
        double next = field_number(answer, "next", 0);
        good = good && source_leads_on(question, after, next, error);
        after = next;
        cJSON_Delete(answer);
    } while (good && after > 0);
    return good;
}

/* Every page of an answer is asked for with all the ids, so of many only some at a time: else ten
 * thousand would be looked up a hundred times. */
bool source_pages(const struct source *source, const char *question, const cJSON *selection,
                  source_page *take, void *context, struct error *error) {
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(selection, "ids");
    if (cJSON_GetArraySize(all) <= SOURCE_IDS)
        return ask_pages(source, question, selection, take, context, error);
    size_t count;
    double *ids = source_ids(all, &count);
    cJSON *part = cJSON_Duplicate(selection, true);
    bool good = (ids != NULL && part != NULL) || error_memory(error);
    for (size_t from = 0; good && from < count; from += SOURCE_IDS) {
        size_t length = count - from < SOURCE_IDS ? count - from : SOURCE_IDS;
        cJSON *some = cJSON_CreateDoubleArray(ids + from, (int)length);
        good = (some != NULL && cJSON_ReplaceItemInObjectCaseSensitive(part, "ids", some)) ||
               error_memory(error);
        good = good && ask_pages(source, question, part, take, context, error);
    }
    cJSON_Delete(part);
    free(ids);
    return good;
}

static bool keep_page(void *all, cJSON *page, struct error *error) {
    (void)error;
    json_move_items(page, all);
    return true;
}

cJSON *source_experiments(const struct source *source, const char *question, const cJSON *selection,
                          struct error *error) {
    cJSON *all = cJSON_CreateArray();
    if (source_pages(source, question, selection, keep_page, all, error))
        return all;
    cJSON_Delete(all);
    return NULL;
}
