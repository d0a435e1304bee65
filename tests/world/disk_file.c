#include "tests/world/disk_file.h"

#include "core/array.h"

#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 };

void *disk_memory(void *memory) {
    if (memory == NULL)
        abort();
    return memory;
}

static void image_resize(struct image *image, size_t length) {
    if (length > image->room) {
        image->room = 2 * length;
        image->bytes = disk_memory(realloc(image->bytes, image->room));
    }
    if (length > image->length)
        memset(image->bytes + image->length, 0, length - image->length);
    image->length = length;
}

static void image_write(struct image *image, const void *bytes, size_t length, size_t offset) {
    if (length == 0)
        return;
    if (offset + length > image->length)
        image_resize(image, offset + length);
    memcpy(image->bytes + offset, bytes, length);
}

static void image_copy(struct image *to, const struct image *from) {
    image_resize(to, 0);
    image_write(to, from->bytes, from->length, 0);
}

static void forget_changes(struct disk_file *file) {
    for (size_t i = 0; i < file->count; i++)
        free(file->changes[i].bytes);
    file->count = 0;
}

static struct change *remember(struct disk_file *file) {
    file->changes =
        disk_memory(array_room(file->changes, file->count + 1, &file->room, sizeof *file->changes));
    return &file->changes[file->count++];
}

struct disk_file *disk_file_make(const char *name) {
    struct disk_file *file = disk_memory(calloc(1, sizeof *file));
    file->name = disk_memory(strdup(name));
    return file;
}

void disk_file_free(struct disk_file *file) {
    forget_changes(file);
    disk_file_forget_shared(file);
    free(file->changes);
    free(file->now.bytes);
    free(file->synced.bytes);
    free(file->name);
    free(file);
}

void disk_file_write(struct disk_file *file, const void *bytes, size_t length, size_t offset) {
    if (length == 0)
        return;
    image_write(&file->now, bytes, length, offset);
    *remember(file) = (struct change){
        .offset = offset,
        .length = length,
        .bytes = memcpy(disk_memory(malloc(length)), bytes, length),
    };
}

void disk_file_cut(struct disk_file *file, size_t length) {
    image_resize(&file->now, length);
    *remember(file) = (struct change){.offset = length};
}

void disk_file_sync(struct disk_file *file) {
    image_copy(&file->synced, &file->now);
    forget_changes(file);
}

void disk_file_forget_shared(struct disk_file *file) {
    for (int i = 0; i < file->shared_count; i++)
        free(file->shared[i]);
    free(file->shared);
    file->shared = NULL;
    file->shared_count = 0;
}

static void leave(struct image *image, const struct change *change, struct random_stream *draws) {
    uint32_t fate = random_below(draws, 3);
    if (fate == 0)
        return;
    if (change->bytes == NULL) {
        image_resize(image, change->offset);
        return;
    }
    for (size_t at = 0; at < change->length;) {
        size_t sector = SECTOR - (change->offset + at) % SECTOR;
        size_t length = change->length - at < sector ? change->length - at : sector;
        if (fate == 1 || random_below(draws, 2) == 0)
            image_write(image, change->bytes + at, length, change->offset + at);
        at += length;
    }
}

void disk_file_lose_power(struct disk_file *file, struct random_stream *draws) {
    if (file->there != file->synced_there && random_below(draws, 2) == 0)
        file->there = file->synced_there;
    file->synced_there = file->there;
    for (size_t i = 0; i < file->count; i++)
        leave(&file->synced, &file->changes[i], draws);
    forget_changes(file);
    image_copy(&file->now, &file->synced);
}
