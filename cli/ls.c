/* assay ls: what is queued, running and finished, a line each. */
#include "cli/arrangement.h"
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/table.h"

#include <string.h>

enum { KEY_STATE = 's' };

static const struct argp_option options[] = {
    ARRANGEMENT_OPTIONS(LISTING_COLUMNS),
    {"state", KEY_STATE, "STATE", 0, "Only queued, paused, running, done, failed or cancelled ones",
     0},
    {0}};

struct ls {
    const char *state;
    struct arrangement arrangement;
};

static error_t parse_state(struct ls *ls, const char *argument, const struct argp_state *state) {
    static const char *const states[] = {"queued", "paused", "running",
                                         "done",   "failed", "cancelled"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(states[i], argument) == 0) {
            ls->state = argument;
            return 0;
        }
    return options_mistake(
        state, "there is no state \"%s\"; use queued, paused, running, done, failed or cancelled",
        argument);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct ls *ls = state->input;
    return key == KEY_STATE ? parse_state(ls, argument, state)
                            : arrangement_parse(&ls->arrangement, key, argument, state);
}

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help = "Lists experiments: how far they are, their best epoch so far by validation loss, and "
            "what those that are queued wait for."
            "\vExamples:\n  assay ls demo --state running\n"
            "  assay ls --filter 'accuracy > 0.98 and seed = 1' --sort=-accuracy\n"
            "  assay ls --filter 'tag = paper and state = done'\n"
            "  assay ls --columns id,augmentations,seed,accuracy,recall",
    .options = options,
    .parse = parse,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static bool any_has(const cJSON *experiments, const char *column) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        if (listing_look(&listing_experiments, experiment, column) != NULL)
            return true;
    }
    return false;
}

/* The usual columns, and those that only few have where one does. */
static void choose_columns(struct ls *ls, const cJSON *experiments) {
    static const struct usual_column all[] = {
        {"id", 0},
        {"name", 0},
        {"state", 0},
        {"epoch", COLUMN_MINOR_LAST},
        {"loss", COLUMN_SPARE},
        {"accuracy", COLUMN_MINOR},
        {"age", COLUMN_SPARE},
        {"tags", COLUMN_MINOR_FIRST},
        {"stopped", COLUMN_MINOR_FIRST},
        {"waits", 0},
    };
    enum { ALL = sizeof all / sizeof all[0], RARE = 3 }; /* the last ones */
    struct usual_column usual[ALL];
    size_t count = 0;
    for (size_t i = 0; i < ALL; i++)
        if (i < ALL - RARE || any_has(experiments, all[i].name))
            usual[count++] = all[i];
    arrangement_usual(&ls->arrangement, usual, count);
}

static void print_experiments(const struct ls *ls, const cJSON *experiments) {
    arrangement_print(&ls->arrangement, &listing_experiments, experiments,
                      ls->arrangement.filter != NULL || ls->state != NULL
                          ? "no experiment is like that"
                          : "no experiments; assay submit FILE queues some");
}

static void keep_state(cJSON *experiments, const char *state) {
    cJSON *next;
    for (cJSON *one = experiments->child; one != NULL; one = next) {
        next = one->next;
        if (strcmp(field_text(one, "state", ""), state) != 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(experiments, one));
    }
}

/* Leaves what was asked for, in the order that was asked for. */
static bool arrange(struct ls *ls, struct client *client, cJSON *experiments, struct error *error) {
    listing_age(experiments, client_now_ms(client));
    if (!arrangement_check(&ls->arrangement, &listing_experiments, experiments, error))
        return false;
    if (ls->state != NULL)
        keep_state(experiments, ls->state);
    return arrangement_apply(&ls->arrangement, &listing_experiments, experiments, error);
}

int command_ls(int argc, char **argv) {
    struct command_input input;
    struct ls ls = {0};
    struct error error = {0};
    struct client client = {0};
    cJSON *experiments = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &ls, &input, &status))
        goto out;
    status = 0;
    if (!client_look(&input, "list", &client, &experiments, &error) ||
        !arrange(&ls, &client, experiments, &error))
        status = command_fail(&error);
    else if (input.json)
        status = output_json(experiments) ? 0 : ERROR_FAILED;
    else {
        choose_columns(&ls, experiments);
        print_experiments(&ls, experiments);
    }
out:
    cJSON_Delete(experiments);
    client_close(&client);
    arrangement_free(&ls.arrangement);
    return status;
}
