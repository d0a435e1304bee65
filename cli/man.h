/* man: manual pages, made of the one table of commands and what each says of itself.
 */
#ifndef ASSAY_CLI_MAN_H
#define ASSAY_CLI_MAN_H

#include "cli/command.h"

/* `assay man [COMMAND]`, `assay man --out DIR`. */
int man_run(const struct command *commands, size_t count, int argc, char **argv);

#endif
