/* assay split: writes which picture is trained on, validated on and tested on. */
#include "core/split.h"
#include "cli/command.h"
#include "cli/experiment_file.h"
#include "cli/output.h"
#include "core/file.h"
#include "core/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct split_options {
    const char *out, *member;
};

enum { KEY_OUT = 'o', KEY_MEMBER = 'm' };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "DIR", 0, "The folder to write into; made if it is missing", 0},
    {"member", KEY_MEMBER, "NAME", 0,
     "Which experiment's split, where the file's matrix changes the data", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct split_options *chosen = state->input;
    switch (key) {
    case KEY_OUT: chosen->out = argument; return 0;
    case KEY_MEMBER: chosen->member = argument; return 0;
    case ARGP_KEY_END:
        return chosen->out != NULL ? 0 : options_mistake(state, "split needs --out DIR");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "FILE",
    .help =
        "Writes train.json, valid.json and test.json: the paths (inside data.root) and labels of "
        "the three splits, shuffled as Python's random.seed(seed); random.shuffle(index) does."
        "\vExample:\n  assay split experiments/aug3_v2.json --out splits/",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 1,
    .shared = COMMAND_JSON};

/* What of an experiment a split depends on. */
static const char *const keys[] = {"data", NULL};

static bool write_list(const char *folder, const char *name, const struct split_list *list,
                       cJSON *document, struct error *error) {
    char *path = NULL, *text = split_to_json(list);
    bool good = text != NULL && asprintf(&path, "%s/%s.json", folder, name) >= 0;
    if (!good) {
        path = NULL;
        error_memory(error);
        goto out;
    }
    good = file_write_atomic(path, text, strlen(text), error);
    size_t positive = 0;
    for (size_t i = 0; i < list->count; i++)
        positive += list->items[i].label == 1;
    cJSON *object = cJSON_AddObjectToObject(document, name);
    cJSON_AddStringToObject(object, "file", path);
    cJSON_AddNumberToObject(object, "count", (double)list->count);
    cJSON_AddNumberToObject(object, "label_0", (double)(list->count - positive));
    cJSON_AddNumberToObject(object, "label_1", (double)positive);
out:
    free(path);
    free(text);
    return good;
}

static bool write_split(const char *file, const struct member *member, const char *folder,
                        cJSON *document, struct error *error) {
    struct experiment experiment = {0};
    struct split split = {0};
    if (!experiment_decode(member, &experiment, error))
        return false;
    bool good = experiment_file_split(file, &experiment, &split, error) &&
                folder_make(folder, error) &&
                write_list(folder, "train", &split.train, document, error) &&
                write_list(folder, "valid", &split.valid, document, error) &&
                write_list(folder, "test", &split.test, document, error);
    split_free(&split);
    experiment_free(&experiment);
    return good;
}

static void print_written(const cJSON *document) {
    const cJSON *list;
    cJSON_ArrayForEach(list, document) {
        printf("%s: %.0f pictures (label 0: %.0f, label 1: %.0f)\n",
               cJSON_GetObjectItem(list, "file")->valuestring,
               cJSON_GetObjectItem(list, "count")->valuedouble,
               cJSON_GetObjectItem(list, "label_0")->valuedouble,
               cJSON_GetObjectItem(list, "label_1")->valuedouble);
    }
}

int command_split(int argc, char **argv) {
    struct command_input input;
    struct split_options chosen = {0};
    struct members members;
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    const char *file = input.arguments[0];
    cJSON *document = cJSON_CreateObject();
    status = experiment_file_read(file, &members, NULL);
    if (status != 0)
        goto out;
    const struct member *member =
        experiment_file_choose(file, &members, chosen.member, keys, &error);
    if (member == NULL || !write_split(file, member, chosen.out, document, &error)) {
        status = command_fail(&error);
        goto out;
    }
    status = output_whole() && (!input.json || output_json(document)) ? 0 : ERROR_FAILED;
    if (status == 0 && !input.json)
        print_written(document);
out:
    members_free(&members);
    cJSON_Delete(document);
    return status;
}
