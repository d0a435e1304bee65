/* assay note: writes notes on experiments, erases them, and lists them. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/remarks.h"
#include "cli/whoami.h"
#include "core/remark.h"

enum { KEY_REMOVE = 'r' };

static const struct argp_option options[] = {
    {"remove", KEY_REMOVE, "N", 0, "Erase the note of that number of one experiment", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    long long *number = state->input;
    if (key != KEY_REMOVE)
        return ARGP_ERR_UNKNOWN;
    if (options_number(argument, 1, INT32_MAX, number))
        return 0;
    return options_mistake(state, "--remove takes the number of a note, not \"%s\"", argument);
}

static const struct command_line line = {
    .arguments = "ID...|GROUP [TEXT]",
    .help = "Writes a note on experiments, with its time and your name; without TEXT it lists the "
            "notes that there are. TEXT is the last word, unless that is the id of an experiment; "
            "it has up to 4096 bytes and any number of lines. show, report and export have the "
            "notes too."
            "\vExamples:\n  assay note 4 'loss is flat from epoch 30 on: rate too low?'\n"
            "  assay note demo 'with the first, mislabelled pictures'\n"
            "  assay note 4\n  assay note 4 --remove 1\n"
            "  assay note 4 -- '-0.3 % against the baseline'    # a text that begins with -",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* Takes the text off the arguments; NULL when they only name experiments. */
static const char *take_text(struct command_input *input) {
    const char *last = input->arguments[input->count - 1];
    long long id;
    if (input->count < 2 || command_id(last, &id, NULL))
        return NULL;
    input->count--;
    return last;
}

/* --- list --- */

static void print_notes(const cJSON *experiments) {
    struct screen screen = screen_of(stdout);
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        const cJSON *notes = field_at(experiment, "notes");
        printf("%s%.0f %s%s%s\n", screen_on(&screen, STYLE_BOLD), field_number(experiment, "id", 0),
               field_text(experiment, "name", "?"), screen_off(&screen, STYLE_BOLD),
               cJSON_GetArraySize(notes) > 0 ? "" : ": no notes");
        remarks_print_notes(notes, &screen, 2);
    }
}

static bool list(const struct command_input *input, struct client *client, bool *printed,
                 struct error *error) {
    cJSON *experiments = NULL;
    bool good = client_look(input, "show", client, &experiments, error);
    if (good && input->json)
        *printed = remarks_output(experiments, "notes");
    else if (good)
        print_notes(experiments);
    cJSON_Delete(experiments);
    return good;
}

/* --- write and erase --- */

static bool ask_note(struct client *client, const cJSON *experiments, const char *text,
                     cJSON **answer, struct error *error) {
    char key[CLIENT_KEY_SIZE], person[WHOAMI_SIZE];
    if (!client_key(key, error))
        return false;
    cJSON *body = client_ids(experiments);
    whoami(person);
    cJSON_AddStringToObject(body, "person", person);
    cJSON_AddStringToObject(body, "key", key);
    cJSON_AddStringToObject(body, "text", text);
    return client_ask(client, "note", body, "noted", answer, error);
}

static bool write_note(const struct command_input *input, struct client *client, const char *text,
                       bool *printed, struct error *error) {
    cJSON *experiments = NULL, *answer = NULL;
    const cJSON *experiment;
    bool good = note_check(text, error) &&
                client_look(input, "list", client, &experiments, error) &&
                ask_note(client, experiments, text, &answer, error);
    const cJSON *noted = field_at(answer, "notes"), *note = noted != NULL ? noted->child : NULL;
    if (good && input->json)
        *printed = output_json(noted);
    else if (good)
        cJSON_ArrayForEach(experiment, experiments) {
            printf("%.0f %s: note %.0f\n", field_number(experiment, "id", 0),
                   field_text(experiment, "name", "?"), field_number(note, "number", 0));
            note = note != NULL ? note->next : NULL;
        }
    cJSON_Delete(answer);
    cJSON_Delete(experiments);
    return good;
}

static bool erase(const struct command_input *input, struct client *client, long long number,
                  bool *printed, struct error *error) {
    cJSON *experiments = NULL, *answer = NULL;
    char person[WHOAMI_SIZE];
    long long id;
    bool good = client_look_one(input, "list", client, &id, &experiments, error);
    if (good) {
        cJSON *body = cJSON_CreateObject();
        whoami(person);
        cJSON_AddNumberToObject(body, "id", (double)id);
        cJSON_AddNumberToObject(body, "number", (double)number);
        cJSON_AddStringToObject(body, "person", person);
        good = client_ask(client, "erase", body, "changed", &answer, error);
    }
    field_clean(experiments);
    if (good && input->json)
        *printed = output_json(answer);
    else if (good)
        printf("%lld %s: note %lld %s\n", id, field_text(experiments->child, "name", "?"), number,
               cJSON_GetArraySize(field_at(answer, "ids")) > 0 ? "erased" : "was erased before");
    cJSON_Delete(answer);
    cJSON_Delete(experiments);
    return good;
}

int command_note(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    long long number = 0;
    bool good, printed = true;
    int status;
    if (!command_parse(&line, argc, argv, &number, &input, &status))
        return status;
    const char *text = take_text(&input);
    if (number == 0)
        good = text != NULL ? write_note(&input, &client, text, &printed, &error)
                            : list(&input, &client, &printed, &error);
    else if (text != NULL || input.count > 1)
        good = error_set(&error, ERROR_INPUT,
                         "--remove erases the note of one experiment: assay note ID --remove %lld",
                         number);
    else
        good = erase(&input, &client, number, &printed, &error);
    status = !good ? command_fail(&error) : printed ? 0 : ERROR_FAILED;
    client_close(&client);
    return status;
}
