/* rehearsal: what a submission would be, for `assay submit --dry-run`: its members, what differs
 * between them, and how long they would take, judged by experiments that are done. Nothing changes.
 */
#ifndef ASSAY_CLI_REHEARSAL_H
#define ASSAY_CLI_REHEARSAL_H

#include "cli/command.h"

#include <cjson/cJSON.h>

/* `experiments` as `submit` sends them. Returns the exit code; a coordinator that cannot be reached
 * only means that there is nothing to judge the time by. */
int rehearsal_run(const struct command_input *input, const cJSON *experiments);

#endif
