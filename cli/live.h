/* live: the full-screen view of `assay watch`: the loop between the terminal, the coordinator and
 * the dashboard.
 */
#ifndef ASSAY_CLI_LIVE_H
#define ASSAY_CLI_LIVE_H

#include "cli/client.h"
#include "cli/hook.h"

/* Shows what `selection` names (client_selection's; taken over; {} for all) until the person
 * leaves, or it turns out not to be there. Returns the exit code, errors printed. The hook
 * (borrowed, or NULL) sees those finish that do meanwhile. */
int live_run(struct client *client, const char *endpoint, cJSON *selection, struct hook *hook);

#endif
