/* data_push: the pictures of an experiment, brought to the coordinator for workers that have none.
 */
#ifndef ASSAY_CLI_DATA_PUSH_H
#define ASSAY_CLI_DATA_PUSH_H

#include "cli/command.h"
#include "core/matrix.h"

/* `manifest` is where the manifest stands or goes; NULL: in data.root. Returns the exit code. */
int data_push(const struct command_input *input, const char *file, const struct member *member,
              const char *manifest);

#endif
