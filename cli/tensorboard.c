/* assay tensorboard: event files for TensorBoard from the coordinator's history, on any machine. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "core/atomic_file.h"
#include "core/board.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_OUT = 'o' };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "DIR", 0, "Where the files go: a folder an experiment", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    const char **out = state->input;
    switch (key) {
    case KEY_OUT: *out = argument; return 0;
    case ARGP_KEY_END:
        return *out != NULL ? 0 : options_mistake(state, "tensorboard needs --out DIR");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "ID...|GROUP",
    .help = "Writes an event file for each experiment, with its epochs, its results on the test "
            "set and its hparams, so that TensorBoard's HPARAMS page compares an ablation. "
            "loss_train is each epoch's mean here; the file that a worker keeps beside its "
            "checkpoints has every step. Writing again replaces the files."
            "\vExample:\n  assay tensorboard augmentation_ablation --out runs\n"
            "  tensorboard --logdir runs",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* DIR/ID_NAME/events...; the caller frees. */
static char *path_of(const char *out, const cJSON *experiment) {
    char *name = NULL, *path;
    if (asprintf(&name, "%.0f_%s", field_number(experiment, "id", 0),
                 field_text(experiment, "name", "")) < 0)
        return NULL;
    path = board_path(out, name);
    free(name);
    return path;
}

static bool write_events(const char *path, const cJSON *experiment, struct error *error) {
    const cJSON *config = field_at(experiment, "config"), *item;
    struct tensorboard *board = NULL;
    if (!tensorboard_open(path, 0, &board, error))
        return false;
    board_begin(board, config, field_at(experiment, "variant"));
    board_history(board, config, field_at(experiment, "history"), 0);
    cJSON_ArrayForEach(item, field_at(experiment, "evaluations")) board_evaluation(board, item);
    if (field_finished(experiment))
        tensorboard_end(board, !field_failed(experiment));
    bool ok = tensorboard_sync(board, error);
    tensorboard_close(board);
    return ok;
}

/* Under a name that TensorBoard does not look for until it is whole. */
static bool write_board(const char *path, const cJSON *experiment, struct error *error) {
    char *temporary = NULL;
    client_tell_cut(experiment);
    if (asprintf(&temporary, "%.*sunfinished", (int)(strrchr(path, '/') + 1 - path), path) < 0)
        return error_memory(error);
    bool ok =
        write_events(temporary, experiment, error) && atomic_file_adopt(temporary, path, error);
    if (!ok)
        unlink(temporary);
    free(temporary);
    return ok;
}

/* Adds {"id", "name", "path"} to `written`. */
static bool export_one(const char *out, const cJSON *experiment, cJSON *written,
                       struct error *error) {
    char *path = path_of(out, experiment);
    bool ok = path != NULL ? write_board(path, experiment, error) : error_memory(error);
    if (ok) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddNumberToObject(object, "id", field_number(experiment, "id", 0));
        cJSON_AddStringToObject(object, "name", field_text(experiment, "name", ""));
        cJSON_AddStringToObject(object, "path", path);
        cJSON_AddItemToArray(written, object);
    }
    free(path);
    return ok;
}

int command_tensorboard(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    cJSON *experiments = NULL, *written = cJSON_CreateArray();
    const cJSON *item;
    const char *out = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &out, &input, &status))
        goto out;
    /* as they are: a file has the same settings, whoever reads what is printed */
    bool ok = client_take(&input, "show", &client, &experiments, &error);
    cJSON_ArrayForEach(item, experiments) ok = ok && export_one(out, item, written, &error);
    status = 0;
    if (!ok)
        status = command_fail(&error);
    else if (input.json)
        status = output_json(written) ? 0 : ERROR_FAILED;
    else {
        field_clean(written);
        cJSON_ArrayForEach(item, written) puts(field_text(item, "path", ""));
    }
out:
    cJSON_Delete(written);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
