/* assay scores: what a checkpoint said of each picture, for other programs. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "core/text.h"

#include <string.h>

struct scores_options {
    const char *checkpoint, *split;
};

enum { KEY_CHECKPOINT = 'c', KEY_SPLIT = 's' };

static const struct argp_option options[] = {
    {"checkpoint", KEY_CHECKPOINT, "best|last", 0, "Lowest validation loss, or last epoch", 0},
    {"split", KEY_SPLIT, "valid|test", 0, "Which part of the data", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct scores_options *chosen = state->input;
    switch (key) {
    case KEY_CHECKPOINT:
        chosen->checkpoint = argument;
        if (strcmp(argument, "best") != 0 && strcmp(argument, "last") != 0)
            return command_mistake(state, "--checkpoint is best or last, not \"%s\"", argument);
        return 0;
    case KEY_SPLIT:
        chosen->split = argument;
        if (strcmp(argument, "valid") != 0 && strcmp(argument, "test") != 0)
            return command_mistake(state, "--split is valid or test, not \"%s\"", argument);
        return 0;
    case ARGP_KEY_END:
        if (chosen->checkpoint == NULL || chosen->split == NULL)
            return command_mistake(state,
                                   "scores needs --checkpoint best|last and --split valid|test");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "ID",
    .help = "Prints the probability that a checkpoint gave each picture for being of label 1, as "
            "CSV with a line of titles or, with --json, as an array, in the order of the split. A "
            "probability above 0.5 is what TP, FP and the accuracy count as label 1."
            "\vExample:\n  assay scores 3 --checkpoint best --split test > scores.csv",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 1,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static bool ask(struct client *client, long long id, const struct scores_options *chosen,
                double position, cJSON **answer, struct error *error) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "id", (double)id);
    cJSON_AddStringToObject(body, "checkpoint", chosen->checkpoint);
    cJSON_AddStringToObject(body, "split", chosen->split);
    cJSON_AddNumberToObject(body, "position", position);
    return client_ask(client, "scores", body, "score_list", answer, error);
}

static void print_csv(const char *path, const char *class, double label, double probability) {
    struct text text = {0};
    text_csv_field(&text, path);
    text_add(&text, ",", 1);
    text_csv_field(&text, class);
    text_format(&text, ",%.0f,%.17g", label, probability);
    puts(text_string(&text));
    text_free(&text);
}

/* Prints a page or, for JSON, collects it. Returns how many pictures were on it. */
static size_t take_page(const cJSON *answer, cJSON *document) {
    const cJSON *picture;
    size_t count = 0;
    cJSON_ArrayForEach(picture, field_at(answer, "pictures")) {
        const cJSON *class =
            cJSON_GetArrayItem(field_at(answer, "classes"), (int)field_number(picture, "class", 0));
        const char *path = field_text(picture, "path", "?"), *name = field_text(class, "name", "?");
        double label = field_number(class, "label", 0);
        double probability = field_number(picture, "probability", 0);
        count++;
        if (document == NULL) {
            print_csv(path, name, label, probability);
            continue;
        }
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "path", path);
        cJSON_AddStringToObject(object, "class", name);
        cJSON_AddNumberToObject(object, "label", label);
        cJSON_AddNumberToObject(object, "probability", probability);
        cJSON_AddItemToArray(document, object);
    }
    return count;
}

static bool read_scores(struct client *client, long long id, const struct scores_options *chosen,
                        cJSON *document, struct error *error) {
    double position = 0;
    size_t count = 0;
    do {
        cJSON *answer = NULL;
        if (!ask(client, id, chosen, position, &answer, error))
            return false;
        if (position <= 0 && document == NULL && field_at(answer, "pictures")->child != NULL)
            puts("path,class,label,probability");
        count += take_page(answer, document);
        position = field_number(answer, "next", 0);
        cJSON_Delete(answer);
    } while (position > 0);
    return count > 0 ||
           error_set(error, ERROR_INPUT,
                     "experiment %lld has no scores of %s on %s; assay show %lld tells what was "
                     "evaluated",
                     id, chosen->checkpoint, chosen->split, id);
}

int command_scores(int argc, char **argv) {
    struct command_input input;
    struct scores_options chosen = {0};
    struct error error = {0};
    struct client client = {0};
    long long id;
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    if (!command_id(input.arguments[0], &id, &error) || !client_open(&input, &client, &error))
        return command_fail(&error);
    cJSON *document = input.json ? cJSON_CreateArray() : NULL;
    if (!read_scores(&client, id, &chosen, document, &error))
        status = command_fail(&error);
    else
        status = input.json && !output_json(document) ? ERROR_FAILED : 0;
    cJSON_Delete(document);
    client_close(&client);
    return status;
}
