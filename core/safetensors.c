#include "core/safetensors.h"

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/little_endian.h"
#include "core/text.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };
static const uint64_t header_limit = 100000000; /* the reference implementation's */

/* A tensor in the order of names. */
struct named {
    const struct tensor *tensor;
};

struct safetensors {
    void *map;
    size_t map_bytes;
    cJSON *header;         /* owns the names and the metadata */
    const cJSON *metadata; /* or NULL */
    struct metadata *metadata_items;
    size_t metadata_count;
    struct tensor *tensors;
    struct named *by_name;
    size_t count;
};

/* --- reading --- */

/* A whole number from 0 on that double cannot have rounded: 2^53 may have been one more. */
static bool read_size(const cJSON *value, size_t *size) {
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0) || value->valuedouble >= 0x1p53)
        return false;
    *size = (size_t)value->valuedouble;
    return (double)*size == value->valuedouble;
}

/* Fills the tensor from its entry in the header; returns what is wrong with it, or NULL. */
static const char *read_entry(const cJSON *entry, const char *data, size_t data_bytes,
                              struct tensor *tensor) {
    tensor->name = entry->string;
    if (!cJSON_IsObject(entry) || cJSON_GetArraySize(entry) != 3)
        return "needs exactly dtype, shape and data_offsets";
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
    if (!cJSON_IsString(type) || !tensor_type_find(type->valuestring, &tensor->type))
        return "has an unknown dtype";
    size_t bytes = tensor_type_bytes(tensor->type);
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    if (!cJSON_IsArray(shape))
        return "has no shape";
    const cJSON *side;
    cJSON_ArrayForEach(side, shape) {
        if (tensor->rank == TENSOR_RANK_MAX)
            return "has more than 8 dimensions";
        size_t *length = &tensor->shape[tensor->rank++];
        if (!read_size(side, length))
            return "has a shape that is not made of whole numbers below 2^53";
        if (__builtin_mul_overflow(bytes, *length, &bytes))
            return "is larger than memory can be";
    }
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
    size_t begin, end;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !read_size(offsets->child, &begin) || !read_size(offsets->child->next, &end))
        return "needs two whole numbers as data_offsets";
    if (begin > end || end > data_bytes)
        return "has data_offsets outside the file";
    if (end - begin != bytes)
        return "has data_offsets that do not fit its shape";
    tensor->data = data + begin;
    tensor->bytes = bytes;
    return NULL;
}

static int compare_names(const void *a, const void *b) {
    const struct named *left = a, *right = b;
    return strcmp(left->tensor->name, right->tensor->name);
}

static int compare_data(const void *a, const void *b) {
    const struct tensor *left = a, *right = b;
    if (left->data != right->data)
        return (const char *)left->data < (const char *)right->data ? -1 : 1;
    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* "__metadata__", when there, maps strings to strings. */
static bool read_metadata(const char *path, struct safetensors *file, struct error *error) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->header, "__metadata__");
    file->metadata = metadata;
    if (metadata != NULL && !cJSON_IsObject(metadata))
        return error_set(error, ERROR_INPUT, "%s: __metadata__ is no object", path);
    size_t count = (size_t)cJSON_GetArraySize(metadata);
    file->metadata_items = calloc(count + 1, sizeof *file->metadata_items);
    if (file->metadata_items == NULL)
        return error_memory(error);
    const cJSON *value;
    cJSON_ArrayForEach(value, metadata) {
        if (!cJSON_IsString(value))
            return error_set(error, ERROR_INPUT, "%s: __metadata__ \"%s\" is no string", path,
                             value->string);
        file->metadata_items[file->metadata_count++] =
            (struct metadata){value->string, value->valuestring};
    }
    return true;
}

/* Every byte of the data belongs to exactly one tensor, and every name to one. Sorts the tensors.
 */
static bool check_layout(const char *path, struct safetensors *file, const char *data,
                         size_t data_bytes, struct error *error) {
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_data);
    const char *end = data;
    for (size_t i = 0; i < file->count; i++) {
        const struct tensor *tensor = &file->tensors[i];
        if (tensor->data != end)
            return error_set(error, ERROR_INPUT, "%s: tensor \"%s\" leaves a hole or overlaps",
                             path, tensor->name);
        end += tensor->bytes;
        file->by_name[i].tensor = tensor;
    }
    if (end != data + data_bytes)
        return error_set(error, ERROR_INPUT, "%s: %zu bytes at the end belong to no tensor", path,
                         (size_t)(data + data_bytes - end));
    qsort(file->by_name, file->count, sizeof *file->by_name, compare_names);
    for (size_t i = 1; i < file->count; i++) {
        if (compare_names(&file->by_name[i - 1], &file->by_name[i]) == 0)
            return error_set(error, ERROR_INPUT, "%s: two tensors are named \"%s\"", path,
                             file->by_name[i].tensor->name);
    }
    return true;
}

static bool read_header(const char *path, struct safetensors *file, struct error *error) {
    const unsigned char *bytes = file->map;
    uint64_t length = little_endian(bytes, LENGTH_BYTES);
    if (length > header_limit || length > file->map_bytes - LENGTH_BYTES)
        return error_set(error, ERROR_INPUT,
                         "%s: is no safetensors file, or is cut short (header of %llu bytes)", path,
                         (unsigned long long)length);
    const char *text = (const char *)bytes + LENGTH_BYTES;
    const char *data = text + length;
    size_t data_bytes = file->map_bytes - LENGTH_BYTES - (size_t)length;
    file->header = json_parse(text, (size_t)length, path, error);
    if (file->header == NULL)
        return false;
    if (!cJSON_IsObject(file->header))
        return error_set(error, ERROR_INPUT, "%s: the header is no JSON object", path);
    if (!read_metadata(path, file, error))
        return false;
    size_t entries = (size_t)cJSON_GetArraySize(file->header);
    file->tensors = calloc(entries + 1, sizeof *file->tensors);
    file->by_name = calloc(entries + 1, sizeof *file->by_name);
    if (file->tensors == NULL || file->by_name == NULL)
        return error_machine(error, "out of memory for %zu tensors", entries);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, file->header) {
        if (entry == file->metadata)
            continue;
        const char *wrong = read_entry(entry, data, data_bytes, &file->tensors[file->count++]);
        if (wrong != NULL)
            return error_set(error, ERROR_INPUT, "%s: tensor \"%s\" %s", path, entry->string,
                             wrong);
    }
    return check_layout(path, file, data, data_bytes, error);
}

static bool map_file(const char *path, struct safetensors *file, struct error *error) {
    bool ok = false;
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        error_errno(error, ERROR_INPUT, "%s", path);
        goto out;
    }
    if (!S_ISREG(status.st_mode) || status.st_size < LENGTH_BYTES) {
        error_set(error, ERROR_INPUT, "%s: is no safetensors file (too short, or no plain file)",
                  path);
        goto out;
    }
    file->map_bytes = (size_t)status.st_size;
    file->map = mmap(NULL, file->map_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (file->map == MAP_FAILED) {
        file->map = NULL;
        error_errno(error, ERROR_FAILED, "cannot map %s", path);
        goto out;
    }
    ok = true;
out:
    if (descriptor >= 0)
        close(descriptor);
    return ok;
}

static bool finish_open(const char *path, struct safetensors *opened, struct safetensors **file,
                        struct error *error) {
    if (!read_header(path, opened, error)) {
        safetensors_close(opened);
        return false;
    }
    *file = opened;
    return true;
}

bool safetensors_open(const char *path, struct safetensors **file, struct error *error) {
    struct safetensors *opened = calloc(1, sizeof *opened);
    *file = NULL;
    if (opened == NULL)
        return error_memory(error);
    if (!map_file(path, opened, error)) {
        safetensors_close(opened);
        return false;
    }
    return finish_open(path, opened, file, error);
}

bool safetensors_adopt(const char *name, void *map, size_t bytes, struct safetensors **file,
                       struct error *error) {
    struct safetensors *opened = calloc(1, sizeof *opened);
    *file = NULL;
    if (opened == NULL) {
        munmap(map, bytes);
        return error_memory(error);
    }
    opened->map = map;
    opened->map_bytes = bytes;
    return finish_open(name, opened, file, error);
}

void safetensors_close(struct safetensors *file) {
    if (file == NULL)
        return;
    if (file->map != NULL)
        munmap(file->map, file->map_bytes);
    cJSON_Delete(file->header);
    free(file->metadata_items);
    free(file->tensors);
    free(file->by_name);
    free(file);
}

size_t safetensors_size(const struct safetensors *file) {
    return file->count;
}

const struct tensor *safetensors_at(const struct safetensors *file, size_t index) {
    return &file->tensors[index];
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name) {
    const struct tensor wanted = {.name = name};
    const struct named key = {&wanted};
    const struct named *found =
        bsearch(&key, file->by_name, file->count, sizeof *file->by_name, compare_names);
    return found == NULL ? NULL : found->tensor;
}

/* Their order by name stays what it was. */
bool safetensors_drop_prefix(struct safetensors *file, const char *prefix) {
    size_t length = strlen(prefix);
    for (size_t i = 0; i < file->count; i++)
        if (strncmp(file->tensors[i].name, prefix, length) != 0)
            return false;
    for (size_t i = 0; i < file->count; i++)
        file->tensors[i].name += length;
    return file->count > 0;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file->metadata, key));
}

size_t safetensors_metadata_size(const struct safetensors *file) {
    return file->metadata_count;
}

const struct metadata *safetensors_metadata_at(const struct safetensors *file, size_t index) {
    return &file->metadata_items[index];
}

/* --- writing --- */

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
    static const char no_length[LENGTH_BYTES];
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
    for (int i = 0; i < LENGTH_BYTES && !head->failed; i++)
        head->data[i] = (char)((uint64_t)(head->length - LENGTH_BYTES) >> 8 * i);
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
    if (head.failed || head.length - LENGTH_BYTES > header_limit) {
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
