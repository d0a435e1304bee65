/* shell: a command of the person who started the program, run by /bin/sh beside it (--on-finish).
 *
 * Its starter goes on meanwhile, and looks now and then whether it has ended. It gets an
 * environment, an empty stdin, and no descriptor of ours except the one for what it prints.
 */
#ifndef ASSAY_CORE_SHELL_H
#define ASSAY_CORE_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Starts it, stdout and stderr to `output`; `environment` ends in NULL. `apart`: in a process group
 * of its own, whose number is *pid, and which Ctrl-C does not reach. Returns 0 or an errno. */
int shell_start(const char *command, char *const *environment, int output, bool apart, pid_t *pid);

/* True when it has ended, with its exit code, or 128 and the signal that ended it, as a shell says
 * it. Does not wait. */
bool shell_ended(pid_t pid, int *status);

/* "exited with 7", "was ended by signal 9"; false when all went well. */
bool shell_complaint(int status, char *text, size_t size);

#endif
