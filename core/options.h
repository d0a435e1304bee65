/* options: how every command and program reads a command line: argp, but with mistakes said as
 * everywhere in assay, in one line: "assay: what is wrong; what to do". The commands of `assay` add
 * what they have in common (cli/command.h). */
#ifndef ASSAY_CORE_OPTIONS_H
#define ASSAY_CORE_OPTIONS_H

#include "core/error.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/* The last row of every table. */
#define OPTIONS_HELP_KEY 'h'
#define OPTIONS_HELP                                                                               \
    { "help", OPTIONS_HELP_KEY, NULL, 0, "Show this help", 0 }

/* False when the program is to end with *code: after --help, which wins over mistakes, or a
 * mistake, which was printed. `title` is what the help calls the program: "assay-worker step".
 * Arguments that the parser does not know are a mistake, and so is an option's empty value: a
 * script's unset variable, most likely, and in front of a slash it is a path from the root. */
bool options_parse(const struct argp *argp, const char *title, int argc, char **argv, void *input,
                   int *code);

/* For a parser: prints the mistake; returns EINVAL, for the parser to return. */
error_t options_mistake(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The option of a long word without its dashes, "out" or "out=x", which may be cut short; NULL when
 * it is none, or the beginning of several. */
const struct argp_option *options_long(const struct argp_option *options, const char *word);

/* A macro's number as text: a default and what --help says of it are one. */
#define OPTIONS_TEXT(number) OPTIONS_TEXT_OF(number)
#define OPTIONS_TEXT_OF(number) #number

/* The file of an option that is stdout unless given: NULL for "-", too. */
const char *options_output(const char *text);
/* A whole number from least to most, in digits; false when `text` is anything else. */
bool options_number(const char *text, long long least, long long most, long long *value);
/* The same, or a mistake. `name`: "--device". */
error_t options_integer(const struct argp_state *state, const char *name, const char *text,
                        long long least, long long most, long long *value);
/* A folder, or a mistake. One that is not there is a warning: pictures may come from the
 * coordinator. */
error_t options_folder(const struct argp_state *state, const char *name, const char *text,
                       const char **folder);

#endif
