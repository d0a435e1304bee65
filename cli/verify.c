/* assay verify: whether two files of weights or checkpoints are the same, and if not, where. */
#include "cli/artifact.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "core/content_sum.h"
#include "core/json.h"
#include "core/pth.h"
#include "core/shortage.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_TENSORS = 't' };

static const struct argp_option options[] = {
    {"tensors", KEY_TENSORS, NULL, 0, "Compare the tensors alone, not the metadata", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)argument;
    if (key != KEY_TENSORS)
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static const struct command_line line = {
    .arguments = "A B",
    .help =
        "Compares two files of weights or checkpoints (safetensors or .pth): names, types, "
        "shapes and every bit of the tensors, and the metadata but for what no two runs share "
        "(seconds and images per second in the history). Says that they are the same, or "
        "names the first tensor that differs and its first element that does. Exits 0 when "
        "they are the same, 1 when not, 2 when a file cannot be read. ID@best, ID@last and "
        "ID@EPOCH are checkpoints of an experiment."
        "\vExamples:\n  assay verify a/checkpoint_last.safetensors b/checkpoint_last.safetensors"
        "\n  assay verify 7@last 8@last"
        "\n  assay verify --tensors resnet50.pth resnet50.safetensors",
    .options = options,
    .parse = parse,
    .least = 2,
    .most = 2,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* What the comparison found. The lists are JSON arrays: people and programs read the same. */
struct findings {
    size_t tensors, bytes; /* those that are the same */
    cJSON *differing;      /* {name, a, b, ...}, in A's order */
    cJSON *only_a, *only_b, *metadata;
};

/* --- tensors --- */

static void add_sort(cJSON *object, const char *key, const struct tensor *tensor) {
    struct text text = {0};
    text_format(&text, "%s ", tensor_type_name(tensor->type));
    tensor_shape_text(tensor->shape, tensor->rank, &text);
    cJSON_AddStringToObject(object, key, text_string(&text));
    text_free(&text);
}

/* The element's place in each dimension, from 0. */
static cJSON *place_of(const struct tensor *tensor, size_t index) {
    double place[TENSOR_RANK_MAX] = {0};
    for (size_t i = tensor->rank; i-- > 0; index /= tensor->shape[i])
        place[i] = (double)(index % tensor->shape[i]);
    return cJSON_CreateDoubleArray(place, (int)tensor->rank);
}

static void add_elements(cJSON *object, const struct tensor *a, const struct tensor *b,
                         size_t differing, size_t first) {
    char left[TENSOR_ELEMENT_SIZE], right[TENSOR_ELEMENT_SIZE];
    tensor_element_text(a, first, left);
    tensor_element_text(b, first, right);
    if (strcmp(left, right) == 0) { /* two NaNs, say */
        tensor_element_bits(a, first, left);
        tensor_element_bits(b, first, right);
    }
    cJSON_AddItemToObjectCS(object, "place", place_of(a, first));
    cJSON_AddStringToObject(object, "a", left);
    cJSON_AddStringToObject(object, "b", right);
    cJSON_AddNumberToObject(object, "differing", (double)differing);
    cJSON_AddNumberToObject(object, "elements", (double)tensor_count(a));
}

static void compare_tensor(const struct tensor *a, const struct tensor *b,
                           struct findings *findings) {
    bool same_sort = a->type == b->type && tensor_same_shape(a, b);
    size_t first = 0, differing = same_sort ? tensor_difference(a, b, &first) : 0;
    if (same_sort && differing == 0) {
        findings->tensors++;
        findings->bytes += a->bytes;
        return;
    }
    cJSON *object = cJSON_CreateObject();
    if (object == NULL) /* shortage_ever says so */
        return;
    cJSON_AddStringToObject(object, "name", a->name);
    add_sort(object, "sort_a", a);
    add_sort(object, "sort_b", b);
    if (same_sort)
        add_elements(object, a, b, differing, first);
    cJSON_AddItemToArray(findings->differing, object);
}

static void add_name(cJSON *array, const char *name) {
    cJSON_AddItemToArray(array, cJSON_CreateString(name));
}

static void compare_tensors(const struct safetensors *a, const struct safetensors *b,
                            struct findings *findings) {
    for (size_t i = 0; i < safetensors_size(a); i++) {
        const struct tensor *left = safetensors_at(a, i);
        const struct tensor *right = safetensors_find(b, left->name);
        if (right != NULL)
            compare_tensor(left, right, findings);
        else
            add_name(findings->only_a, left->name);
    }
    for (size_t i = 0; i < safetensors_size(b); i++) {
        const struct tensor *right = safetensors_at(b, i);
        if (safetensors_find(a, right->name) == NULL)
            add_name(findings->only_b, right->name);
    }
}

/* --- metadata --- */

/* A checkpoint's history without what a clock told, or NULL when it is no such list. */
static char *timeless(const char *history) {
    cJSON *list = json_parse(history, strlen(history), "history", NULL);
    cJSON *epoch;
    cJSON_ArrayForEach(epoch, list) {
        cJSON_DeleteItemFromObjectCaseSensitive(epoch, "seconds");
        cJSON_DeleteItemFromObjectCaseSensitive(epoch, "images_per_second");
    }
    char *text = list != NULL ? json_text(list) : NULL;
    cJSON_Delete(list);
    return text;
}

/* The sum of the content is another where only what a clock told is. */
static bool same_value(const char *key, const char *a, const char *b) {
    if (strcmp(a, b) == 0 || strcmp(key, CONTENT_SUM_KEY) == 0)
        return true;
    if (strcmp(key, "history") != 0)
        return false;
    char *left = timeless(a), *right = timeless(b);
    bool same = left != NULL && right != NULL && strcmp(left, right) == 0;
    free(left);
    free(right);
    return same;
}

static void compare_metadata(const struct safetensors *a, const struct safetensors *b,
                             struct findings *findings) {
    for (size_t i = 0; i < safetensors_metadata_size(a); i++) {
        const struct metadata *left = safetensors_metadata_at(a, i);
        const char *right = safetensors_metadata(b, left->key);
        if (right == NULL || !same_value(left->key, left->value, right))
            add_name(findings->metadata, left->key);
    }
    for (size_t i = 0; i < safetensors_metadata_size(b); i++) {
        const char *key = safetensors_metadata_at(b, i)->key;
        if (safetensors_metadata(a, key) == NULL)
            add_name(findings->metadata, key);
    }
}

/* False when there was no memory for all of it: what the lists lack would count as the same. */
static bool compare(const struct safetensors *a, const struct safetensors *b, bool tensors_only,
                    struct findings *findings) {
    findings->differing = cJSON_CreateArray();
    findings->only_a = cJSON_CreateArray();
    findings->only_b = cJSON_CreateArray();
    findings->metadata = cJSON_CreateArray();
    if (findings->differing == NULL || findings->only_a == NULL || findings->only_b == NULL ||
        findings->metadata == NULL)
        return false;
    compare_tensors(a, b, findings);
    if (!tensors_only)
        compare_metadata(a, b, findings);
    return !shortage_ever();
}

/* --- telling --- */

static bool is_same(const struct findings *findings) {
    return cJSON_GetArraySize(findings->differing) == 0 &&
           cJSON_GetArraySize(findings->only_a) == 0 && cJSON_GetArraySize(findings->only_b) == 0 &&
           cJSON_GetArraySize(findings->metadata) == 0;
}

static void print_place(const cJSON *place) {
    const cJSON *index;
    putchar('[');
    cJSON_ArrayForEach(index, place) {
        printf("%s%.0f", index == place->child ? "" : ", ", index->valuedouble);
    }
    putchar(']');
}

static void print_first(const cJSON *differing) {
    const cJSON *first = differing->child, *place = json_member(first, "place");
    const char *sort = json_string(first, "sort_a");
    int others = cJSON_GetArraySize(differing) - 1;
    screen_print(stdout, json_string(first, "name"), 0);
    if (place == NULL) {
        printf(" is %s in A and %s in B\n", sort, json_string(first, "sort_b"));
    } else {
        printf(" %s: element ", sort);
        print_place(place);
        printf(" is %s in A and %s in B; %.0f of %.0f elements differ\n", json_string(first, "a"),
               json_string(first, "b"), json_member(first, "differing")->valuedouble,
               json_member(first, "elements")->valuedouble);
    }
    if (others > 0)
        printf("%d other tensor%s differ%s\n", others, others == 1 ? "" : "s",
               others == 1 ? "s" : "");
}

static void print_names(const char *title, const cJSON *names) {
    enum { NAMED_MOST = 8 };
    int count = cJSON_GetArraySize(names);
    if (count == 0)
        return;
    printf("%s: ", title);
    for (int i = 0; i < count && i < NAMED_MOST; i++) {
        fputs(i == 0 ? "" : ", ", stdout);
        screen_print(stdout, cJSON_GetArrayItem(names, i)->valuestring, 0);
    }
    if (count > NAMED_MOST)
        printf(", and %d more", count - NAMED_MOST);
    putchar('\n');
}

static void print_findings(const struct findings *findings) {
    if (is_same(findings)) {
        printf("the same: %zu tensor%s, %zu bytes\n", findings->tensors,
               findings->tensors == 1 ? "" : "s", findings->bytes);
        return;
    }
    if (findings->differing->child != NULL)
        print_first(findings->differing);
    print_names("only in A", findings->only_a);
    print_names("only in B", findings->only_b);
    print_names("metadata that differ", findings->metadata);
    printf("%zu tensor%s the same\n", findings->tensors, findings->tensors == 1 ? " is" : "s are");
}

static bool write_findings(const struct findings *findings) {
    cJSON *document = cJSON_CreateObject();
    cJSON_AddBoolToObject(document, "same", is_same(findings));
    cJSON_AddNumberToObject(document, "tensors", (double)findings->tensors);
    cJSON_AddNumberToObject(document, "bytes", (double)findings->bytes);
    cJSON_AddItemReferenceToObject(document, "differing", findings->differing);
    cJSON_AddItemReferenceToObject(document, "only_in_a", findings->only_a);
    cJSON_AddItemReferenceToObject(document, "only_in_b", findings->only_b);
    cJSON_AddItemReferenceToObject(document, "metadata", findings->metadata);
    bool ok = output_json(document);
    cJSON_Delete(document);
    return ok;
}

int command_verify(int argc, char **argv) {
    struct command_input input;
    struct safetensors *a = NULL, *b = NULL;
    struct findings findings = {0};
    struct error error = {0};
    bool tensors_only = false;
    int status;
    if (!command_parse(&line, argc, argv, &tensors_only, &input, &status))
        return status;
    char paths[2][PATH_MAX];
    if (!artifact_of_word(&input, input.arguments[0], paths[0], &error) ||
        !artifact_of_word(&input, input.arguments[1], paths[1], &error) ||
        !weights_file_open(paths[0], &a, &error) || !weights_file_open(paths[1], &b, &error)) {
        status = command_fail(&error);
        goto out;
    }
    if (!compare(a, b, tensors_only, &findings)) {
        error_memory(&error);
        status = command_fail(&error);
    } else {
        if (!input.json)
            print_findings(&findings);
        bool said = !input.json || write_findings(&findings);
        status = said && is_same(&findings) ? 0 : ERROR_FAILED;
    }
    cJSON_Delete(findings.differing);
    cJSON_Delete(findings.only_a);
    cJSON_Delete(findings.only_b);
    cJSON_Delete(findings.metadata);
out:
    safetensors_close(a);
    safetensors_close(b);
    return status;
}
