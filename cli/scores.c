/* assay scores: what a checkpoint said of each picture, for other programs. */
#include "cli/client.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "compare/score_list.h"
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
            return options_mistake(state, "--checkpoint is best or last, not \"%s\"", argument);
        return 0;
    case KEY_SPLIT:
        chosen->split = argument;
        if (strcmp(argument, "valid") != 0 && strcmp(argument, "test") != 0)
            return options_mistake(state, "--split is valid or test, not \"%s\"", argument);
        return 0;
    case ARGP_KEY_END:
        if (chosen->checkpoint == NULL || chosen->split == NULL)
            return options_mistake(state,
                                   "scores needs --checkpoint best|last and --split valid|test");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "ID|NAME",
    .help = "Prints the probability that a checkpoint gave each picture for being of label 1, as "
            "CSV with a line of titles or, with --json, as an array, in the order of the split. A "
            "probability above 0.5 is what TP, FP and the accuracy count as label 1."
            "\vExample:\n  assay scores 3 --checkpoint best --split test > scores.csv",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 1,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* A terminal gets no control characters of names, anything else every byte. */
static void print_csv(const struct score_list *list) {
    const bool terminal = screen_of(stdout).terminal;
    puts("path,class,label,probability");
    for (size_t i = 0; i < list->count; i++) {
        const struct scored_picture *score = &list->items[i];
        struct text text = {0};
        text_csv_field(&text, score->path);
        text_add(&text, ",", 1);
        text_csv_field(&text, score->class);
        text_format(&text, ",%d,%.17g", score->label, score->probability);
        if (terminal && text.data != NULL)
            text_one_line(text.data);
        puts(text_string(&text));
        text_free(&text);
    }
}

static bool print_json(const struct score_list *list) {
    cJSON *document = cJSON_CreateArray();
    for (size_t i = 0; i < list->count; i++) {
        const struct scored_picture *score = &list->items[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "path", score->path);
        cJSON_AddStringToObject(object, "class", score->class);
        cJSON_AddNumberToObject(object, "label", score->label);
        cJSON_AddNumberToObject(object, "probability", score->probability);
        cJSON_AddItemToArray(document, object);
    }
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

static bool fetch(struct client *client, long long id, const struct scores_options *chosen,
                  struct score_list *list, struct error *error) {
    struct source from = client_source(client);
    return score_list_fetch(&from, id, chosen->checkpoint, chosen->split, list, error) &&
           (list->count > 0 ||
            error_set(error, ERROR_INPUT,
                      "experiment %lld has no scores of %s on %s; assay show %lld tells what was "
                      "evaluated",
                      id, chosen->checkpoint, chosen->split, id));
}

int command_scores(int argc, char **argv) {
    struct command_input input;
    struct scores_options chosen = {0};
    struct error error = {0};
    struct client client = {0};
    struct score_list list = {0};
    long long id;
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    if (!client_open(&input, &client, &error) ||
        !client_resolve_one(&client, input.arguments[0], &id, &error)) {
        client_close(&client);
        return command_fail(&error);
    }
    status = 0;
    if (!fetch(&client, id, &chosen, &list, &error))
        status = command_fail(&error);
    else if (!input.json)
        print_csv(&list);
    else if (!print_json(&list))
        status = ERROR_FAILED;
    score_list_free(&list);
    client_close(&client);
    return status;
}
