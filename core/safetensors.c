#include "core/safetensors.h"

#include "core/file.h"
#include "core/json.h"
#include "core/little_endian.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tensor in the order of names. */
struct named {
    const struct tensor *tensor;
};

/* A tensor as the header describes it, and where its data begin among all data. */
struct placed {
    struct tensor tensor;
    size_t begin;
};

struct safetensors {
    void *owned;           /* what the data stand in, or NULL */
    cJSON *header;         /* owns the names and the metadata */
    const cJSON *metadata; /* or NULL */
    struct metadata *metadata_items;
    size_t metadata_count;
    struct tensor *tensors;
    struct named *by_name;
    size_t count;
};

/* A whole number from 0 on that double cannot have rounded: 2^53 may have been one more. */
static bool read_size(const cJSON *value, size_t *size) {
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0) || value->valuedouble >= 0x1p53)
        return false;
    *size = (size_t)value->valuedouble;
    return (double)*size == value->valuedouble;
}

/* Takes a tensor from its entry in the header; returns what is wrong with it, or NULL. */
static const char *read_entry(const cJSON *entry, size_t data_bytes, struct placed *placed) {
    struct tensor *tensor = &placed->tensor;
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
    placed->begin = begin;
    tensor->bytes = bytes;
    return NULL;
}

static int compare_names(const void *a, const void *b) {
    const struct named *left = a, *right = b;
    return strcmp(left->tensor->name, right->tensor->name);
}

static int compare_places(const void *a, const void *b) {
    const struct placed *left = a, *right = b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    if (left->tensor.bytes != right->tensor.bytes)
        return left->tensor.bytes < right->tensor.bytes ? -1 : 1;
    return strcmp(left->tensor.name, right->tensor.name);
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

/* Every byte of the data belongs to exactly one tensor, and every name to one. Sorts the places,
 * and keeps the tensors in their order. */
static bool check_layout(const char *path, struct safetensors *file, struct placed *placed,
                         size_t data_bytes, struct error *error) {
    size_t end = 0;
    qsort(placed, file->count, sizeof *placed, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        const struct tensor *tensor = &placed[i].tensor;
        if (placed[i].begin != end)
            return error_set(error, ERROR_INPUT, "%s: tensor \"%s\" leaves a hole or overlaps",
                             path, tensor->name);
        end += tensor->bytes;
        file->tensors[i] = *tensor;
        file->by_name[i].tensor = &file->tensors[i];
    }
    if (end != data_bytes)
        return error_set(error, ERROR_INPUT, "%s: %zu bytes at the end belong to no tensor", path,
                         data_bytes - end);
    qsort(file->by_name, file->count, sizeof *file->by_name, compare_names);
    for (size_t i = 1; i < file->count; i++) {
        if (compare_names(&file->by_name[i - 1], &file->by_name[i]) == 0)
            return error_set(error, ERROR_INPUT, "%s: two tensors are named \"%s\"", path,
                             file->by_name[i].tensor->name);
    }
    return true;
}

/* What the header says of the tensors; where their data are is left open. */
static bool read_tensors(const char *path, struct safetensors *file, size_t data_bytes,
                         struct error *error) {
    size_t entries = (size_t)cJSON_GetArraySize(file->header);
    struct placed *placed = calloc(entries + 1, sizeof *placed);
    const char *wrong = NULL;
    bool ok = false;
    file->tensors = calloc(entries + 1, sizeof *file->tensors);
    file->by_name = calloc(entries + 1, sizeof *file->by_name);
    if (placed == NULL || file->tensors == NULL || file->by_name == NULL) {
        error_machine(error, "out of memory for %zu tensors", entries);
        goto out;
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, file->header) {
        if (entry == file->metadata)
            continue;
        wrong = read_entry(entry, data_bytes, &placed[file->count++]);
        if (wrong != NULL) {
            error_set(error, ERROR_INPUT, "%s: tensor \"%s\" %s", path, entry->string, wrong);
            goto out;
        }
    }
    ok = check_layout(path, file, placed, data_bytes, error);
out:
    free(placed);
    return ok;
}

static bool read_header(const char *path, struct safetensors *file, const char *text, size_t length,
                        size_t data_bytes, struct error *error) {
    file->header = json_parse(text, length, path, error);
    if (file->header == NULL)
        return false;
    if (!cJSON_IsObject(file->header))
        return error_set(error, ERROR_INPUT, "%s: the header is no JSON object", path);
    return read_metadata(path, file, error) && read_tensors(path, file, data_bytes, error);
}

/* The tensors are in the order of their data, which leave no hole. */
static void point_to(struct safetensors *file, const char *data) {
    for (size_t i = 0; i < file->count; i++) {
        file->tensors[i].data = data;
        data += file->tensors[i].bytes;
    }
}

/* How long the header is, of a file of so many bytes that begins so. */
static bool header_length(const char *path, const void *begin, size_t bytes, size_t *length,
                          struct error *error) {
    uint64_t said = little_endian(begin, SAFETENSORS_LENGTH_BYTES);
    *length = (size_t)said;
    return (said <= SAFETENSORS_HEADER_MAX && said <= bytes - SAFETENSORS_LENGTH_BYTES) ||
           error_set(error, ERROR_INPUT,
                     "%s: is no safetensors file, or is cut short (header of %llu bytes)", path,
                     (unsigned long long)said);
}

/* The header first: all of it holds before memory is taken for the data. */
static bool read_file(int descriptor, const char *path, size_t bytes, bool head_alone,
                      struct safetensors *file, struct error *error) {
    size_t length = 0;
    char *begin = file_piece(descriptor, path, 0, SAFETENSORS_LENGTH_BYTES, error), *text = NULL;
    bool ok = begin != NULL && header_length(path, begin, bytes, &length, error);
    const size_t data_at = SAFETENSORS_LENGTH_BYTES + length, data_bytes = ok ? bytes - data_at : 0;
    if (ok) {
        text = file_piece(descriptor, path, SAFETENSORS_LENGTH_BYTES, length, error);
        ok = text != NULL && read_header(path, file, text, length, data_bytes, error);
    }
    if (ok && !head_alone) {
        file->owned = file_piece(descriptor, path, (int64_t)data_at, data_bytes, error);
        ok = file->owned != NULL;
        if (ok)
            point_to(file, file->owned);
    }
    free(begin);
    free(text);
    return ok;
}

static bool open_file(const char *path, bool head_alone, struct safetensors **file,
                      struct error *error) {
    struct stat status;
    struct safetensors *opened = calloc(1, sizeof *opened);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */
    bool ok = false;
    *file = NULL;
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        error_errno(error, ERROR_INPUT, "%s", path);
    else if (!S_ISREG(status.st_mode) || status.st_size < SAFETENSORS_LENGTH_BYTES)
        error_set(error, ERROR_INPUT, "%s: is no safetensors file (too short, or no plain file)",
                  path);
    else if (opened == NULL)
        error_memory(error);
    else
        ok = read_file(descriptor, path, (size_t)status.st_size, head_alone, opened, error);
    if (descriptor >= 0)
        close(descriptor);
    if (ok)
        *file = opened;
    else
        safetensors_close(opened);
    return ok;
}

bool safetensors_open(const char *path, struct safetensors **file, struct error *error) {
    return open_file(path, false, file, error);
}

bool safetensors_open_head(const char *path, struct safetensors **file, struct error *error) {
    return open_file(path, true, file, error);
}

bool safetensors_adopt(const char *name, void *content, size_t bytes, struct safetensors **file,
                       struct error *error) {
    struct safetensors *opened = calloc(1, sizeof *opened);
    const char *text = (const char *)content + SAFETENSORS_LENGTH_BYTES;
    size_t length;
    *file = NULL;
    if (opened == NULL) {
        free(content);
        return error_memory(error);
    }
    opened->owned = content;
    if (!header_length(name, content, bytes, &length, error) ||
        !read_header(name, opened, text, length, bytes - SAFETENSORS_LENGTH_BYTES - length,
                     error)) {
        safetensors_close(opened);
        return false;
    }
    point_to(opened, text + length);
    *file = opened;
    return true;
}

void safetensors_close(struct safetensors *file) {
    if (file == NULL)
        return;
    free(file->owned);
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
