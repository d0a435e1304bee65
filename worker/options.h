/* options: how assay-worker and its subcommands read a command line: argp, but with mistakes said
 * as everywhere in assay, in one line: "assay: what is wrong; what to do". */
#ifndef ASSAY_WORKER_OPTIONS_H
#define ASSAY_WORKER_OPTIONS_H

#include "core/experiment.h"

#include <argp.h>
#include <stdbool.h>

/* False when the program is to end with *code: after --help, or a mistake, which was printed.
 * argv[0] is what the help calls the program. */
bool options_parse(const struct argp *argp, int argc, char **argv, void *input, int *code);
/* For a parser: prints the mistake; returns EINVAL, for the parser to return. */
error_t options_mistake(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A whole number from least to most into *value, or a mistake. `name`: "--device". */
error_t options_integer(const struct argp_state *state, const char *name, const char *text,
                        long least, long most, long *value);
/* The number of a GPU, and of threads (0: the cores), or a mistake. */
error_t options_device(const struct argp_state *state, const char *text, int *device);
error_t options_threads(const struct argp_state *state, const char *text, int *threads);
/* A folder that is there, or a mistake: with one that is not, each experiment would fail. */
error_t options_folder(const struct argp_state *state, const char *name, const char *text,
                       const char **folder);
/* "auto", "cpu" or "cuda" into *value, or a mistake. */
error_t options_backend(const struct argp_state *state, const char *text, const char **value);
/* "fp32", "tf32" or "bf16" into *value, or a mistake. */
error_t options_precision(const struct argp_state *state, const char *text, enum precision *value);
/* One line on stderr when "auto" has to do without the GPU that this build could use. */
void options_tell_backend(const char *backend, int device);

#endif
