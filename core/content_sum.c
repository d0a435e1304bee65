#include "core/content_sum.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <string.h>

static uint32_t sum_of(const char *name, const void *data, size_t bytes) {
    return libdeflate_crc32(libdeflate_crc32(0, name, strlen(name) + 1), data, bytes);
}

static uint32_t sum_metadata(const struct metadata *item) {
    bool itself = strcmp(item->key, CONTENT_SUM_KEY) == 0;
    return itself ? 0 : sum_of(item->key, item->value, strlen(item->value));
}

static uint32_t sum_tensor(const struct tensor *tensor) {
    return sum_of(tensor->name, tensor->data, tensor->bytes);
}

static void text_of(uint32_t sum, char text[static CONTENT_SUM_SIZE]) {
    snprintf(text, CONTENT_SUM_SIZE, "%08" PRIx32, sum);
}

void content_sum_text(const struct metadata *metadata, size_t metadata_count,
                      const struct tensor *tensors, size_t count,
                      char text[static CONTENT_SUM_SIZE]) {
    uint32_t sum = 0;
    for (size_t i = 0; i < metadata_count; i++)
        sum += sum_metadata(&metadata[i]);
    for (size_t i = 0; i < count; i++)
        sum += sum_tensor(&tensors[i]);
    text_of(sum, text);
}

bool content_sum_check(const struct safetensors *file, const char *path, struct error *error) {
    const char *said = safetensors_metadata(file, CONTENT_SUM_KEY);
    char found[CONTENT_SUM_SIZE];
    uint32_t sum = 0;
    if (said == NULL)
        return true;
    for (size_t i = 0; i < safetensors_metadata_size(file); i++)
        sum += sum_metadata(safetensors_metadata_at(file, i));
    for (size_t i = 0; i < safetensors_size(file); i++)
        sum += sum_tensor(safetensors_at(file, i));
    text_of(sum, found);
    return strcmp(found, said) == 0 ||
           error_set(error, ERROR_INPUT,
                     "%s: is damaged: its content has the checksum %s and was written with %s; "
                     "use another copy of it",
                     path, found, said);
}
