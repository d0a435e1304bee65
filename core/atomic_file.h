/* atomic_file: a file that appears whole or not at all.
 *
 * What is written goes to PATH.tmp beside it; atomic_file_commit syncs that, renames it over PATH
 * and syncs the folder, so that after a crash PATH is the old file or the new one, and on disk. One
 * writer at a time a path; what a killed writer left behind is replaced by the next.
 * A PATH that is a device or a pipe (/dev/null, /dev/stdout) is written to as it is.
 */
#ifndef ASSAY_CORE_ATOMIC_FILE_H
#define ASSAY_CORE_ATOMIC_FILE_H

#include "core/error.h"

#include <stddef.h>

struct atomic_file {
    char *path, *temporary; /* temporary: NULL for a device or a pipe */
    int descriptor;
};

/* ERROR_FAILED where atomic_file_begin or _commit would fail at `path`, as far as can be told
 * without writing: asked before long work whose result is to go there. A device or a pipe is not
 * opened. */
bool atomic_file_check(const char *path, struct error *error);

/* On success the caller ends with exactly one of atomic_file_commit and atomic_file_abandon. */
bool atomic_file_begin(const char *path, struct atomic_file *file, struct error *error);
bool atomic_file_write(struct atomic_file *file, const void *data, size_t length,
                       struct error *error);
/* Frees the file also when it fails; then the temporary one is gone, and the old file stands unless
 * it is the folder that cannot be synced. */
bool atomic_file_commit(struct atomic_file *file, struct error *error);
void atomic_file_abandon(struct atomic_file *file);

/* From now on SIGINT, SIGTERM and SIGHUP remove what is unfinished and then end the program as
 * ever; those that it ignores or handles are left as they are. */
void atomic_file_tidy_when_ended(void);

/* Makes `path` of a whole file that somebody has written beside it: syncs it, renames it, syncs the
 * folder. */
bool atomic_file_adopt(const char *temporary, const char *path, struct error *error);

/* Makes `path` a copy of `from`, durable and atomic for `path` as above. */
bool atomic_file_copy(const char *from, const char *path, struct error *error);
/* The same by a hard link where the file system can: neither name may be written in place then. */
bool atomic_file_link(const char *from, const char *path, struct error *error);

#endif
