/* hook: --on-finish: a command of the person's for each experiment that finishes while it is
 * followed, one after the other, with the result in its environment.
 *
 * It is `/bin/sh -c COMMAND`. What the coordinator says is in variables alone (docs/on-finish.md),
 * cleaned of control characters, never in the command. What it prints is kept until it has ended,
 * so that it tears no line and no screen. Every function takes a NULL hook and does nothing.
 */
#ifndef ASSAY_CLI_HOOK_H
#define ASSAY_CLI_HOOK_H

#include "cli/command.h"

#include <cjson/cJSON.h>

struct hook;

/* The option's help, for argp: {"on-finish", KEY, "CMD", 0, HOOK_HELP, 0}. */
#define HOOK_HELP                                                                                  \
    "Run this shell command for each of them that finishes meanwhile, with the result in "         \
    "ASSAY_ID, ASSAY_NAME, ASSAY_STATE, ASSAY_BEST_TEST_ACCURACY and others (docs/on-finish.md)"

/* `command` and `input` are borrowed; without a command *hook is NULL. all: experiments that had
 * finished before the first look count, too. */
bool hook_open(const char *command, const struct command_input *input, bool all, struct hook **hook,
               struct error *error);
/* Runs what is left, waits for it and says how it ended. */
void hook_close(struct hook *hook);

/* All experiments followed (`list`'s), as often as they are looked at. False without memory. */
bool hook_see(struct hook *hook, const cJSON *experiments, struct error *error);

/* How the command ended for an experiment. */
struct hook_end {
    double id;
    int status;   /* the exit code, or 128 and the signal, as a shell says it */
    char *output; /* what it printed, NUL-terminated; NULL: nothing */
};

/* Starts the command for whoever waits for it; true when it has ended for one, which is for
 * hook_say. Does not wait. */
bool hook_turn(struct hook *hook, struct hook_end *end);
bool hook_busy(const struct hook *hook); /* it runs, or somebody waits for it */

/* Frees the end. Prints what the command printed (stderr), and a line when it failed. */
void hook_say(struct hook_end *end);
/* The line alone, without "assay: " and a line's end; false when there is nothing to say. */
bool hook_complaint(const struct hook_end *end, char *text, size_t size);

#endif
