#include "worker/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One options_parse: state->hook of every parser. */
struct parsing {
    void *input; /* of the caller's parser */
    bool said;   /* the mistake was printed */
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

static error_t parse_around(int key, char *argument, struct argp_state *state) {
    (void)argument;
    struct parsing *parsing = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->hook = parsing;
        state->child_inputs[0] = parsing->input;
        return 0;
    case ARGP_KEY_ERROR: /* getopt keeps its reason to itself: it refused the word before next */
        options_mistake(state, "cannot use %s", state->argv[state->next > 1 ? state->next - 1 : 1]);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

bool options_parse(const struct argp *argp, int argc, char **argv, void *input) {
    struct parsing parsing = {.input = input};
    struct argp own = *argp;
    own.args_doc = own.doc = NULL; /* else the help shows them twice */
    const struct argp_child children[] = {{.argp = &own}, {0}};
    const struct argp around = {
        .parser = parse_around, .args_doc = argp->args_doc, .doc = argp->doc, .children = children};
    return argp_parse(&around, argc, argv, ARGP_NO_ERRS, NULL, &parsing) == 0;
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

error_t options_backend(const struct argp_state *state, const char *text, const char **value) {
    *value = text;
    if (strcmp(text, "auto") != 0 && strcmp(text, "cpu") != 0 && strcmp(text, "cuda") != 0)
        return options_mistake(state, "--backend is auto, cpu or cuda, not \"%s\"", text);
    return 0;
}
