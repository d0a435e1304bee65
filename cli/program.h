/* program: the other two programs, found in the folder this one stands in. */
#ifndef ASSAY_CLI_PROGRAM_H
#define ASSAY_CLI_PROGRAM_H

#include "core/error.h"

#include <stddef.h>

/* The path of "assay-worker" or "assay-coordinator". */
bool program_path(const char *name, char *path, size_t size, struct error *error);

/* Runs it and reads what it prints to stdout, at most `size` - 1 bytes, into `output`; its stderr
 * is dropped. `arguments` ends in NULL and begins after argv[0]. False when it cannot be run or
 * does not end with 0. */
bool program_output(const char *name, const char *const *arguments, char *output, size_t size);

#endif
