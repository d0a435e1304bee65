/* data_ls: which data sets were brought to the coordinator. */
#ifndef ASSAY_CLI_DATA_LS_H
#define ASSAY_CLI_DATA_LS_H

#include "cli/command.h"

/* A line for every class and split file. Returns the exit code. */
int data_ls(const struct command_input *input);

#endif
