#include "coordinator/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool sound(const char *label) {
    if (label == NULL || label[0] == '\0' || strlen(label) > WIRE_LABEL_BYTES_MAX)
        return false;
    for (; *label != '\0'; label++)
        if ((unsigned char)*label < 0x20 || *label == 0x7f)
            return false;
    return true;
}

bool labels_read(const cJSON *array, char text[LABELS_BYTES + 1]) {
    const char *labels[WIRE_LABELS_MAX];
    size_t count = 0, length = 0;
    const cJSON *item;
    text[0] = '\0';
    cJSON_ArrayForEach(item, array) {
        if (count == WIRE_LABELS_MAX || !sound(cJSON_GetStringValue(item)))
            return false;
        labels[count++] = item->valuestring;
    }
    qsort(labels, count, sizeof labels[0], compare);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(labels[i], labels[i - 1]) != 0)
            length += (size_t)snprintf(text + length, LABELS_BYTES + 1 - length, "%s\n", labels[i]);
    return true;
}

cJSON *labels_json(const char *text) {
    cJSON *array = cJSON_CreateArray();
    while (*text != '\0') {
        char label[WIRE_LABEL_BYTES_MAX + 1];
        size_t length = strcspn(text, "\n");
        snprintf(label, sizeof label, "%.*s", (int)length, text);
        cJSON_AddItemToArray(array, cJSON_CreateString(label));
        text += length + (text[length] == '\n');
    }
    return array;
}

bool labels_has(const char *text, const char *label, size_t length) {
    for (; *text != '\0'; text += strcspn(text, "\n") + 1)
        if (strcspn(text, "\n") == length && memcmp(text, label, length) == 0)
            return true;
    return false;
}

const char *labels_missing(const char *there, const char *wanted, size_t *length) {
    for (; *wanted != '\0'; wanted += *length + 1) {
        *length = strcspn(wanted, "\n");
        if (!labels_has(there, wanted, *length))
            return wanted;
    }
    return NULL;
}
