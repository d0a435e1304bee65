/* assay predict: the probability of label 1 for pictures, by a checkpoint, on this machine. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/run_program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_BATCH = 'b', KEY_THREADS = 't', KEY_OUT = 'o', KEY_BACKEND = 'B' };

/* The worker program checks them. */
struct predict_options {
    const char *batch, *threads, *out, *backend;
};

static const struct argp_option options[] = {
    {"batch", KEY_BATCH, "N", 0, "Pictures at once (default: 32)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads that read pictures (default: the cores)", 0},
    {"out", KEY_OUT, "FILE", 0, "Where the scores go (default: stdout)", 0},
    {"backend", KEY_BACKEND, "auto|cpu|cuda", 0, "What computes (default: auto)", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct predict_options *chosen = state->input;
    switch (key) {
    case KEY_BATCH: chosen->batch = argument; return 0;
    case KEY_THREADS: chosen->threads = argument; return 0;
    case KEY_OUT: chosen->out = argument; return 0;
    case KEY_BACKEND: chosen->backend = argument; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "CHECKPOINT IMAGE|FOLDER...",
    .help =
        "Scores pictures: the probability of label 1 (real) of each, and the label that it makes "
        "(1 above 0.5). CHECKPOINT is a checkpoint file, whose own config says how pictures are "
        "prepared, or ID@best, ID@last or ID@EPOCH of an experiment whose file is on this "
        "machine. Folders are searched to the bottom, their pictures in order of their paths. "
        "CSV with the columns path, probability and predicted, or a JSON array. A picture that "
        "cannot be read is said on stderr, the others are scored, and the exit code is 1."
        "\vExamples:\n  assay predict checkpoint_best_loss.safetensors face.png more/ --out s.csv\n"
        "  assay predict 3@best faces/ --json",
    .options = options,
    .parse = parse,
    .least = 2,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* The file of the checkpoint `which` ("best", "last", an epoch) of the experiment, into `path`. */
static bool find_file(const cJSON *experiment, const char *which, char path[PATH_MAX],
                      struct error *error) {
    const cJSON *checkpoint;
    double id = field_number(experiment, "id", 0);
    cJSON_ArrayForEach(checkpoint, field_at(experiment, "checkpoints")) {
        char epoch[32];
        snprintf(epoch, sizeof epoch, "%.0f", field_number(checkpoint, "epoch", 0));
        if (strcmp(field_text(checkpoint, "kind", ""), which) != 0 && strcmp(epoch, which) != 0)
            continue;
        snprintf(path, PATH_MAX, "%s", field_text(checkpoint, "path", ""));
        return access(path, R_OK) == 0 ||
               error_set(error, ERROR_FAILED,
                         "the checkpoint %s is on %s and cannot be read here; run assay predict "
                         "there, or name a copy of the file",
                         path, field_text(checkpoint, "host", "?"));
    }
    return error_set(error, ERROR_INPUT,
                     "experiment %.0f has no checkpoint %s; assay show %.0f lists those it has", id,
                     which, id);
}

/* A file as it is; ID@WHICH by asking the coordinator. */
static bool resolve(const struct command_input *input, char path[PATH_MAX], struct error *error) {
    const char *named = input->arguments[0], *at = strchr(named, '@');
    char *id = at != NULL ? strndup(named, (size_t)(at - named)) : NULL;
    long long number;
    bool ok = true;
    snprintf(path, PATH_MAX, "%s", named);
    if (id != NULL && access(named, F_OK) != 0 && command_id(id, &number, NULL)) {
        struct command_input one = *input;
        struct client client = {0};
        cJSON *experiments = NULL;
        one.arguments = &id;
        one.count = 1;
        ok = client_look(&one, "show", &client, &experiments, error) &&
             find_file(experiments->child, at + 1, path, error);
        cJSON_Delete(experiments);
        client_close(&client);
    }
    free(id);
    return ok;
}

int command_predict(int argc, char **argv) {
    struct command_input input;
    struct predict_options chosen = {0};
    struct error error = {0};
    char path[PATH_MAX];
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    if (!resolve(&input, path, &error))
        return command_fail(&error);
    const struct {
        const char *name, *value;
    } passed[] = {{"--checkpoint", path},
                  {"--batch", chosen.batch},
                  {"--threads", chosen.threads},
                  {"--out", chosen.out},
                  {"--backend", chosen.backend}};
    char **arguments = calloc(input.count + 16, sizeof *arguments);
    size_t count = 0;
    if (arguments == NULL)
        return command_fail(&(struct error){.code = ERROR_FAILED, .message = "out of memory"});
    arguments[count++] = "assay-worker";
    arguments[count++] = "predict";
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        if (passed[i].value == NULL)
            continue;
        arguments[count++] = (char *)(uintptr_t)passed[i].name;
        arguments[count++] = (char *)(uintptr_t)passed[i].value;
    }
    if (input.json)
        arguments[count++] = "--json";
    arguments[count++] = "--";
    for (size_t i = 1; i < input.count; i++)
        arguments[count++] = input.arguments[i];
    status = program_run("assay-worker", arguments);
    free(arguments);
    return status;
}
