#include "core/options.h"

#include "core/standard.h"
#include "core/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OPTIONS_MOST = 64 }; /* among which the nearest is looked for */

/* One options_parse: state->hook while the caller's parser runs. */
struct parsing {
    struct options_said said;
    argp_parser_t parser; /* the caller's, and its input */
    void *input;
};

error_t options_mistake(const struct argp_state *state, const char *format, ...) {
    struct options_said *said = state->hook;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!said->mistaken)
        standard_complain("%s; see %s%s --help", message, said->before, state->name);
    said->mistaken = true;
    return EINVAL;
}

/* --- what getopt has refused --- */

const struct argp_option *options_long(const struct argp_option *options, const char *word) {
    const struct argp_option *found = NULL;
    size_t length = strcspn(word, "="), count = 0;
    for (; options->name != NULL; options++) {
        if (strncmp(options->name, word, length) != 0)
            continue;
        if (options->name[length] == '\0')
            return options;
        found = options;
        count++;
    }
    return count == 1 ? found : NULL;
}

static const struct argp_option *short_option(const struct argp_option *options, char letter) {
    while (options->name != NULL && (options->key != letter || letter <= ' '))
        options++;
    return options->name != NULL ? options : NULL;
}

/* Whether the word, behind which another one stands or not, is wrong, and then how. */
static bool long_refused(const struct argp_option *options, const char *word, bool last, char *text,
                         size_t size, const char **unknown) {
    const struct argp_option *option = options_long(options, word + 2);
    bool valued = strchr(word, '=') != NULL;
    if (option == NULL) {
        *unknown = word;
        snprintf(text, size, "unknown option %s", word);
    } else if (option->arg == NULL && valued)
        snprintf(text, size, "--%s takes no value", option->name);
    else if (option->arg != NULL && !valued && last)
        snprintf(text, size, "--%s needs a value: %s", option->name, option->arg);
    else
        return false;
    return true;
}

static bool short_refused(const struct argp_option *options, const char *word, bool last,
                          char *text, size_t size, const char **unknown) {
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct argp_option *option = short_option(options, *letter);
        if (option == NULL) {
            *unknown = word;
            snprintf(text, size, "unknown option %s", word);
            return true;
        }
        if (option->arg != NULL && (letter[1] != '\0' || !last))
            return false; /* the rest is its value */
        if (option->arg != NULL) {
            snprintf(text, size, "-%c needs a value: %s", *letter, option->arg);
            return true;
        }
    }
    return false;
}

/* The known option that a misspelt --word is near to, or NULL. */
static const char *nearest_option(const struct argp_option *options, const char *word) {
    const char *names[OPTIONS_MOST];
    size_t count = 0;
    for (; options->name != NULL && count < OPTIONS_MOST; options++)
        names[count++] = options->name;
    return strncmp(word, "--", 2) == 0 ? nearest_word(word + 2, names, count) : NULL;
}

/* *unknown is the word when there is no such option, else NULL. */
static void explain(const struct argp_state *state, const struct argp_option *options, char *text,
                    size_t size, const char **unknown) {
    *unknown = NULL;
    /* It is the word before next, or in the midst of "-xyz" the one there. */
    for (int at = state->next > 1 ? state->next - 1 : 1; at <= state->next && at < state->argc;
         at++) {
        const char *word = state->argv[at];
        bool last = at + 1 == state->argc;
        bool refused = word[0] == '-' && word[1] != '\0' &&
                       (word[1] == '-' ? long_refused : short_refused)(options, word, last, text,
                                                                       size, unknown);
        if (refused)
            return;
    }
    snprintf(text, size, "an option is not understood");
}

error_t options_refused(const struct argp_state *state) {
    const struct options_said *said = state->hook;
    const struct argp_option *options = state->root_argp->options;
    char text[512];
    const char *unknown;
    if (said->mistaken)
        return EINVAL; /* not getopt: a parser, which has said so */
    explain(state, options, text, sizeof text, &unknown);
    const char *near = unknown != NULL ? nearest_option(options, unknown) : NULL;
    if (near != NULL)
        return options_mistake(state, "%s; did you mean --%s?", text, near);
    return options_mistake(state, "%s", text);
}

error_t options_empty(const struct argp_state *state, const struct argp_option *options, int key,
                      const char *argument) {
    if (argument == NULL || argument[0] != '\0' || key == ARGP_KEY_ARG)
        return 0;
    while (options->name != NULL && (options->key != key || options->arg == NULL))
        options++;
    return options->name == NULL
               ? 0
               : options_mistake(state, "--%s needs a value: %s", options->name, options->arg);
}

static error_t parse_around(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    state->hook = parsing;
    if (key == ARGP_KEY_ERROR)
        options_refused(state);
    if (options_empty(state, state->root_argp->options, key, argument) != 0)
        return EINVAL;
    state->input = parsing->input;
    return parsing->parser(key, argument, state);
}

bool options_parse(const struct argp *argp, int argc, char **argv, void *input, int *code) {
    struct parsing parsing = {.said.before = "", .parser = argp->parser, .input = input};
    struct argp around = *argp;
    around.parser = parse_around;
    *code = 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) {
            argp_help(argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC,
                      argv[0]);
            *code = standard_finish(0);
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
        standard_complain("warning: %s \"%s\" is not there; nothing can be read from it", name,
                          text);
        return 0;
    }
    return options_mistake(state, "%s needs a folder, not \"%s\" (%s)", name, text,
                           strerror(errno));
}
