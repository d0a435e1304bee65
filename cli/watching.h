/* watching: follows experiments until they are finished, a line for each thing that happens.
 *
 * On a terminal (no dumb one) the running ones stand at the bottom and are redrawn in place;
 * elsewhere each has a line of progress every few seconds.
 */
#ifndef ASSAY_CLI_WATCHING_H
#define ASSAY_CLI_WATCHING_H

#include "cli/client.h"
#include "cli/hook.h"

#include <stdio.h>

/* Follows `selection` (client_selection's; taken over) and writes to `stream` (NULL: nothing).
 * Returns the exit code, errors printed: 0 when all are done, 4 when one failed or was cancelled. A
 * coordinator that goes away meanwhile is waited for, a minute. The hook (borrowed, or NULL) sees
 * each of them finish. */
int watching_run(struct client *client, cJSON *selection, FILE *stream, struct hook *hook);

#endif
