/* folder: a worker's folder belongs to one live worker, which can be asked to leave it.
 *
 * DIR/lock is held for as long as the worker lives: with flock, which keeps others out, and with
 * fcntl, whose holder's process id the kernel tells.
 */
#ifndef ASSAY_WORKER_FOLDER_H
#define ASSAY_WORKER_FOLDER_H

#include "core/error.h"

#include <stdint.h>

/* Fails when another live worker holds the folder (ERROR_INPUT); waits two seconds for one that is
 * about to be dead. *lock is the caller's to close. */
bool folder_lock(const char *dir, int *lock, struct error *error);
/* Asks the worker that holds the folder, on this machine, to leave (SIGUSR1), and waits until it
 * has. *held is false when there was none. ERROR_INPUT where no worker has ever been. */
bool folder_drain(const char *dir, bool *held, struct error *error);

/* How many bytes may still be written there. False, and 0, where the file system does not say: some
 * of FUSE claim to have no blocks at all. */
bool folder_room(const char *dir, uint64_t *bytes);

#endif
