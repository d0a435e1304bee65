/* lock_file: one holder at a time of a path, among the processes of this machine and within one.
 * The kernel lets go when the holder dies, however it dies. */
#ifndef ASSAY_COORDINATOR_LOCK_FILE_H
#define ASSAY_COORDINATOR_LOCK_FILE_H

#include "core/error.h"

struct lock_file;

/* Makes the file and holds it. *held_by is 0, or the process that holds it already (-1: not known),
 * and then the error says no more than that. */
bool lock_file_take(const char *path, struct lock_file **lock, int *held_by, struct error *error);
/* Removes the file. NULL is fine. */
void lock_file_release(struct lock_file *lock);

#endif
