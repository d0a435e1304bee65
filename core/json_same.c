#include "core/json.h"

#include <string.h>

static bool same_members(const cJSON *a, const cJSON *b) {
    const cJSON *one;
    if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b))
        return false;
    cJSON_ArrayForEach(one, a) {
        if (!json_same(one, json_member(b, one->string)))
            return false;
    }
    return true;
}

static bool same_items(const cJSON *a, const cJSON *b) {
    const cJSON *one = a->child, *other = b->child;
    while (one != NULL && other != NULL && json_same(one, other)) {
        one = one->next;
        other = other->next;
    }
    return one == NULL && other == NULL;
}

bool json_same(const cJSON *a, const cJSON *b) {
    if (cJSON_IsObject(a) && cJSON_IsObject(b))
        return same_members(a, b);
    if (cJSON_IsArray(a) && cJSON_IsArray(b))
        return same_items(a, b);
    if (cJSON_IsNumber(a) && cJSON_IsNumber(b))
        return a->valuedouble <= b->valuedouble && a->valuedouble >= b->valuedouble;
    if (cJSON_IsString(a) && cJSON_IsString(b))
        return strcmp(a->valuestring, b->valuestring) == 0;
    return (cJSON_IsNull(a) && cJSON_IsNull(b)) || (cJSON_IsTrue(a) && cJSON_IsTrue(b)) ||
           (cJSON_IsFalse(a) && cJSON_IsFalse(b));
}
