/* artifact: a checkpoint of an experiment as a file on this machine: where a worker wrote it, if
 * that is here and has the bytes that the coordinator knows of, else fetched from there. */
#ifndef ASSAY_CLI_ARTIFACT_H
#define ASSAY_CLI_ARTIFACT_H

#include "cli/client.h"

#include <limits.h>

/* Where the checkpoint `which` ("best", "last", an epoch's number) of an experiment stands, which
 * is one of `show`'s. What is fetched is kept in ASSAY_HOME/fetched/SHA256/NAME, and not fetched
 * again while it has that checksum. ERROR_INPUT when there is no such checkpoint. */
bool artifact_path(struct client *client, const cJSON *experiment, const char *which,
                   char path[PATH_MAX], struct error *error);

/* Whether this is what stands behind the @ of a checkpoint: best, last or an epoch's number. */
bool artifact_which(const char *which);

/* The same for a word of the command line: a file that is there is itself, and ID@best, ID@last or
 * ID@EPOCH that checkpoint, of the experiment of that id or name. ERROR_INPUT for what is neither.
 */
bool artifact_of_word(const struct command_input *input, const char *word, char path[PATH_MAX],
                      struct error *error);

#endif
