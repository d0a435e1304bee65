/* experiment_file: experiment files as commands take them: faults printed, paths resolved.
 */
#ifndef ASSAY_CLI_EXPERIMENT_FILE_H
#define ASSAY_CLI_EXPERIMENT_FILE_H

#include "core/experiment.h"
#include "core/members.h"
#include "core/split.h"

/* members_read for commands: every fault is printed on stderr as "assay: FILE:LINE: place:
 * message", and added to `report` (a JSON array of {"line", "place", "message"}) unless that is
 * NULL. 0, or the exit code when there was one: ERROR_INPUT, or ERROR_FAILED where it was this
 * machine that could not read the file or check all of it. members_free is due in either case. */
int experiment_file_read(const char *path, struct members *members, cJSON *report);

/* Adds an error to such a report, too: in the line that its message names, or in line 0. */
void experiment_file_report(const char *path, const struct error *error, cJSON *report);

/* Warns on stderr of a name that no command takes for one: a number is an id to them all. */
void experiment_file_check_name(const char *path, const struct members *members);

/* `path` as the experiment file means it: relative to the folder of `file` (of a pipe: the current
 * one), made absolute. A path that does not exist is resolved all the same. The caller frees. */
bool experiment_file_resolve(const char *file, const char *path, char **absolute,
                             struct error *error);

/* The member called `name`; without a name any, provided that all members agree on `keys` (dotted,
 * ending in NULL: "augmentations", "train.seed"). NULL when there is none such: --member would
 * choose. */
const struct member *experiment_file_choose(const char *file, const struct members *members,
                                            const char *name, const char *const *keys,
                                            struct error *error);

/* A member's config as a struct. It has been checked, so it fails only when memory runs out.
 * Free with experiment_free. */
bool experiment_decode(const struct member *member, struct experiment *experiment,
                       struct error *error);

/* Makes data.root and data.files absolute, as experiment_file_resolve does, for split_make. */
bool experiment_file_locate(const char *file, struct experiment *experiment, struct error *error);

/* That, and the pictures of its splits. Errors begin with the file. */
bool experiment_file_split(const char *file, struct experiment *experiment, struct split *split,
                           struct error *error);

#endif
