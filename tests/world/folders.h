/* folders: real folders that a power cut may take, as no simulated disk (disk.h) has them.
 *
 * mkdir and fsync stand in place of the C library's for the whole program. A folder that was made
 * is on the disk once the folder above it has been synced; until then a power cut may take it with
 * all that is in it. Folders that were not made with mkdir are taken to be there for good. */
#ifndef ASSAY_TESTS_WORLD_FOLDERS_H
#define ASSAY_TESTS_WORLD_FOLDERS_H

#include "core/random.h"

#include <sys/stat.h>

/* Is told of every file and folder that is synced, by whichever thread; NULL: nobody is. */
typedef void folders_watcher(const struct stat *synced);
void folders_watch(folders_watcher *watcher);

/* As if it had just been made. */
void folders_unsync(const char *path);
/* Of the folder and those below it, each that is not on the disk goes or stays. While no file in
 * them is open. */
void folders_lose_power(const char *path, struct random_stream *draws);

#endif
