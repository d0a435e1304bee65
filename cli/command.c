#include "cli/command.h"

#include "cli/description.h"
#include "core/options.h"
#include "core/standard.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 5 /* unless --timeout says */

enum { KEY_CONNECT = 0x1000, KEY_JSON, KEY_TIMEOUT, KEY_KEY, KEY_SERVER_KEY };

static const struct argp_option connect_options[] = {
    {"connect", KEY_CONNECT, "ENDPOINT", 0,
     "The coordinator (default: ASSAY_CONNECT, else " DEALER_ENDPOINT ")", 0},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0,
     "Seconds to wait for the coordinator (default: " OPTIONS_TEXT(TIMEOUT_S) ")", 0},
    {"key", KEY_KEY, "FILE", 0, DEALER_KEY_HELP, 0},
    {"server-key", KEY_SERVER_KEY, "KEY|FILE", 0, DEALER_SERVER_KEY_HELP, 0},
    {0}};
static const struct argp_option json_option[] = {
    {"json", KEY_JSON, NULL, 0, "One JSON document on stdout", 0}, {0}};
static const struct argp_option help_option[] = {OPTIONS_HELP, {0}};

enum { OPTIONS_MOST = 32 }; /* of one command, with those of all and the empty one at the end */

/* One command_parse. (argp keeps a hook for each argp of its own, so there is one argp, and parse()
 * hands on what is the command's.) */
struct parsing {
    const struct command_line *line;
    struct command_input *input;
    void *options;
    struct argp_option known[OPTIONS_MOST]; /* every option, ours and the command's */
    size_t count;
    int apart; /* arguments behind those that getopt sees */
};

static error_t count_arguments(const struct parsing *parsing, const struct argp_state *state) {
    const struct command_line *line = parsing->line;
    size_t count = parsing->input->count;
    if (count < line->least)
        return options_mistake(state, "%s needs %s", state->name, line->arguments);
    if (count > line->most)
        return options_mistake(state, "%s has an argument too many: %s", state->name,
                               parsing->input->arguments[line->most]);
    for (size_t i = 0; i < count; i++)
        if (parsing->input->arguments[i][0] == '\0')
            return options_mistake(state, "an argument is empty; %s needs %s", state->name,
                                   line->arguments);
    return 0;
}

static error_t hand_on(const struct parsing *parsing, int key, char *argument,
                       struct argp_state *state) {
    if (parsing->line->parse == NULL)
        return ARGP_ERR_UNKNOWN;
    state->input = parsing->options;
    return parsing->line->parse(key, argument, state);
}

static error_t parse_timeout(const char *argument, const struct argp_state *state,
                             int *timeout_ms) {
    long long seconds;
    if (!options_number(argument, 1, 3600, &seconds))
        return options_mistake(state, "--timeout takes 1 to 3600 seconds, not \"%s\"", argument);
    *timeout_ms = (int)seconds * 1000;
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    switch (key) {
    case KEY_CONNECT: parsing->input->connect = argument; return 0;
    case KEY_KEY: parsing->input->keys.key = argument; return 0;
    case KEY_SERVER_KEY: parsing->input->keys.server = argument; return 0;
    case KEY_TIMEOUT: return parse_timeout(argument, state, &parsing->input->timeout_ms);
    case KEY_JSON: parsing->input->json = true; return 0;
    case ARGP_KEY_ARGS:
        parsing->input->arguments = state->argv + state->next;
        parsing->input->count = (size_t)(state->argc - state->next) + (size_t)parsing->apart;
        return 0;
    case ARGP_KEY_END:
        if (count_arguments(parsing, state) != 0)
            return EINVAL;
        return hand_on(parsing, key, argument, state);
    default: return hand_on(parsing, key, argument, state);
    }
}

/* NULL is none. */
static void add_rows(struct parsing *parsing, const struct argp_option *rows) {
    for (; rows != NULL && rows->name != NULL; rows++) {
        assert(parsing->count + 1 < OPTIONS_MOST);
        parsing->known[parsing->count++] = *rows;
    }
}

static void add_options(struct parsing *parsing) {
    const struct command_line *line = parsing->line;
    add_rows(parsing, line->options);
    if (line->shared & COMMAND_CONNECT)
        add_rows(parsing, connect_options);
    if (line->shared & COMMAND_JSON)
        add_rows(parsing, json_option);
    add_rows(parsing, help_option);
}

static bool awaits_value(const struct parsing *parsing, const char *word) {
    const struct argp_option *option =
        strncmp(word, "--", 2) == 0 ? options_long(parsing->known, word + 2) : NULL;
    return option != NULL && option->arg != NULL && strchr(word, '=') == NULL;
}

/* Negative numbers are options to getopt: they go to the end of argv, and it sees so many words
 * less. Returns how many. */
static int set_apart(const struct parsing *parsing, int argc, char **argv) {
    long long number;
    int apart = 0;
    for (int i = 1; i < argc - apart && strcmp(argv[i], "--") != 0;) {
        char *word = argv[i];
        if (awaits_value(parsing, argv[i - 1]) || !options_number(word, LLONG_MIN, -1, &number)) {
            i++;
            continue;
        }
        memmove(&argv[i], &argv[i + 1], (size_t)(argc - i - 1) * sizeof *argv);
        argv[argc - 1] = word;
        apart++;
    }
    return apart;
}

bool command_parse(const struct command_line *line, int argc, char **argv, void *options,
                   struct command_input *input, int *status) {
    const char *environment = getenv("ASSAY_CONNECT");
    bool named = environment != NULL && environment[0] != '\0';
    *input = (struct command_input){.connect = named ? environment : DEALER_ENDPOINT,
                                    .keys = dealer_keys_default(),
                                    .timeout_ms = TIMEOUT_S * 1000};
    struct parsing parsing = {.line = line, .input = input, .options = options};
    char title[64];
    add_options(&parsing);
    *status = 0;
    if (description_heard(line, parsing.known, parsing.count))
        return false;
    const struct argp argp = {
        .options = parsing.known, .parser = parse, .args_doc = line->arguments, .doc = line->help};
    if (line->shared & COMMAND_NEGATIVE)
        parsing.apart = set_apart(&parsing, argc, argv);
    snprintf(title, sizeof title, "assay %s", argv[0]);
    return options_parse(&argp, title, argc - parsing.apart, argv, &parsing, status);
}

bool command_id(const char *text, long long *id, struct error *error) {
    const long long most = (1LL << 53) - 1; /* what a JSON number holds exactly */
    if (options_number(text, 1, most, id))
        return true;
    return error_set(error, ERROR_INPUT, "\"%s\" is no id of an experiment; assay ls lists them",
                     text);
}

int command_fail(const struct error *error) {
    standard_complain("%s", error->message);
    return error->code == ERROR_NONE ? ERROR_FAILED : (int)error->code;
}
