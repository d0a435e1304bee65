/* outcome: what became of an experiment, as the environment of a command that is told of it
 * (--on-finish). docs/on-finish.md lists the variables.
 *
 * Names and errors in it are other people's words: they stand in variables alone, each on one line
 * and harmless to a terminal (text_one_line), and never in the command.
 */
#ifndef ASSAY_COMPARE_OUTCOME_H
#define ASSAY_COMPARE_OUTCOME_H

#include <cjson/cJSON.h>

/* Our environment with the variables of `experiment` (`show`'s) in it, "" for what there is not;
 * `connect` is ASSAY_CONNECT. Ends in NULL. The caller frees it and *strings. NULL without memory.
 */
char **outcome_environment(const cJSON *experiment, const char *connect, char **strings);

#endif
