#include "core/schema_path.h"

#include "core/json.h"
#include "core/schema_branch.h"
#include "core/text.h"
#include "core/words.h"

#include <stdlib.h>
#include <string.h>

/* The property's schema, in the schema itself or in a branch of its oneOf. */
static const cJSON *property_of(const cJSON *root, const cJSON *schema, const char *key) {
    const cJSON *branches = json_member(schema, "oneOf");
    const cJSON *property = json_member(json_member(schema, "properties"), key);
    for (const cJSON *branch = branches != NULL ? branches->child : NULL;
         branch != NULL && property == NULL; branch = branch->next)
        property = property_of(root, schema_resolve(root, branch), key);
    return property;
}

bool schema_path_find(const cJSON *root, const char *path, struct schema_path *found) {
    const cJSON *schema = root;
    *found = (struct schema_path){.text = strdup(path)};
    char *rest = found->text;
    while (rest != NULL && found->count < SCHEMA_PATH_KEYS) {
        char *dot = strchr(rest, '.');
        if (dot != NULL)
            *dot = '\0';
        found->keys[found->count++] = rest;
        const cJSON *property = property_of(root, schema, rest);
        if (property == NULL) {
            if (dot != NULL)
                *dot = '.';
            if (cJSON_IsObject(json_member(schema, "additionalProperties")) && *rest != '\0')
                return true;
            break;
        }
        if (dot == NULL)
            return true;
        schema = schema_resolve(root, property);
        rest = dot + 1;
    }
    schema_path_free(found);
    return false;
}

void schema_path_free(struct schema_path *path) {
    free(path->text);
    *path = (struct schema_path){0};
}

struct paths {
    char **items;
    size_t count;
};

/* Adds the paths of all properties below `schema`, depth first; `prefix` is the way to it. */
static void collect(const cJSON *root, const cJSON *schema, struct text *prefix,
                    struct paths *paths) {
    const cJSON *branches = json_member(schema, "oneOf"),
                *properties = json_member(schema, "properties");
    size_t length = prefix->length;
    for (const cJSON *branch = branches != NULL ? branches->child : NULL; branch != NULL;
         branch = branch->next)
        collect(root, schema_resolve(root, branch), prefix, paths);
    for (const cJSON *one = properties != NULL ? properties->child : NULL; one != NULL;
         one = one->next) {
        text_format(prefix, "%s%s", length > 0 ? "." : "", one->string);
        char **items = reallocarray(paths->items, paths->count + 1, sizeof *items);
        char *path = prefix->data != NULL ? strdup(prefix->data) : NULL;
        if (items != NULL)
            paths->items = items;
        if (items != NULL && path != NULL)
            paths->items[paths->count++] = path;
        else
            free(path);
        collect(root, schema_resolve(root, one), prefix, paths);
        if (prefix->data != NULL)
            prefix->data[prefix->length = length] = '\0';
    }
}

char *schema_path_nearest(const cJSON *root, const char *path) {
    struct text prefix = {0};
    struct paths paths = {0};
    collect(root, root, &prefix, &paths);
    const char *nearest = nearest_word(path, (const char *const *)paths.items, paths.count);
    char *copy = nearest != NULL ? strdup(nearest) : NULL;
    for (size_t i = 0; i < paths.count; i++)
        free(paths.items[i]);
    free(paths.items);
    text_free(&prefix);
    return copy;
}

void schema_path_set(cJSON *object, const struct schema_path *path, cJSON *value) {
    for (size_t i = 0; i + 1 < path->count && cJSON_IsObject(object); i++) {
        cJSON *next = cJSON_GetObjectItemCaseSensitive(object, path->keys[i]);
        if (cJSON_IsNull(next)) { /* as good as not there, and the schema might take it */
            cJSON_DeleteItemFromObjectCaseSensitive(object, path->keys[i]);
            next = NULL;
        }
        object = next != NULL ? next : cJSON_AddObjectToObject(object, path->keys[i]);
    }
    const char *key = path->keys[path->count - 1];
    if (!cJSON_IsObject(object) || value == NULL) {
        cJSON_Delete(value);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    if (!cJSON_AddItemToObject(object, key, value))
        cJSON_Delete(value);
}
