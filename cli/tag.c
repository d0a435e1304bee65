/* assay tag: puts tags on experiments, takes them off, and lists them. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/remarks.h"
#include "cli/table.h"
#include "cli/whoami.h"

#include <stdlib.h>

enum { KEY_ADD = 'a', KEY_REMOVE = 'r' };

static const struct argp_option options[] = {
    {"add", KEY_ADD, "TAG,...", 0,
     "Put these on; a tag is up to 64 letters, digits and . _ - :", 0},
    {"remove", KEY_REMOVE, "TAG,...", 0, "Take these off where they are", 0},
    {0}};

struct tagging {
    cJSON *add, *remove; /* NULL: none */
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct tagging *tagging = state->input;
    struct error error = {0};
    if (key != KEY_ADD && key != KEY_REMOVE)
        return ARGP_ERR_UNKNOWN;
    return remarks_take_tags(argument, key == KEY_ADD ? &tagging->add : &tagging->remove, &error)
               ? 0
               : options_mistake(state, "%s", error.message);
}

static const struct command_line line = {
    .arguments = "ID...|GROUP",
    .help =
        "Puts tags on experiments, or takes them off, and lists what they have then; with "
        "neither it only lists. An experiment has up to 32 tags. They change nothing that is "
        "trained: everybody sees them, and finds experiments by them (--filter of ls and compare)."
        "\vExamples:\n  assay tag demo --add paper,baseline\n"
        "  assay tag 4 5 --remove todo --add done\n"
        "  assay ls --filter 'tag = paper'\n"
        "  assay compare --filter 'tag = paper'",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* Asks for the change and replaces the experiments by what they are after it. */
static bool change(const struct command_input *input, struct client *client,
                   const struct tagging *tagging, cJSON **experiments, struct error *error) {
    char person[WHOAMI_SIZE];
    cJSON *body = client_ids(*experiments), *selection = NULL, *answer = NULL;
    whoami(person);
    cJSON_AddStringToObject(body, "person", person);
    if (tagging->add != NULL)
        cJSON_AddItemToObject(body, "add", cJSON_Duplicate(tagging->add, true));
    if (tagging->remove != NULL)
        cJSON_AddItemToObject(body, "remove", cJSON_Duplicate(tagging->remove, true));
    cJSON_Delete(*experiments);
    *experiments = NULL;
    if (!client_ask(client, "tag", body, "changed", &answer, error))
        return false;
    cJSON_Delete(answer);
    selection = client_resolve(client, input->arguments, input->count, error);
    if (selection == NULL || !client_experiments(client, "list", selection, experiments, error))
        return false;
    if (!input->json)
        field_clean(*experiments);
    return true;
}

static void print_tags(const cJSON *experiments) {
    static const struct column columns[] = {
        {"id", COLUMN_RIGHT}, {"experiment", COLUMN_NAME}, {"tags", COLUMN_ELASTIC}};
    struct table table = TABLE_OF(columns);
    struct screen screen = screen_of(stdout);
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        char *tags = field_words(experiment, "tags");
        table_add(&table, "%.0f", field_number(experiment, "id", 0));
        table_add(&table, "%s", field_text(experiment, "name", "?"));
        table_add(&table, "%s", tags != NULL ? tags : "");
        free(tags);
    }
    table_print(&table, &screen, 0);
    table_free(&table);
}

int command_tag(int argc, char **argv) {
    struct command_input input;
    struct tagging tagging = {0};
    struct error error = {0};
    struct client client = {0};
    cJSON *experiments = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &tagging, &input, &status))
        goto out;
    bool changing = tagging.add != NULL || tagging.remove != NULL;
    status = 0;
    if (!client_look(&input, "list", &client, &experiments, &error) ||
        (changing && !change(&input, &client, &tagging, &experiments, &error)))
        status = command_fail(&error);
    else if (!input.json)
        print_tags(experiments);
    else if (!remarks_output(experiments, "tags"))
        status = ERROR_FAILED;
out:
    cJSON_Delete(experiments);
    cJSON_Delete(tagging.add);
    cJSON_Delete(tagging.remove);
    client_close(&client);
    return status;
}
