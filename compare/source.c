#include "compare/source.h"

#include "core/field.h"
#include "core/json.h"

#include <string.h>

bool source_pages(const struct source *source, const char *question, const cJSON *selection,
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
        after = field_number(answer, "next", 0);
        cJSON_Delete(answer);
    } while (good && after > 0);
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
