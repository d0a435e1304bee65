/* disk_file: a file as a simulated disk (disk.h) has it: what it holds, what of that is synced, and
 * what has been done to it since. */
#ifndef ASSAY_TESTS_WORLD_DISK_FILE_H
#define ASSAY_TESTS_WORLD_DISK_FILE_H

#include "core/random.h"

#include <stdbool.h>
#include <stddef.h>

struct image {
    unsigned char *bytes;
    size_t length, room; /* room: bytes that were allocated */
};

struct change {
    size_t offset, length;
    unsigned char *bytes; /* NULL: the file was cut, or began anew, at `offset` bytes */
};

struct disk_file {
    struct disk_file *next; /* on the same disk */
    char *name;
    bool there, synced_there;
    struct image now, synced;
    struct change *changes;
    size_t count, room;
    void **shared; /* regions of the -shm file, in memory alone */
    int shared_count;
};

struct disk_file *disk_file_make(const char *name);
void disk_file_free(struct disk_file *file);
void disk_file_write(struct disk_file *file, const void *bytes, size_t length, size_t offset);
void disk_file_cut(struct disk_file *file, size_t length);
void disk_file_sync(struct disk_file *file); /* what it holds, not that it is there */
void disk_file_forget_shared(struct disk_file *file);
/* Each change since the sync wholly, in some of its sectors, or not at all. */
void disk_file_lose_power(struct disk_file *file, struct random_stream *draws);
void *disk_memory(void *memory); /* ends the program for NULL */

#endif
