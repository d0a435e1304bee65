/* completion: scripts by which bash, zsh and fish complete the commands of assay, made of the one
 * table of commands and what each says of itself.
 */
#ifndef ASSAY_CLI_COMPLETION_H
#define ASSAY_CLI_COMPLETION_H

#include "cli/command.h"

/* `assay completion SHELL`. */
int completion_run(const struct command *commands, size_t count, int argc, char **argv);

#endif
