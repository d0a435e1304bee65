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

enum { OPTIONS_MOST = 32 }; /* of one command, with those of all and the empty one at the end */

/* One command_parse: state->hook of every parser. (argp keeps a hook for each argp of its own, so
 * there is one argp, and parse() hands on what is the command's.) */
struct parsing {
    struct options_said said; /* where options_mistake looks */
    const struct command_line *line;
    struct command_input *input;
    void *options;
    struct argp_option known[OPTIONS_MOST]; /* every option, ours and the command's */
    size_t count;
    int apart; /* arguments behind those that getopt sees */
    bool help;
};

static error_t count_arguments(const struct argp_state *state, size_t count) {
    const struct parsing *parsing = state->hook;
    const struct command_line *line = parsing->line;
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

static error_t hand_on(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->hook;
    if (parsing->line->parse == NULL)
        return ARGP_ERR_UNKNOWN;
    state->input = parsing->options;
    error_t code = parsing->line->parse(key, argument, state);
    state->input = parsing;
    return code;
}

static error_t parse_timeout(const char *argument, const struct argp_state *state,
                             int *timeout_ms) {
    long long seconds;
    if (!command_number(argument, 1, 3600, &seconds))
        return options_mistake(state, "--timeout takes 1 to 3600 seconds, not \"%s\"", argument);
    *timeout_ms = (int)seconds * 1000;
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    state->hook = parsing;
    if (options_empty(state, parsing->known, key, argument) != 0)
        return EINVAL;
    switch (key) {
    case 'h': parsing->help = true; return 0;
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
        if (parsing->help)
            return 0;
        if (count_arguments(state, parsing->input->count) != 0)
            return EINVAL;
        return hand_on(key, argument, state);
    case ARGP_KEY_ERROR: return parsing->help ? 0 : options_refused(state);
    default: return hand_on(key, argument, state);
    }
}

static void add_option(struct parsing *parsing, const char *name, int key, const char *argument,
                       const char *help) {
    assert(parsing->count + 1 < OPTIONS_MOST);
    parsing->known[parsing->count++] =
        (struct argp_option){.name = name, .key = key, .arg = argument, .doc = help};
}

static void add_options(struct parsing *parsing) {
    const struct command_line *line = parsing->line;
    for (const struct argp_option *own = line->options; own != NULL && own->name != NULL; own++)
        add_option(parsing, own->name, own->key, own->arg, own->doc);
    if (line->shared & COMMAND_CONNECT) {
        add_option(parsing, "connect", KEY_CONNECT, "ENDPOINT",
                   "The coordinator (default: ASSAY_CONNECT, else " DEALER_ENDPOINT ")");
        add_option(parsing, "timeout", KEY_TIMEOUT, "SECONDS",
                   "Seconds to wait for the coordinator (default: " OPTIONS_TEXT(TIMEOUT_S) ")");
        add_option(parsing, "key", KEY_KEY, "FILE", DEALER_KEY_HELP);
        add_option(parsing, "server-key", KEY_SERVER_KEY, "KEY|FILE", DEALER_SERVER_KEY_HELP);
    }
    if (line->shared & COMMAND_JSON)
        add_option(parsing, "json", KEY_JSON, NULL, "One JSON document on stdout");
    add_option(parsing, "help", 'h', NULL, "Show this help");
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
        if (awaits_value(parsing, argv[i - 1]) || !command_number(word, LLONG_MIN, -1, &number)) {
            i++;
            continue;
        }
        memmove(&argv[i], &argv[i + 1], (size_t)(argc - i - 1) * sizeof *argv);
        argv[argc - 1] = word;
        apart++;
    }
    return apart;
}

static void show_help(const struct argp *argp, const char *command) {
    char name[64];
    snprintf(name, sizeof name, "assay %s", command);
    setenv("ARGP_HELP_FMT", "no-dup-args-note,short-opt-col=2,long-opt-col=6,opt-doc-col=30", 0);
    argp_help(argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
}

bool command_parse(const struct command_line *line, int argc, char **argv, void *options,
                   struct command_input *input, int *status) {
    const char *environment = getenv("ASSAY_CONNECT");
    bool named = environment != NULL && environment[0] != '\0';
    *input = (struct command_input){.connect = named ? environment : DEALER_ENDPOINT,
                                    .keys = dealer_keys_default(),
                                    .timeout_ms = TIMEOUT_S * 1000};
    struct parsing parsing = {
        .said.before = "assay ", .line = line, .input = input, .options = options};
    add_options(&parsing);
    *status = 0;
    if (description_heard(line, parsing.known, parsing.count))
        return false;
    const struct argp argp = {
        .options = parsing.known, .parser = parse, .args_doc = line->arguments, .doc = line->help};
    if (line->shared & COMMAND_NEGATIVE)
        parsing.apart = set_apart(&parsing, argc, argv);
    error_t code = argp_parse(&argp, argc - parsing.apart, argv,
                              ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_NO_EXIT, NULL, &parsing);
    bool help = parsing.help && !parsing.said.mistaken;
    if (help)
        show_help(&argp, argv[0]);
    *status = help ? 0 : ERROR_INPUT;
    return code == 0 && !parsing.help;
}

bool command_number(const char *text, long long low, long long high, long long *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < low || number > high ||
        strspn(text, "-0123456789") != strlen(text))
        return false;
    *value = number;
    return true;
}

bool command_id(const char *text, long long *id, struct error *error) {
    const long long most = (1LL << 53) - 1; /* what a JSON number holds exactly */
    if (command_number(text, 1, most, id))
        return true;
    return error_set(error, ERROR_INPUT, "\"%s\" is no id of an experiment; assay ls lists them",
                     text);
}

int command_fail(const struct error *error) {
    standard_complain("%s", error->message);
    return error->code == ERROR_NONE ? ERROR_FAILED : (int)error->code;
}
