/* assay weights: what a file of weights or a checkpoint holds. */
#include "cli/artifact.h"
#include "cli/output.h"
#include "cli/table.h"
#include "core/content_sum.h"
#include "core/format.h"
#include "core/pth.h"
#include "core/sha256.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

static const struct command_line line = {
    .arguments = "FILE",
    .help =
        "Lists the tensors of a safetensors or .pth file: name, type, shape, elements and the "
        "beginning of the SHA-256 of their bytes; then sums, and a checkpoint's metadata. The "
        "file's own sum covers names, types, shapes and bytes of all tensors, whatever their order "
        "and the kind of file. --json has all digits and the whole metadata. A checkpoint that is "
        "damaged, by its own checksum, is listed too, and the exit code is 2."
        "\vExamples:\n  assay weights resnet50.pth\n  assay weights --json "
        "checkpoint_best_loss.safetensors",
    .least = 1,
    .most = 1,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static const struct column columns[] = {
    {"tensor", COLUMN_NAME},
    {"type", COLUMN_LEFT},
    {"shape", COLUMN_LEFT},
    {"elements", COLUMN_RIGHT | COLUMN_MINOR},
    {"sha256", COLUMN_LEFT | COLUMN_MINOR_FIRST},
};
enum { DIGITS_SHOWN = 16, METADATA_WIDTH = 60 };

/* --- sums --- */

enum part { PART_PARAMETERS, PART_STATISTICS, PART_OPTIMIZER, PART_COUNT };
static const char *const part_names[PART_COUNT] = {"parameters", "running_statistics", "optimizer"};
static const char *const part_titles[PART_COUNT] = {"parameters", "running statistics",
                                                    "of the optimizer"};

struct sums {
    size_t elements[PART_COUNT], bytes;
    char sha256[SHA256_TEXT_SIZE];
};

static enum part part_of(const char *name) {
    if (strncmp(name, "optimizer.", 10) == 0)
        return PART_OPTIMIZER;
    bool statistics = text_ends(name, ".running_mean") || text_ends(name, ".running_var") ||
                      text_ends(name, ".num_batches_tracked");
    return statistics ? PART_STATISTICS : PART_PARAMETERS;
}

struct entry {
    const struct tensor *tensor;
    char sha256[SHA256_TEXT_SIZE];
};

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->tensor->name, ((const struct entry *)b)->tensor->name);
}

/* One line a tensor, by name: NAME TYPE SHAPE SHA256; the sum of these lines. */
static bool sum_all(struct entry *entries, size_t count, char sha256[SHA256_TEXT_SIZE]) {
    struct text text = {0};
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < count; i++) {
        const struct tensor *tensor = entries[i].tensor;
        text_format(&text, "%s %s ", tensor->name, tensor_type_name(tensor->type));
        tensor_shape_text(tensor->shape, tensor->rank, &text);
        text_format(&text, " %s\n", entries[i].sha256);
    }
    sha256_text(text_string(&text), text.length, sha256);
    bool ok = !text.failed;
    text_free(&text);
    return ok;
}

/* --- one tensor --- */

static void add_row(const struct entry *entry, struct table *table) {
    const struct tensor *tensor = entry->tensor;
    struct text shape = {0};
    tensor_shape_text(tensor->shape, tensor->rank, &shape);
    table_add(table, "%s", tensor->name);
    table_add(table, "%s", tensor_type_name(tensor->type));
    table_add(table, "%s", text_string(&shape));
    table_add(table, "%zu", tensor_count(tensor));
    table_add(table, "%.*s", DIGITS_SHOWN, entry->sha256);
    text_free(&shape);
}

static void add_object(const struct entry *entry, cJSON *array) {
    const struct tensor *tensor = entry->tensor;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", tensor->name);
    cJSON_AddStringToObject(object, "dtype", tensor_type_name(tensor->type));
    cJSON *shape = cJSON_AddArrayToObject(object, "shape");
    for (size_t i = 0; i < tensor->rank; i++)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)tensor->shape[i]));
    cJSON_AddNumberToObject(object, "elements", (double)tensor_count(tensor));
    cJSON_AddNumberToObject(object, "bytes", (double)tensor->bytes);
    cJSON_AddStringToObject(object, "sha256", entry->sha256);
    cJSON_AddItemToArray(array, object);
}

/* Every tensor in the order of the file, and the sums. */
static bool read_tensors(const struct safetensors *file, struct table *table, cJSON *array,
                         struct sums *sums, struct error *error) {
    size_t count = safetensors_size(file);
    struct entry *entries = calloc(count + 1, sizeof *entries);
    bool ok = entries != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        struct entry *entry = &entries[i];
        entry->tensor = safetensors_at(file, i);
        sha256_text(entry->tensor->data, entry->tensor->bytes, entry->sha256);
        sums->elements[part_of(entry->tensor->name)] += tensor_count(entry->tensor);
        sums->bytes += entry->tensor->bytes;
        add_row(entry, table);
        add_object(entry, array);
    }
    ok = ok && sum_all(entries, count, sums->sha256);
    free(entries);
    return ok || error_memory(error);
}

/* --- the file --- */

static void print_sums(const struct safetensors *file, const struct sums *sums) {
    char bytes[FORMAT_SIZE];
    printf("\n%zu tensor%s, %s, sha256 %s\n", safetensors_size(file),
           safetensors_size(file) == 1 ? "" : "s", format_bytes(bytes, sums->bytes), sums->sha256);
    const char *before = "";
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (sums->elements[i] == 0)
            continue;
        printf("%s%zu %s", before, sums->elements[i], part_titles[i]);
        before = ", ";
    }
    puts(*before == '\0' ? "no elements" : "");
}

static void print_metadata(const struct safetensors *file) {
    size_t count = safetensors_metadata_size(file), width = 0;
    for (size_t i = 0; i < count; i++) {
        size_t used = screen_columns(safetensors_metadata_at(file, i)->key);
        width = used > width ? used : width;
    }
    const struct screen screen = screen_of(stdout);
    size_t taken = width + 4, room = METADATA_WIDTH;
    if (screen.width > taken && screen.width - taken < room)
        room = screen.width - taken;
    if (count > 0)
        puts("\nmetadata");
    for (size_t i = 0; i < count; i++) {
        const struct metadata *item = safetensors_metadata_at(file, i);
        fputs("  ", stdout);
        screen_print(stdout, item->key, 0);
        printf("%*s", (int)(width - screen_columns(item->key)) + 2, "");
        screen_print(stdout, item->value, room);
        putchar('\n');
    }
}

/* "damaged" is null where nothing in the file says how it was. */
static cJSON *make_document(const char *path, const struct safetensors *file, bool damaged,
                            const struct sums *sums, cJSON *tensors) {
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "file", path);
    cJSON_AddNumberToObject(document, "count", (double)safetensors_size(file));
    cJSON_AddNumberToObject(document, "bytes", (double)sums->bytes);
    cJSON_AddStringToObject(document, "sha256", sums->sha256);
    cJSON_AddItemToObject(document, "damaged",
                          safetensors_metadata(file, CONTENT_SUM_KEY) != NULL
                              ? cJSON_CreateBool(damaged)
                              : cJSON_CreateNull());
    for (size_t i = 0; i < PART_COUNT; i++)
        cJSON_AddNumberToObject(document, part_names[i], (double)sums->elements[i]);
    cJSON *metadata = cJSON_AddObjectToObject(document, "metadata");
    for (size_t i = 0; i < safetensors_metadata_size(file); i++) {
        const struct metadata *item = safetensors_metadata_at(file, i);
        cJSON_AddStringToObject(metadata, item->key, item->value);
    }
    cJSON_AddItemToObject(document, "tensors", tensors);
    return document;
}

int command_weights(int argc, char **argv) {
    struct command_input input;
    struct table table = TABLE_OF(columns);
    struct safetensors *file = NULL;
    struct sums sums = {0};
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, NULL, &input, &status))
        return status;
    char path[PATH_MAX];
    cJSON *tensors = cJSON_CreateArray();
    if (!artifact_of_word(&input, input.arguments[0], path, &error) ||
        !weights_file_open(path, &file, &error) ||
        !read_tensors(file, &table, tensors, &sums, &error)) {
        status = command_fail(&error);
        goto out;
    }
    bool damaged = !content_sum_check(file, path, &error);
    status = 0;
    if (!input.json) {
        struct screen screen = screen_of(stdout);
        table_print(&table, &screen, 0);
        print_sums(file, &sums);
        print_metadata(file);
    } else {
        cJSON *document = make_document(path, file, damaged, &sums, tensors);
        tensors = NULL;
        status = output_json(document) ? 0 : ERROR_FAILED;
        cJSON_Delete(document);
    }
    if (damaged && status == 0)
        status = command_fail(&error);
out:
    cJSON_Delete(tensors);
    safetensors_close(file);
    table_free(&table);
    return status;
}
