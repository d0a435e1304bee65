#include "core/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One options_parse: state->hook while the caller's parser runs. */
struct parsing {
    argp_parser_t parser; /* the caller's, and its input */
    void *input;
    bool said; /* the mistake was printed */
};

error_t options_mistake(const struct argp_state *state, const char *format, ...) {
    struct parsing *parsing = state->hook;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!parsing->said)
        fprintf(stderr, "assay: %s; see %s --help\n", message, state->name);
    parsing->said = true;
    return EINVAL;
}

/* getopt keeps its reason to itself: it refused the word before next. */
static void refused(const struct argp_state *state) {
    const char *word = state->argv[state->next > 1 ? state->next - 1 : 1];
    size_t length = strcspn(word, "=");
    const struct argp_option *option = state->root_argp->options;
    while (option->name != NULL &&
           (strncmp(word, "--", 2) != 0 || strlen(option->name) != length - 2 ||
            memcmp(option->name, word + 2, length - 2) != 0))
        option++;
    if (option->name == NULL)
        options_mistake(state, "unknown option %s", word);
    else if (option->arg == NULL)
        options_mistake(state, "--%s takes no value", option->name);
    else
        options_mistake(state, "--%s needs a value: %s", option->name, option->arg);
}

static error_t parse_around(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    state->hook = parsing;
    if (key == ARGP_KEY_ERROR)
        refused(state);
    state->input = parsing->input;
    return parsing->parser(key, argument, state);
}

bool options_parse(const struct argp *argp, int argc, char **argv, void *input, int *code) {
    struct parsing parsing = {.parser = argp->parser, .input = input};
    struct argp around = *argp;
    around.parser = parse_around;
    *code = 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) {
            argp_help(argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC,
                      argv[0]);
            return false;
        }
    if (argp_parse(&around, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parsing) == 0)
        return true;
    *code = ERROR_INPUT;
    return false;
}

error_t options_integer(const struct argp_state *state, const char *name, const char *text,
                        long least, long most, long *value) {
    char *end = NULL;
    errno = 0;
    *value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *value < least || *value > most)
        return options_mistake(state, "%s needs a whole number from %ld to %ld, not \"%s\"", name,
                               least, most, text);
    return 0;
}

error_t options_folder(const struct argp_state *state, const char *name, const char *text,
                       const char **folder) {
    struct stat status;
    *folder = text;
    errno = ENOTDIR;
    if (stat(text, &status) == 0 && S_ISDIR(status.st_mode))
        return 0;
    if (errno == ENOENT) {
        fprintf(stderr, "assay: warning: %s \"%s\" is not there; nothing can be read from it\n",
                name, text);
        return 0;
    }
    return options_mistake(state, "%s needs a folder, not \"%s\" (%s)", name, text,
                           strerror(errno));
}
