/* disk: simulated disks under SQLite, so that power can be cut between any two of its operations.
 *
 * disk_open makes a VFS of the process's memory SQLite's default one, so that the product's own
 * code runs on it unchanged. Of every file it keeps what has been synced and, in order, what has
 * been written, cut or deleted since. A disk that dies lets nothing more through, in the middle of
 * a write too; when it comes back after a kill it has what was written, after a power cut what was
 * synced and any part of the rest: each operation since the sync wholly, in some of its sectors, or
 * not at all. The folders that its files stand in are real ones (folders.h).
 *
 * One thread, one connection a file at a time: locks are not simulated.
 */
#ifndef ASSAY_TESTS_WORLD_DISK_H
#define ASSAY_TESTS_WORLD_DISK_H

#include "core/random.h"

#include <stdbool.h>
#include <stddef.h>

enum { DISK_NEVER = -1, DISKS_MAX = 8 };

struct disk {
    char folder[512];    /* every SQLite file below it is on this disk */
    int dies_after;      /* operations that change something, or DISK_NEVER */
    bool dead, full;     /* full: files cannot grow */
    const char *full_by; /* only while this file is there, in the real folder; NULL: anyway */
    long operations;     /* so far */
    struct disk_file *files;
};

void disk_open(void); /* once in a process */
/* A disk for the files below `folder`. It lives until disk_free, at one place, while files on it
 * are open. */
void disk_make(struct disk *disk, const char *folder);
void disk_free(struct disk *disk);
/* All that is on it goes, and there is one synced file of that name. While no file is open. */
void disk_put(struct disk *disk, const char *name, const void *bytes, size_t length);
/* Full until SQLite sleeps. */
void disk_fill_for_now(struct disk *disk);
/* The end of a process that wrote to it, in the middle of whatever it does next. */
void disk_kill(struct disk *disk);
/* Alive again, with room, for the next process; `draws` decides what a power cut leaves. */
void disk_revive(struct disk *disk, bool power_cut, struct random_stream *draws);

#endif
