/* assay ls: what is queued, running and finished, a line each. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/table.h"
#include "core/clock.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_STATE = 's', KEY_FILTER = 'f', KEY_COLUMNS = 'c', KEY_SORT = 'o', COLUMNS_MAX = 64 };

static const struct argp_option options[] = {
    {"columns", KEY_COLUMNS, "NAME,...", 0,
     "What to show: " LISTING_COLUMNS ", or a key of the matrix", 0},
    {"filter", KEY_FILTER, "CONDITION", 0,
     "Only those that meet it: columns with = != < <= > >= ~ (contains) !~, and, or, not, brackets",
     0},
    {"sort", KEY_SORT, "NAME", 0, "By this column; -NAME from the highest down", 0},
    {"state", KEY_STATE, "STATE", 0, "Only queued, paused, running, done, failed or cancelled ones",
     0},
    {0}};

struct ls {
    const char *state, *sort;
    struct filter *filter;
    char *names; /* --columns, cut at its commas */
    const char *columns[COLUMNS_MAX];
    size_t column_count;
};

static error_t parse_state(struct ls *ls, const char *argument, const struct argp_state *state) {
    static const char *const states[] = {"queued", "paused", "running",
                                         "done",   "failed", "cancelled"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(states[i], argument) == 0) {
            ls->state = argument;
            return 0;
        }
    return command_mistake(
        state, "there is no state \"%s\"; use queued, paused, running, done, failed or cancelled",
        argument);
}

static error_t parse_columns(struct ls *ls, const char *argument, const struct argp_state *state) {
    char *rest = NULL;
    free(ls->names);
    ls->names = strdup(argument);
    ls->column_count = 0;
    for (char *name = ls->names != NULL ? strtok_r(ls->names, ", ", &rest) : NULL; name != NULL;
         name = strtok_r(NULL, ", ", &rest)) {
        if (ls->column_count == COLUMNS_MAX)
            return command_mistake(state, "--columns takes at most %d names", COLUMNS_MAX);
        ls->columns[ls->column_count++] = name;
    }
    return ls->column_count > 0
               ? 0
               : command_mistake(state, "--columns takes names with commas between them");
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct ls *ls = state->input;
    struct error error = {0};
    switch (key) {
    case KEY_STATE: return parse_state(ls, argument, state);
    case KEY_COLUMNS: return parse_columns(ls, argument, state);
    case KEY_SORT: ls->sort = argument; return 0;
    case KEY_FILTER:
        filter_free(ls->filter);
        return filter_parse(argument, &ls->filter, &error)
                   ? 0
                   : command_mistake(state, "%s", error.message);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help = "Lists experiments: how far they are, their best epoch so far by validation loss, and "
            "what those that are queued wait for."
            "\vExamples:\n  assay ls demo --state running\n"
            "  assay ls --filter 'accuracy > 0.98 and augmentations ~ jitter' --sort=-accuracy\n"
            "  assay ls --columns id,augmentations,seed,accuracy,recall",
    .options = options,
    .parse = parse,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static bool any_has(const cJSON *experiments, const char *column) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        if (listing_look(experiment, column) != NULL)
            return true;
    }
    return false;
}

/* The usual columns, and those that only few have where one does. */
static void choose_columns(struct ls *ls, const cJSON *experiments) {
    static const char *const usual[] = {"id", "name", "state", "epoch", "loss", "accuracy", "age"};
    static const char *const rare[] = {"stopped", "waits"};
    if (ls->column_count > 0)
        return;
    memcpy(ls->columns, usual, sizeof usual);
    ls->column_count = sizeof usual / sizeof usual[0];
    for (size_t i = 0; i < sizeof rare / sizeof rare[0]; i++)
        if (any_has(experiments, rare[i]))
            ls->columns[ls->column_count++] = rare[i];
}

static void print_experiments(const struct ls *ls, const cJSON *experiments) {
    struct column columns[COLUMNS_MAX];
    struct table table = {.columns = columns, .column_count = ls->column_count};
    struct screen screen = screen_of(stdout);
    const cJSON *experiment;
    for (size_t i = 0; i < ls->column_count; i++) {
        const char *name = ls->columns[i];
        columns[i].title = listing_title(name);
        columns[i].kind = listing_is_number(name)     ? COLUMN_RIGHT
                          : strcmp(name, "name") == 0 ? COLUMN_ELASTIC
                                                      : COLUMN_LEFT;
    }
    cJSON_ArrayForEach(experiment, experiments) {
        for (size_t i = 0; i < ls->column_count; i++) {
            char *text = listing_text(experiment, ls->columns[i]);
            table_add_styled(&table, listing_style(experiment, ls->columns[i]), "%s",
                             text != NULL ? text : "");
            free(text);
        }
    }
    if (table.count > 0)
        table_print(&table, &screen, 0);
    else
        puts(ls->filter != NULL || ls->state != NULL ? "no experiment is like that"
                                                     : "no experiments; assay submit FILE queues "
                                                       "some");
    table_free(&table);
}

static void keep_state(cJSON *experiments, const char *state) {
    for (int i = cJSON_GetArraySize(experiments) - 1; i >= 0; i--)
        if (strcmp(field_text(cJSON_GetArrayItem(experiments, i), "state", ""), state) != 0)
            cJSON_DeleteItemFromArray(experiments, i);
}

/* Leaves what was asked for, in the order that was asked for. */
static bool arrange(struct ls *ls, cJSON *experiments, struct error *error) {
    const char *sort = ls->sort != NULL ? ls->sort + (ls->sort[0] == '-') : NULL;
    listing_age(experiments, (double)clock_unix_ms());
    if (!listing_check(experiments, ls->columns, ls->column_count, error) ||
        (sort != NULL && !listing_check(experiments, &sort, 1, error)) ||
        (ls->filter != NULL && !listing_check_filter(experiments, ls->filter, error)))
        return false;
    if (ls->state != NULL)
        keep_state(experiments, ls->state);
    if (ls->filter != NULL)
        listing_filter(experiments, ls->filter);
    return ls->sort == NULL || listing_sort(experiments, ls->sort) ||
           error_set(error, ERROR_FAILED, "out of memory");
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
        !arrange(&ls, experiments, &error))
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
    filter_free(ls.filter);
    free(ls.names);
    return status;
}
