/* assay validate: checks experiment files and shows what they hold. */
#include "cli/command.h"
#include "cli/experiment_file.h"
#include "cli/output.h"
#include "cli/table.h"
#include "core/json.h"
#include "core/split.h"
#include "core/standard.h"

#include <stdlib.h>

enum { KEY_DATA = 'd' };

static const struct argp_option options[] = {
    {"data", KEY_DATA, NULL, 0,
     "Also list the data folders or read the split files, and count the pictures of each split", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)argument;
    if (key != KEY_DATA)
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static const struct command_line line = {
    .arguments = "FILE...",
    .help =
        "Checks experiment files: every fault is one line on stderr, with its place in the file. "
        "Shows the experiments that the file's matrix makes."
        "\vExamples:\n  assay validate experiments/demo.json\n  assay validate --data --json "
        "my.json",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_JSON};

static const struct column columns[] = {
    {"experiment", COLUMN_NAME},
    {"model", COLUMN_LEFT | COLUMN_MINOR_FIRST},
    {"epochs", COLUMN_RIGHT},
    {"batch", COLUMN_RIGHT | COLUMN_MINOR},
    {"seed", COLUMN_RIGHT | COLUMN_MINOR},
    {"train", COLUMN_RIGHT},
    {"valid", COLUMN_RIGHT},
    {"test", COLUMN_RIGHT},
};
enum { COLUMNS_WITHOUT_DATA = 5 };

static bool count_pictures(const char *file, struct experiment *experiment, struct split *split,
                           struct error *error) {
    return experiment_file_split(file, experiment, split, error) &&
           (split_check_trainable(split, error) || error_context(error, "%s", file));
}

/* Warns of what the split lacks, once a file; adds it to the member's object. */
static void tell_caution(const char *file, const struct member *member, const struct split *split,
                         cJSON *object, bool *warned) {
    char *caution = split_caution(split);
    if (caution == NULL) {
        cJSON_AddNullToObject(object, "warning");
        return;
    }
    cJSON_AddStringToObject(object, "warning", caution);
    if (!*warned)
        standard_complain("%s: warning: %s: %s", file, member->name, caution);
    *warned = true;
    free(caution);
}

/* One member: a row of the table, an object of the array, its epochs added up. */
static bool show_member(const char *file, const struct member *member, bool with_data,
                        struct table *table, cJSON *array, uint64_t *epochs, bool *warned,
                        struct error *error) {
    struct experiment experiment = {0};
    struct split split = {0};
    if (!experiment_decode(member, &experiment, error))
        return false;
    bool good = !with_data || count_pictures(file, &experiment, &split, error);
    if (!good)
        goto out;
    *epochs += experiment.train.epochs;
    table_add(table, "%s", member->name);
    table_add(table, "%s", experiment.model.arch);
    table_add(table, "%u", (unsigned)experiment.train.epochs);
    table_add(table, "%u", (unsigned)experiment.train.batch_size);
    table_add(table, "%llu", (unsigned long long)experiment.train.seed);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", member->name);
    cJSON_AddStringToObject(object, "group", member->group);
    json_put(object, "variant", cJSON_Duplicate(member->variant, true));
    json_put(object, "config", cJSON_Duplicate(member->config, true));
    if (with_data) {
        table_add(table, "%zu", split.train.count);
        table_add(table, "%zu", split.valid.count);
        table_add(table, "%zu", split.test.count);
        cJSON *counts = cJSON_AddObjectToObject(object, "pictures");
        cJSON_AddNumberToObject(counts, "train", (double)split.train.count);
        cJSON_AddNumberToObject(counts, "valid", (double)split.valid.count);
        cJSON_AddNumberToObject(counts, "test", (double)split.test.count);
        tell_caution(file, member, &split, object, warned);
    }
    json_append(array, object);
out:
    split_free(&split);
    experiment_free(&experiment);
    return good;
}

static int validate_file(const char *file, bool with_data, bool json, cJSON *document) {
    struct error error = {0};
    struct members members = {0};
    struct table table = TABLE_OF(columns);
    uint64_t epochs = 0;
    bool warned = false;
    if (!with_data)
        table.column_count = COLUMNS_WITHOUT_DATA;
    cJSON *object = cJSON_CreateObject(), *faults = cJSON_CreateArray(),
          *experiments = cJSON_CreateArray();
    int status = experiment_file_read(file, &members, faults);
    bool good = status == 0;
    if (good)
        experiment_file_check_name(file, &members);
    for (size_t i = 0; good && i < members.count; i++)
        if (!show_member(file, &members.items[i], with_data, &table, experiments, &epochs, &warned,
                         &error)) {
            good = false;
            experiment_file_report(file, &error, faults);
            status = command_fail(&error);
        }
    if (good && !json) {
        struct screen screen = screen_of(stdout);
        printf("%s: valid; %s, %zu experiment%s, %llu epoch%s planned\n", file,
               members.items[0].group, members.count, members.count == 1 ? "" : "s",
               (unsigned long long)epochs, epochs == 1 ? "" : "s");
        table_print(&table, &screen, 2);
    }
    cJSON_AddStringToObject(object, "file", file);
    cJSON_AddBoolToObject(object, "valid", good);
    cJSON_AddNumberToObject(object, "epochs_planned", (double)epochs);
    json_put(object, "experiments", experiments);
    json_put(object, "faults", faults);
    json_append(document, object);
    table_free(&table);
    members_free(&members);
    return status;
}

int command_validate(int argc, char **argv) {
    struct command_input input;
    bool with_data = false;
    int status;
    if (!command_parse(&line, argc, argv, &with_data, &input, &status))
        return status;
    cJSON *document = cJSON_CreateArray();
    status = 0;
    for (size_t i = 0; i < input.count; i++) {
        int one = validate_file(input.arguments[i], with_data, input.json, document);
        status = one > status ? one : status;
    }
    if (input.json && !output_json(document))
        status = ERROR_FAILED;
    cJSON_Delete(document);
    return status;
}
