/* safetensors_write: the half of core/safetensors.h that writes files. */
#include "core/safetensors.h"

#include "core/atomic_file.h"
#include "core/text.h"

#include <assert.h>
#include <stdint.h>

enum { ALIGNMENT = 8 };

static void header_entry(struct text *header, const struct tensor *tensor, size_t offset) {
    assert(tensor->rank <= TENSOR_RANK_MAX);
    text_json_string(header, tensor->name);
    text_format(header, ":{\"dtype\":\"%s\",\"shape\":[", tensor_type_name(tensor->type));
    for (size_t i = 0; i < tensor->rank; i++)
        text_format(header, "%s%zu", i == 0 ? "" : ",", tensor->shape[i]);
    text_format(header, "],\"data_offsets\":[%zu,%zu]}", offset, offset + tensor->bytes);
}

/* The header ends in spaces, so that the data begin aligned. */
void safetensors_head(const struct tensor *tensors, size_t count, const struct metadata *metadata,
                      size_t metadata_count, struct text *head) {
    static const char no_length[SAFETENSORS_LENGTH_BYTES];
    size_t offset = 0;
    assert(head->length == 0);
    text_add(head, no_length, sizeof no_length);
    text_add(head, "{", 1);
    for (size_t i = 0; i < metadata_count; i++) {
        text_format(head, "%s", i == 0 ? "\"__metadata__\":{" : ",");
        text_json_string(head, metadata[i].key);
        text_add(head, ":", 1);
        text_json_string(head, metadata[i].value);
    }
    text_format(head, "%s", metadata_count == 0 ? "" : count == 0 ? "}" : "},");
    for (size_t i = 0; i < count; i++) {
        text_format(head, "%s", i == 0 ? "" : ",");
        header_entry(head, &tensors[i], offset);
        offset += tensors[i].bytes;
    }
    text_add(head, "}", 1);
    while (!head->failed && head->length % ALIGNMENT != 0)
        text_add(head, " ", 1);
    for (int i = 0; i < SAFETENSORS_LENGTH_BYTES && !head->failed; i++)
        head->data[i] = (char)((uint64_t)(head->length - SAFETENSORS_LENGTH_BYTES) >> 8 * i);
}

static bool write_data(struct atomic_file *file, const struct tensor *tensors, size_t count,
                       tensor_source *source, void *context, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        const void *data = tensors[i].data;
        if (source != NULL && !source(context, i, &data, error))
            return false;
        if (!atomic_file_write(file, data, tensors[i].bytes, error))
            return false;
    }
    return true;
}

bool safetensors_write(const char *path, const struct tensor *tensors, size_t count,
                       const struct metadata *metadata, size_t metadata_count,
                       struct error *error) {
    return safetensors_write_from(path, tensors, count, metadata, metadata_count, NULL, NULL,
                                  error);
}

bool safetensors_write_from(const char *path, const struct tensor *tensors, size_t count,
                            const struct metadata *metadata, size_t metadata_count,
                            tensor_source *source, void *context, struct error *error) {
    struct text head = {0};
    struct atomic_file file;
    safetensors_head(tensors, count, metadata, metadata_count, &head);
    if (head.failed || head.length - SAFETENSORS_LENGTH_BYTES > SAFETENSORS_HEADER_MAX) {
        bool large = !head.failed;
        text_free(&head);
        return large ? error_set(error, ERROR_FAILED, "%s: the header is too large", path)
                     : error_machine(error, "%s: no memory for the header", path);
    }
    bool ok = atomic_file_begin(path, &file, error);
    if (ok) {
        ok = atomic_file_write(&file, head.data, head.length, error) &&
             write_data(&file, tensors, count, source, context, error);
        if (ok)
            ok = atomic_file_commit(&file, error);
        else
            atomic_file_abandon(&file);
    }
    text_free(&head);
    return ok;
}
