/* options: how assay-coordinator, assay-worker and their subcommands read a command line: argp, but
 * with mistakes said as everywhere in assay, in one line: "assay: what is wrong; what to do". */
#ifndef ASSAY_CORE_OPTIONS_H
#define ASSAY_CORE_OPTIONS_H

#include "core/error.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/* False when the program is to end with *code: after --help, or a mistake, which was printed.
 * argv[0] is what the help calls the program. */
bool options_parse(const struct argp *argp, int argc, char **argv, void *input, int *code);
/* For a parser: prints the mistake; returns EINVAL, for the parser to return. */
error_t options_mistake(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The mistake in words, "--out needs a value: DIR", where getopt has refused an option of the table
 * `options` (the parser got ARGP_KEY_ERROR): it keeps its reason to itself. *unknown is the word
 * when there is no such option, else NULL. */
void options_refusal(const struct argp_state *state, const struct argp_option *options, char *text,
                     size_t size, const char **unknown);
/* A whole number from least to most into *value, or a mistake. `name`: "--device". */
error_t options_integer(const struct argp_state *state, const char *name, const char *text,
                        long least, long most, long *value);
/* A folder, or a mistake. One that is not there is a warning: pictures may come from the
 * coordinator. */
error_t options_folder(const struct argp_state *state, const char *name, const char *text,
                       const char **folder);

#endif
