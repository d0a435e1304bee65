#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_CONNECT = 0x1000, KEY_JSON };

static const char default_endpoint[] = "tcp://127.0.0.1:7470";

/* One command_parse: handed to the parsers as state->hook (ours) and child input (the command's).
 */
struct parsing {
    const struct command_line *line;
    struct command_input *input;
    void *options;
    const struct argp_option *known[2]; /* every option, ours and the command's */
    bool help, mistaken;
};

error_t command_mistake(const struct argp_state *state, const char *format, ...) {
    struct parsing *parsing = state->hook;
    if (!parsing->mistaken) {
        char message[512];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        fprintf(stderr, "assay: %s; see assay %s --help\n", message, state->name);
    }
    parsing->mistaken = true;
    return EINVAL;
}

static const struct argp_option *find_option(const struct parsing *parsing, const char *name,
                                             size_t length) {
    for (size_t i = 0; i < 2; i++)
        for (const struct argp_option *option = parsing->known[i];
             option != NULL && option->name != NULL; option++)
            if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
                return option;
    return NULL;
}

/* getopt refused the word before state->next; it keeps its reason to itself. */
static error_t refused(const struct argp_state *state) {
    const struct parsing *parsing = state->hook;
    int at = state->next > 1 ? state->next - 1 : 1;
    const char *word = state->argv[at < state->argc ? at : state->argc - 1];
    if (strncmp(word, "--", 2) == 0) {
        size_t length = strcspn(word + 2, "=");
        const struct argp_option *option = find_option(parsing, word + 2, length);
        if (option != NULL && option->arg == NULL)
            return command_mistake(state, "--%s takes no value", option->name);
        if (option != NULL)
            return command_mistake(state, "--%s needs a value: %s", option->name, option->arg);
    }
    return command_mistake(state, "unknown option %s", word);
}

static error_t count_arguments(const struct argp_state *state, size_t count) {
    const struct command_line *line = ((struct parsing *)state->hook)->line;
    if (count < line->least)
        return command_mistake(state, "%s needs %s", state->name, line->arguments);
    bool any = line->any || (line->most == 0 && line->least > 0);
    if (!any && count > line->most)
        return command_mistake(state, "%s has an argument too many: %s", state->name,
                               state->argv[(size_t)state->argc - count + line->most]);
    return 0;
}

static error_t parse_shared(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->hook = parsing;
        state->child_inputs[0] = parsing->options;
        return 0;
    case 'h':
        parsing->help = true;
        return 0;
    case KEY_CONNECT:
        parsing->input->connect = argument;
        return 0;
    case KEY_JSON:
        parsing->input->json = true;
        return 0;
    case ARGP_KEY_ARGS:
        parsing->input->arguments = state->argv + state->next;
        parsing->input->count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        return parsing->help ? 0 : count_arguments(state, parsing->input->count);
    case ARGP_KEY_ERROR:
        if (!parsing->help)
            return refused(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

bool command_parse(const struct command_line *line, int argc, char **argv, void *options,
                   struct command_input *input, int *status) {
    struct argp_option shared[4] = {
        {.name = "help", .key = 'h', .doc = "Show this help", .group = -1}};
    size_t count = 1;
    if (line->shared & COMMAND_CONNECT)
        shared[count++] = (struct argp_option){
            .name = "connect",
            .key = KEY_CONNECT,
            .arg = "ENDPOINT",
            .doc = "The coordinator (default: ASSAY_CONNECT, else tcp://127.0.0.1:7470)",
            .group = -1};
    if (line->shared & COMMAND_JSON)
        shared[count++] = (struct argp_option){
            .name = "json", .key = KEY_JSON, .doc = "One JSON document on stdout", .group = -1};

    const char *environment = getenv("ASSAY_CONNECT");
    *input = (struct command_input){
        .connect = environment != NULL && environment[0] != '\0' ? environment : default_endpoint};
    struct argp own = {.options = line->options, .parser = line->parse};
    struct argp_child children[2] = {{.argp = &own}};
    struct argp argp = {
        shared, parse_shared, line->arguments, line->help, line->parse != NULL ? children : NULL,
        NULL,   NULL};
    struct parsing parsing = {
        .line = line, .input = input, .options = options, .known = {shared, line->options}};
    error_t code =
        argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_NO_EXIT, NULL, &parsing);
    if (parsing.help && !parsing.mistaken) {
        char name[64];
        snprintf(name, sizeof name, "assay %s", argv[0]);
        setenv("ARGP_HELP_FMT", "no-dup-args-note,short-opt-col=2,long-opt-col=6,opt-doc-col=30",
               0);
        argp_help(&argp, stdout,
                  ARGP_HELP_STD_HELP & ~(unsigned)(ARGP_HELP_EXIT_OK | ARGP_HELP_EXIT_ERR), name);
        *status = 0;
        return false;
    }
    *status = ERROR_INPUT;
    return code == 0;
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

int command_fail(const struct error *error) {
    fflush(stdout);
    fprintf(stderr, "assay: %s\n", error->message);
    return error->code == ERROR_NONE ? ERROR_FAILED : (int)error->code;
}
