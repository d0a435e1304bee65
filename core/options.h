/* options: how assay-coordinator, assay-worker and their subcommands read a command line: argp, but
 * with mistakes said as everywhere in assay, in one line: "assay: what is wrong; what to do". The
 * commands of `assay` stand on it too (cli/command.h). */
#ifndef ASSAY_CORE_OPTIONS_H
#define ASSAY_CORE_OPTIONS_H

#include "core/error.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/* False when the program is to end with *code: after --help, or a mistake, which was printed.
 * argv[0] is what the help calls the program. */
bool options_parse(const struct argp *argp, int argc, char **argv, void *input, int *code);

/* What state->hook of every parser begins with. */
struct options_said {
    const char *before; /* of argv[0] in "see assay ls --help" */
    bool mistaken;      /* the mistake was printed: there is one line a command line */
};
/* For a parser: prints the mistake; returns EINVAL, for the parser to return. */
error_t options_mistake(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* For ARGP_KEY_ERROR: getopt has refused a word and keeps its reason to itself. Says which and why,
 * "--out needs a value: DIR", with the nearest option where there is none such. */
error_t options_refused(const struct argp_state *state);
/* For a parser, first of all: the mistake when `argument` is the empty value of the option that
 * `key` is: a script's unset variable, most likely, and in front of a slash it is a path from the
 * root. 0 when it is none. */
error_t options_empty(const struct argp_state *state, const struct argp_option *options, int key,
                      const char *argument);
/* The option of a long word without its dashes, "out" or "out=x", which may be cut short; NULL when
 * it is none, or the beginning of several. */
const struct argp_option *options_long(const struct argp_option *options, const char *word);

/* A macro's number as text: a default and what --help says of it are one. */
#define OPTIONS_TEXT(number) OPTIONS_TEXT_OF(number)
#define OPTIONS_TEXT_OF(number) #number

/* A whole number from least to most into *value, or a mistake. `name`: "--device". */
error_t options_integer(const struct argp_state *state, const char *name, const char *text,
                        long least, long most, long *value);
/* A folder, or a mistake. One that is not there is a warning: pictures may come from the
 * coordinator. */
error_t options_folder(const struct argp_state *state, const char *name, const char *text,
                       const char **folder);

#endif
