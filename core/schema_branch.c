#include "core/schema_branch.h"

#include "core/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bool has_type(const cJSON *value, const char *type) {
    switch (type[0]) {
    case 'o': return cJSON_IsObject(value);
    case 'a': return cJSON_IsArray(value);
    case 's': return cJSON_IsString(value);
    case 'b': return cJSON_IsBool(value);
    case 'i': return cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble);
    default: return type[1] == 'u' && type[2] == 'm' ? cJSON_IsNumber(value) : cJSON_IsNull(value);
    }
}

bool schema_type_takes(const cJSON *type, const cJSON *value) {
    if (!cJSON_IsArray(type))
        return type == NULL || has_type(value, type->valuestring);
    for (const cJSON *one = type->child; one != NULL; one = one->next)
        if (has_type(value, one->valuestring))
            return true;
    return false;
}

const cJSON *schema_resolve(const cJSON *root, const cJSON *schema) {
    static const char prefix[] = "#/$defs/";
    const cJSON *reference;
    while ((reference = json_member(schema, "$ref")) != NULL) {
        assert(strncmp(reference->valuestring, prefix, strlen(prefix)) == 0);
        schema = json_member(json_member(root, "$defs"), reference->valuestring + strlen(prefix));
        assert(schema != NULL);
    }
    return schema;
}

const cJSON *schema_discriminator(const cJSON *root, const cJSON *branches) {
    const cJSON *property = json_member(schema_resolve(root, branches->child), "properties");
    for (property = property != NULL ? property->child : NULL; property != NULL;
         property = property->next)
        if (json_member(property, "const") != NULL)
            return property;
    return NULL;
}

const char *schema_branch_const(const cJSON *root, const cJSON *branch, const char *key) {
    const cJSON *property =
        json_member(json_member(schema_resolve(root, branch), "properties"), key);
    return cJSON_GetStringValue(json_member(property, "const"));
}

/* The branch whose `const` the object has; a missing one counts as its default. */
static const cJSON *branch_by_const(const cJSON *root, const cJSON *branches, const cJSON *key,
                                    const cJSON *value) {
    const cJSON *chosen = json_member(value, key->string);
    if (chosen == NULL)
        chosen = json_member(key, "default");
    for (const cJSON *branch = branches->child; branch != NULL && cJSON_IsString(chosen);
         branch = branch->next) {
        const char *constant = schema_branch_const(root, branch, key->string);
        if (constant != NULL && strcmp(constant, chosen->valuestring) == 0)
            return branch;
    }
    return NULL;
}

/* The first branch from this one on that takes values of such a type. */
static const cJSON *takes(const cJSON *root, const cJSON *branch, const cJSON *value) {
    while (branch != NULL &&
           !schema_type_takes(json_member(schema_resolve(root, branch), "type"), value))
        branch = branch->next;
    return branch;
}

static size_t count_faults(const cJSON *root, const cJSON *branch, const cJSON *value) {
    struct faults faults = {0};
    schema_check(root, branch, value, "", &faults);
    size_t count = faults.count;
    faults_free(&faults);
    return count;
}

/* The branch of the value's type; of several, the one with the fewest faults. */
static const cJSON *branch_by_type(const cJSON *root, const cJSON *branches, const cJSON *value) {
    const cJSON *best = takes(root, branches->child, value);
    const cJSON *other = best != NULL ? takes(root, best->next, value) : NULL;
    size_t least = other != NULL ? count_faults(root, best, value) : 0;
    for (; other != NULL; other = takes(root, other->next, value)) {
        size_t count = count_faults(root, other, value);
        if (count < least) {
            best = other;
            least = count;
        }
    }
    return best;
}

const cJSON *schema_branch(const cJSON *root, const cJSON *branches, const cJSON *value) {
    const cJSON *key = schema_discriminator(root, branches);
    return key != NULL && cJSON_IsObject(value) ? branch_by_const(root, branches, key, value)
                                                : branch_by_type(root, branches, value);
}
