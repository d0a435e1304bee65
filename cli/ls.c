/* assay ls: what is queued, running and finished, a line each. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/table.h"
#include "core/clock.h"

#include <string.h>

enum { KEY_STATE = 's' };

static const struct argp_option options[] = {
    {"state", KEY_STATE, "STATE", 0, "Only queued, paused, running, done, failed or cancelled ones",
     0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    static const char *const states[] = {"queued", "paused", "running",
                                         "done",   "failed", "cancelled"};
    if (key != KEY_STATE)
        return ARGP_ERR_UNKNOWN;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(states[i], argument) == 0) {
            *(const char **)state->input = argument;
            return 0;
        }
    return command_mistake(
        state, "there is no state \"%s\"; use queued, paused, running, done, failed or cancelled",
        argument);
}

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help = "Lists experiments: how far they are, their best epoch so far by validation loss, and "
            "what those that are queued wait for."
            "\vExample:\n  assay ls demo --state running",
    .options = options,
    .parse = parse,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static const struct column columns[] = {
    {"id", COLUMN_RIGHT},    {"experiment", COLUMN_ELASTIC}, {"state", COLUMN_LEFT},
    {"epoch", COLUMN_RIGHT}, {"valid loss", COLUMN_RIGHT},   {"accuracy", COLUMN_RIGHT},
    {"age", COLUMN_RIGHT},   {"waits for", COLUMN_LEFT},
};

static bool any_waits(const cJSON *experiments) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        if (field_at(experiment, "waits") != NULL)
            return true;
    }
    return false;
}

static void print_experiments(const cJSON *experiments) {
    struct table table = TABLE_OF(columns);
    struct screen screen = screen_of(stdout);
    double now_ms = (double)clock_unix_ms();
    bool waits = any_waits(experiments);
    const cJSON *experiment;
    if (!waits)
        table.column_count--;
    cJSON_ArrayForEach(experiment, experiments) {
        char text[FORMAT_SIZE];
        const char *state = field_text(experiment, "state", "?");
        bool measured = field_at(experiment, "best") != NULL;
        table_add(&table, "%.0f", field_number(experiment, "id", 0));
        table_add(&table, "%s", field_text(experiment, "name", "?"));
        table_add_styled(&table, screen_state_style(state), "%s", state);
        table_add(&table, "%.0f/%.0f", field_number(experiment, "epochs_done", 0),
                  field_number(experiment, "epochs", 0));
        table_add(&table, "%s", measured ? field_ratio(text, experiment, "best.valid.loss") : "");
        table_add(&table, "%s",
                  measured ? field_ratio(text, experiment, "best.valid.accuracy") : "");
        double age_ms = now_ms - field_number(experiment, "submitted_ms", now_ms);
        table_add(&table, "%s", format_duration(text, age_ms > 0 ? age_ms / 1000 : 0));
        if (waits)
            table_add(&table, "%s", field_text(experiment, "waits", ""));
    }
    if (table.count == 0)
        puts("no experiments; assay submit FILE queues some");
    else
        table_print(&table, &screen, 0);
    table_free(&table);
}

static void keep_state(cJSON *experiments, const char *state) {
    for (int i = cJSON_GetArraySize(experiments) - 1; i >= 0; i--)
        if (strcmp(field_text(cJSON_GetArrayItem(experiments, i), "state", ""), state) != 0)
            cJSON_DeleteItemFromArray(experiments, i);
}

int command_ls(int argc, char **argv) {
    struct command_input input;
    const char *state = NULL;
    struct error error = {0};
    struct client client;
    cJSON *experiments;
    int status;
    if (!command_parse(&line, argc, argv, &state, &input, &status))
        return status;
    if (!client_look(&input, "list", &client, &experiments, &error)) {
        status = command_fail(&error);
        goto out;
    }
    if (state != NULL)
        keep_state(experiments, state);
    status = 0;
    if (!input.json)
        print_experiments(experiments);
    else if (!output_json(experiments))
        status = ERROR_FAILED;
out:
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
