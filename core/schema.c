#include "core/schema.h"

#include "core/json.h"
#include "core/schema_branch.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

/* Made from schema/NAME.schema.json by the build. */
extern const char schema_experiment_json[], schema_messages_json[];

static cJSON *experiment_schema, *messages_schema;

static struct error loading;

static void load(void) {
    experiment_schema = json_parse(schema_experiment_json, strlen(schema_experiment_json),
                                   "experiment.schema.json", &loading);
    messages_schema = json_parse(schema_messages_json, strlen(schema_messages_json),
                                 "messages.schema.json", &loading);
}

/* Of POSIX: ThreadSanitizer does not know C11's. */
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

bool schema_load(struct error *error) {
    pthread_once(&loaded, load);
    if (experiment_schema != NULL && messages_schema != NULL)
        return true;
    *error = loading;
    return false;
}

const cJSON *schema_experiment(void) {
    pthread_once(&loaded, load);
    assert(experiment_schema != NULL); /* main sees to it (schema_load) */
    return experiment_schema;
}

const cJSON *schema_messages(void) {
    pthread_once(&loaded, load);
    assert(messages_schema != NULL);
    return messages_schema;
}

/* --- defaults --- */

/* A default may stand beside a $ref as well as in what it names; the nearer one counts. */
static const cJSON *find_default(const cJSON *root, const cJSON *schema) {
    const cJSON *value = json_member(schema, "default");
    return value != NULL ? value : json_member(schema_resolve(root, schema), "default");
}

static void fill_object(const cJSON *root, const cJSON *schema, cJSON *value) {
    const cJSON *properties = json_member(schema, "properties");
    for (const cJSON *property = properties != NULL ? properties->child : NULL; property != NULL;
         property = property->next) {
        const cJSON *otherwise = find_default(root, property);
        cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(value, property->string);
        if (item == NULL && otherwise != NULL)
            item = cJSON_Duplicate(otherwise, true);
        if (item == NULL)
            continue;
        schema_fill_defaults(root, property, item);
        if (!cJSON_AddItemToObject(value, property->string, item))
            cJSON_Delete(item);
    }
}

void schema_fill_defaults(const cJSON *root, const cJSON *schema, cJSON *value) {
    const cJSON *keyword;
    schema = schema_resolve(root, schema);
    if ((keyword = json_member(schema, "oneOf")) != NULL) {
        schema = schema_branch(root, keyword, value);
        if (schema != NULL)
            schema_fill_defaults(root, schema, value);
    } else if (cJSON_IsObject(value)) {
        fill_object(root, schema, value);
    } else if (cJSON_IsArray(value) && (keyword = json_member(schema, "items")) != NULL) {
        for (cJSON *item = value->child; item != NULL; item = item->next)
            schema_fill_defaults(root, keyword, item);
    }
}
