#include "compare/score_list.h"

#include "core/field.h"

#include <stdlib.h>
#include <string.h>

static bool take(struct score_list *list, const cJSON *answer) {
    const cJSON *pictures = field_at(answer, "pictures"), *picture;
    size_t room = list->count + (size_t)cJSON_GetArraySize(pictures);
    struct scored_picture *items = realloc(list->items, (room + 1) * sizeof *items);
    if (items == NULL)
        return false;
    list->items = items;
    cJSON_ArrayForEach(picture, pictures) {
        const cJSON *class =
            cJSON_GetArrayItem(field_at(answer, "classes"), (int)field_number(picture, "class", 0));
        struct scored_picture *score = &items[list->count++];
        *score = (struct scored_picture){.path = strdup(field_text(picture, "path", "?")),
                                         .class = strdup(field_text(class, "name", "?")),
                                         .label = (int)field_number(class, "label", 0),
                                         .probability = field_number(picture, "probability", 0)};
        if (score->path == NULL || score->class == NULL) {
            list->count--;
            free(score->path);
            free(score->class);
            return false;
        }
    }
    return true;
}

bool score_list_fetch(const struct source *source, long long id, const char *checkpoint,
                      const char *split, struct score_list *list, struct error *error) {
    double position = 0;
    bool good;
    *list = (struct score_list){0};
    do {
        cJSON *answer = NULL, *body = cJSON_CreateObject();
        cJSON_AddNumberToObject(body, "id", (double)id);
        cJSON_AddStringToObject(body, "checkpoint", checkpoint);
        cJSON_AddStringToObject(body, "split", split);
        cJSON_AddNumberToObject(body, "position", position);
        if (!source->ask(source->context, "scores", body, "score_list", &answer, error))
            return false;
        const double next = field_number(answer, "next", 0);
        good = (take(list, answer) || error_memory(error)) &&
               source_leads_on("scores", position, next, error);
        position = next;
        cJSON_Delete(answer);
    } while (good && position > 0);
    return good;
}

void score_list_free(struct score_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
        free(list->items[i].class);
    }
    free(list->items);
    *list = (struct score_list){0};
}
