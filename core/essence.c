#include "core/essence.h"

#include "core/experiment.h"
#include "core/json.h"
#include "core/safetensors.h"
#include "core/shortage.h"

#include <string.h>

/* A copy without the keys that do not change the weights, and with all the defaults. */
static cJSON *essence_of(const cJSON *config) {
    static const char *const other[] = {"name",      "priority", "max_attempts",
                                        "resources", "after",    "stop"};
    cJSON *essence = cJSON_Duplicate(config, true);
    experiment_complete(essence);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(essence, other[i]);
    return essence;
}

bool essence_same(const cJSON *config, const cJSON *other) {
    cJSON *one = essence_of(config), *two = essence_of(other);
    bool same = json_same(one, two);
    cJSON_Delete(one);
    cJSON_Delete(two);
    return same;
}

bool essence_of_file(const char *path, const cJSON *config, struct error *error) {
    struct safetensors *file = NULL;
    if (!safetensors_open_head(path, &file, error))
        return false;
    const char *text = safetensors_metadata(file, "config");
    cJSON *its = text != NULL ? json_parse(text, strlen(text), "config", error) : NULL;
    bool same = cJSON_IsObject(its) && essence_same(config, its);
    if (!same && shortage_in_trees())
        error_memory(error);
    cJSON_Delete(its);
    safetensors_close(file);
    return same;
}
