#include "core/field.h"

#include <string.h>

const cJSON *field_at(const cJSON *object, const char *path) {
    char key[64];
    while (object != NULL) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof key)
            return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        object = cJSON_GetObjectItemCaseSensitive(object, key);
        if (path[length] == '\0')
            break;
        path += length + 1;
    }
    return cJSON_IsNull(object) ? NULL : object;
}

double field_number(const cJSON *object, const char *path, double otherwise) {
    const cJSON *value = field_at(object, path);
    return cJSON_IsNumber(value) ? value->valuedouble : otherwise;
}

const char *field_text(const cJSON *object, const char *path, const char *otherwise) {
    const cJSON *value = field_at(object, path);
    return cJSON_IsString(value) ? value->valuestring : otherwise;
}

const char *field_ratio(char text[FORMAT_SIZE], const cJSON *object, const char *path) {
    const cJSON *value = field_at(object, path);
    return format_ratio(text, cJSON_IsNumber(value),
                        cJSON_IsNumber(value) ? value->valuedouble : 0);
}
