/* assay submit: puts the experiments of files into the coordinator's queue. */
#include "cli/artifact.h"
#include "cli/experiment_file.h"
#include "cli/field.h"
#include "cli/fingerprint.h"
#include "cli/output.h"
#include "cli/rehearsal.h"
#include "cli/remarks.h"
#include "cli/table.h"
#include "cli/watching.h"
#include "cli/whoami.h"
#include "core/machine.h"
#include "core/remark.h"
#include "core/standard.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct submit_options {
    bool wait, has_priority, dry_run;
    long long priority;
    const char *word;       /* --from's; NULL: none */
    long long from;         /* the experiment to go on from, or 0 */
    const char *checkpoint; /* of it: "best", "last", an epoch */
    const char *manifest;   /* of the pictures; NULL: what data.root has */
    const char *on_finish;  /* NULL: none */
    cJSON *tags;            /* for all of them; NULL: none */
    const char *note;       /* the same */
};

enum {
    KEY_WAIT = 'w',
    KEY_PRIORITY = 'p',
    KEY_FROM = 'f',
    KEY_DRY_RUN = 'n',
    KEY_MANIFEST = 'm',
    KEY_ON_FINISH = 'o',
    KEY_TAG = 't',
    KEY_NOTE = 'N',
    EXPERIMENT_MS = 20, /* to check it and write it down, on a machine that has other work */
};

static const struct argp_option options[] = {
    {"wait", KEY_WAIT, NULL, 0,
     "Follow them as watch does until all are finished; exit 4 if one failed or was cancelled", 0},
    {"on-finish", KEY_ON_FINISH, "CMD", 0, "Implies --wait. " HOOK_HELP, 0},
    {"priority", KEY_PRIORITY, "N", 0, "Instead of the file's: higher runs earlier", 0},
    {"from", KEY_FROM, "ID@best|last|N", 0,
     "Go on from that checkpoint of an earlier experiment (its name will do for ID): its weights, "
     "optimizer, learning rate and epochs",
     0},
    {"manifest", KEY_MANIFEST, "FILE", 0,
     "What assay data check --out wrote of the pictures (default: what it left in data.root)", 0},
    {"tag", KEY_TAG, "TAG,...", 0, "Put these on all of them (see assay tag)", 0},
    {"note", KEY_NOTE, "TEXT", 0, "Write this on all of them (see assay note)", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0,
     "Queue nothing: tell the members, what differs between them, and about how long they take", 0},
    {0}};

/* "3@best", "demo/seed=1@2": asked of the coordinator once the files are known to be good. */
static bool read_from(const char *argument, struct submit_options *chosen) {
    const char *at = strrchr(argument, '@');
    if (at == NULL || at == argument || !artifact_which(at + 1))
        return false;
    chosen->word = argument;
    chosen->checkpoint = at + 1;
    return true;
}

/* The id of what --from names. */
static bool find_from(const struct command_input *input, struct submit_options *chosen,
                      struct error *error) {
    struct client client = {0};
    char *word = strndup(chosen->word, (size_t)(chosen->checkpoint - chosen->word) - 1);
    bool good = word != NULL || error_memory(error);
    if (good && !command_id(word, &chosen->from, NULL))
        good = client_open(input, &client, error) &&
               client_resolve_one(&client, word, &chosen->from, error);
    client_close(&client);
    free(word);
    return good;
}

static error_t parse_remark(struct submit_options *chosen, int key, const char *argument,
                            const struct argp_state *state) {
    struct error error = {0};
    if (key == KEY_NOTE && chosen->note != NULL)
        return options_mistake(state, "--note is given twice; assay note writes a second one");
    bool good = key == KEY_TAG ? remarks_take_tags(argument, &chosen->tags, &error)
                               : note_check(argument, &error);
    if (key == KEY_NOTE)
        chosen->note = argument;
    return good ? 0 : options_mistake(state, "%s", error.message);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct submit_options *chosen = state->input;
    switch (key) {
    case KEY_TAG:
    case KEY_NOTE: return parse_remark(chosen, key, argument, state);
    case KEY_WAIT: chosen->wait = true; return 0;
    case KEY_DRY_RUN: chosen->dry_run = true; return 0;
    case KEY_MANIFEST: chosen->manifest = argument; return 0;
    case KEY_ON_FINISH:
        chosen->on_finish = argument;
        chosen->wait = true;
        return 0;
    case KEY_PRIORITY:
        chosen->has_priority = true;
        return options_integer(state, "--priority", argument, -COMMAND_PRIORITY_MOST,
                               COMMAND_PRIORITY_MOST, &chosen->priority);
    case KEY_FROM:
        if (!read_from(argument, chosen))
            return options_mistake(state, "--from takes ID@best, ID@last or ID@EPOCH, not \"%s\"",
                                   argument);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "FILE...",
    .help =
        "Checks experiment files, makes the experiments of their matrix and queues them all or "
        "none. Paths in a file count from its folder (in a pipe, from the current one); the "
        "workers must see them too.\n\n"
        "Where assay data check has left a manifest (in data.root, or --manifest) that is of the "
        "pictures still (by names, sizes and times: no picture is read), the experiments carry "
        "its fingerprint, and a worker whose pictures differ refuses them."
        "\vExamples:\n  assay submit experiments/demo.json --wait\n"
        "  assay submit ablation.json --dry-run\n"
        "  assay submit ablation.json --tag paper --note 'with the cleaned pictures'\n"
        "  assay submit --from 3@last longer.json    # train.epochs raised\n"
        "  assay submit demo.json --on-finish 'echo $ASSAY_NAME $ASSAY_STATE'",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* Makes object[key] absolute, where `object` is the config's section of that name; warns when it is
 * not there: a worker elsewhere may have it. */
static bool make_absolute(const char *file, cJSON *object, const char *section, const char *key,
                          const char **warned, struct error *error) {
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(path))
        return true;
    char *absolute;
    if (!experiment_file_resolve(file, path->valuestring, &absolute, error))
        return false;
    cJSON *value = cJSON_CreateString(absolute);
    free(absolute);
    if (value == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(object, key, value))
        return error_memory(error);
    if (access(value->valuestring, R_OK) != 0 &&
        (*warned == NULL || strcmp(*warned, value->valuestring) != 0)) {
        *warned = value->valuestring;
        standard_complain("%s: warning: %s.%s %s is not on this machine", file, section, key,
                          value->valuestring);
    }
    return true;
}

struct warned {
    const char *root, *weights, *lists[3];
};

static bool make_paths_absolute(const char *file, cJSON *config, struct warned *warned,
                                struct error *error) {
    cJSON *data = cJSON_GetObjectItemCaseSensitive(config, "data");
    cJSON *model = cJSON_GetObjectItemCaseSensitive(config, "model");
    cJSON *files = cJSON_GetObjectItemCaseSensitive(data, "files");
    return make_absolute(file, data, "data", "root", &warned->root, error) &&
           make_absolute(file, files, "data.files", "train", &warned->lists[0], error) &&
           make_absolute(file, files, "data.files", "valid", &warned->lists[1], error) &&
           make_absolute(file, files, "data.files", "test", &warned->lists[2], error) &&
           make_absolute(file, model, "model", "weights", &warned->weights, error);
}

/* Adds the file's experiments, ready to be sent, to `experiments`. 0, or the exit code. */
static int add_file(const char *file, const struct submit_options *chosen, cJSON *experiments) {
    struct members members;
    struct error error = {0};
    struct warned warned = {0};
    struct fingerprint_memory memory = {0};
    int status = experiment_file_read(file, &members, NULL);
    if (status == 0)
        experiment_file_check_name(file, &members);
    for (size_t i = 0; status == 0 && i < members.count; i++) {
        struct member *member = &members.items[i];
        if (chosen->has_priority)
            cJSON_ReplaceItemInObjectCaseSensitive(member->config, "priority",
                                                   cJSON_CreateNumber((double)chosen->priority));
        if (!make_paths_absolute(file, member->config, &warned, &error) ||
            !fingerprint_add(file, chosen->manifest, member, &memory, &error))
            status = command_fail(&error);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", member->name);
        cJSON_AddStringToObject(object, "group", member->group);
        cJSON_AddItemToObject(object, "config", cJSON_Duplicate(member->config, true));
        cJSON_AddItemToObject(object, "variant", cJSON_Duplicate(member->variant, true));
        if (chosen->from > 0) {
            cJSON *from = cJSON_AddObjectToObject(object, "from");
            cJSON_AddNumberToObject(from, "experiment", (double)chosen->from);
            cJSON_AddStringToObject(from, "checkpoint", chosen->checkpoint);
        }
        cJSON_AddItemToArray(experiments, object);
    }
    fingerprint_memory_free(&memory);
    members_free(&members);
    return status;
}

/* All of them as one request, whose key makes sending it twice harmless; NULL without one. */
static cJSON *request_of(const struct submit_options *chosen, const cJSON *experiments,
                         struct error *error) {
    char key[CLIENT_KEY_SIZE], person[WHOAMI_SIZE], host[MACHINE_HOST_SIZE];
    machine_host(host);
    whoami(person); /* the scheduler shares the workers between people */
    if (!client_key(key, error))
        return NULL;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "key", key);
    cJSON_AddStringToObject(body, "person", person);
    cJSON_AddStringToObject(body, "host", host);
    cJSON_AddStringToObject(body, "version", ASSAY_VERSION);
    if (chosen->tags != NULL)
        cJSON_AddItemToObject(body, "tags", cJSON_Duplicate(chosen->tags, true));
    if (chosen->note != NULL)
        cJSON_AddStringToObject(body, "note", chosen->note);
    cJSON_AddItemToObject(body, "experiments", cJSON_Duplicate(experiments, true));
    return body;
}

static bool send_experiments(struct client *client, const struct submit_options *chosen,
                             const cJSON *experiments, cJSON **answer, struct error *error) {
    struct client patient = *client;
    cJSON *body = request_of(chosen, experiments, error);
    patient.timeout_ms += EXPERIMENT_MS * cJSON_GetArraySize(experiments);
    return body != NULL && client_ask(&patient, "submit", body, "submitted", answer, error);
}

/* What submit would be, unless there are more of them than one request takes. */
static int rehearse(const struct command_input *input, const struct submit_options *chosen,
                    const cJSON *experiments) {
    struct error error = {0};
    cJSON *body = request_of(chosen, experiments, &error);
    bool fits = body != NULL && wire_check("submit", body, &error);
    cJSON_Delete(body);
    return fits ? rehearsal_run(input, experiments) : command_fail(&error);
}

/* [{"id", "name", "group"}] */
static cJSON *submitted(const cJSON *experiments, const cJSON *ids) {
    cJSON *document = cJSON_CreateArray();
    for (int i = 0; i < cJSON_GetArraySize(ids); i++) {
        const cJSON *experiment = cJSON_GetArrayItem(experiments, i);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddNumberToObject(object, "id", cJSON_GetArrayItem(ids, i)->valuedouble);
        cJSON_AddStringToObject(object, "name", field_text(experiment, "name", ""));
        cJSON_AddStringToObject(object, "group", field_text(experiment, "group", ""));
        cJSON_AddItemToArray(document, object);
    }
    return document;
}

static void print_submitted(const cJSON *document) {
    static const struct column columns[] = {{"id", COLUMN_RIGHT}, {"experiment", COLUMN_NAME}};
    struct table table = TABLE_OF(columns);
    struct screen screen = screen_of(stdout);
    const cJSON *object;
    cJSON_ArrayForEach(object, document) {
        table_add(&table, "%.0f", field_number(object, "id", 0));
        table_add(&table, "%s", field_text(object, "name", ""));
    }
    table_print(&table, &screen, 0);
    table_free(&table);
    fflush(stdout);
}

static int submit(const struct command_input *input, const struct submit_options *chosen,
                  const cJSON *experiments) {
    struct error error = {0};
    struct client client = {0};
    struct hook *hook;
    cJSON *answer = NULL, *document = NULL;
    int status = 0;
    if (!hook_open(chosen->on_finish, input, true, &hook, &error) ||
        !client_open(input, &client, &error) ||
        !send_experiments(&client, chosen, experiments, &answer, &error)) {
        status = command_fail(&error);
        goto out;
    }
    document = submitted(experiments, field_at(answer, "ids"));
    if (!input->json)
        print_submitted(document);
    else if (!output_json(document))
        status = ERROR_FAILED;
    if (chosen->wait && status == 0) {
        cJSON *selection = cJSON_CreateObject();
        cJSON_AddItemToObject(selection, "ids", cJSON_Duplicate(field_at(answer, "ids"), true));
        status = watching_run(&client, selection, input->json ? NULL : stdout, hook);
    }
out:
    hook_close(hook);
    cJSON_Delete(document);
    cJSON_Delete(answer);
    client_close(&client);
    return status;
}

int command_submit(int argc, char **argv) {
    struct command_input input;
    struct submit_options chosen = {0};
    struct error error = {0};
    cJSON *experiments = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        goto out;
    if (chosen.word != NULL && !find_from(&input, &chosen, &error)) {
        status = command_fail(&error);
        goto out;
    }
    experiments = cJSON_CreateArray();
    for (size_t i = 0; i < input.count; i++) {
        int one = add_file(input.arguments[i], &chosen, experiments);
        status = one > status ? one : status;
    }
    if (status == 0)
        status = (chosen.dry_run ? rehearse : submit)(&input, &chosen, experiments);
out:
    cJSON_Delete(experiments);
    cJSON_Delete(chosen.tags);
    return status;
}
