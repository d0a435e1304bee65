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
/* Columns of a terminal: for help at all, and for what options mean beside them. */
enum { HELP_LEAST = 25, HELP_WIDE = 65 };

/* One options_parse: state->hook while the caller's parser runs. */
struct parsing {
    const char *title;
    argp_parser_t parser; /* the caller's, and its input */
    void *input;
    bool help, over; /* over: asked for help, or mistaken; there is one line a command line */
};

static bool help_is_asked(const struct argp_state *state) {
    for (int i = 1; i < state->argc && strcmp(state->argv[i], "--") != 0; i++)
        if (strcmp(state->argv[i], "--help") == 0)
            return true;
    return false;
}

error_t options_mistake(const struct argp_state *state, const char *format, ...) {
    struct parsing *parsing = state->hook;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!parsing->over && help_is_asked(state))
        parsing->help = true;
    else if (!parsing->over)
        standard_complain("%s; see %s --help", message, parsing->title);
    parsing->over = true;
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
        if (word[0] == '-' && word[1] != '\0' &&
            (word[1] == '-' ? long_refused : short_refused)(options, word, last, text, size,
                                                            unknown))
            return;
    }
    snprintf(text, size, "an option is not understood");
}

/* getopt has refused a word and keeps its reason to itself: says which and why, "--out needs a
 * value: DIR", with the nearest option where there is none such. */
static error_t refused(const struct argp_state *state) {
    const struct parsing *parsing = state->hook;
    const struct argp_option *options = state->root_argp->options;
    char text[512];
    const char *unknown;
    if (parsing->over)
        return EINVAL; /* not getopt: a parser, which has said so */
    explain(state, options, text, sizeof text, &unknown);
    const char *near = unknown != NULL ? nearest_option(options, unknown) : NULL;
    if (near != NULL)
        return options_mistake(state, "%s; did you mean --%s?", text, near);
    return options_mistake(state, "%s", text);
}

/* The mistake when `argument` is the empty value of the option that `key` is; 0 when it is none. */
static error_t check_value(const struct argp_state *state, int key, const char *argument) {
    const struct argp_option *option = state->root_argp->options;
    if (argument == NULL || argument[0] != '\0' || key == ARGP_KEY_ARG)
        return 0;
    while (option->name != NULL && (option->key != key || option->arg == NULL))
        option++;
    return option->name == NULL
               ? 0
               : options_mistake(state, "--%s needs a value: %s", option->name, option->arg);
}

static error_t parse_around(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    state->hook = parsing;
    if (key == OPTIONS_HELP_KEY) {
        parsing->help = parsing->over = true;
        return EINVAL;
    }
    if (key == ARGP_KEY_ERROR)
        return refused(state);
    if (check_value(state, key, argument) != 0)
        return EINVAL;
    state->input = parsing->input;
    error_t code = parsing->parser(key, argument, state);
    if (code == ARGP_ERR_UNKNOWN && key == ARGP_KEY_ARGS)
        return options_mistake(state, "%s takes no argument \"%s\"", parsing->title,
                               state->argv[state->next]);
    return code;
}

/* argp breaks lines at column 79 wherever the terminal ends. */
static void lay_out_help(void) {
    char format[128];
    size_t columns, rows, right = 79;
    standard_size(stdout, &columns, &rows);
    if (columns > 0 && columns <= right)
        right = columns > HELP_LEAST ? columns - 1 : HELP_LEAST;
    snprintf(format, sizeof format,
             "no-dup-args-note,short-opt-col=2,long-opt-col=6,opt-doc-col=%d,rmargin=%zu",
             right < HELP_WIDE ? 10 : 30, right);
    setenv("ARGP_HELP_FMT", format, 0);
}

bool options_parse(const struct argp *argp, const char *title, int argc, char **argv, void *input,
                   int *code) {
    struct parsing parsing = {.title = title, .parser = argp->parser, .input = input};
    struct argp around = *argp;
    char name[64];
    around.parser = parse_around;
    *code = 0;
    error_t failed = argp_parse(&around, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parsing);
    if (failed == 0)
        return true;
    if (failed == ENOMEM) /* argp's own */
        standard_complain("out of memory");
    if (!parsing.help) {
        *code = failed == ENOMEM ? ERROR_FAILED : ERROR_INPUT;
        return false;
    }
    snprintf(name, sizeof name, "%s", title);
    lay_out_help();
    argp_help(argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
    *code = standard_finish(0);
    return false;
}

const char *options_output(const char *text) {
    return strcmp(text, "-") == 0 ? NULL : text;
}

bool options_number(const char *text, long long least, long long most, long long *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < least || number > most ||
        strspn(text, "-0123456789") != strlen(text))
        return false;
    *value = number;
    return true;
}

error_t options_integer(const struct argp_state *state, const char *name, const char *text,
                        long long least, long long most, long long *value) {
    if (!options_number(text, least, most, value))
        return options_mistake(state, "%s needs a whole number from %lld to %lld, not \"%s\"", name,
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
