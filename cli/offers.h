/* offers: what a shell's Tab key offers for experiments and workers: `assay completion experiments`
 * and `assay completion workers`, which the scripts of completion.c ask.
 *
 * A line for each: the word, a tab, and what it is. Nobody wants to wait for it, or to hear that it
 * failed: it takes a second at most, prints no errors, and then has fewer lines or none.
 */
#ifndef ASSAY_CLI_OFFERS_H
#define ASSAY_CLI_OFFERS_H

#include "cli/command.h"

bool offers_known(const char *kind);
/* Prints those of the kind that is the first argument. Returns the exit code. */
int offers_print(const struct command_input *input);

#endif
