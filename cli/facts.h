/* facts: what an experiment is, a line a fact: its state, its times, its config in short.
 */
#ifndef ASSAY_CLI_FACTS_H
#define ASSAY_CLI_FACTS_H

#include "cli/screen.h"

#include <cjson/cJSON.h>

/* Of `show`'s answer, cleaned. What is longer than a line of the terminal goes on below its
 * beginning. */
void facts_print(const cJSON *experiment, const struct screen *screen);

#endif
