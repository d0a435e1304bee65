#include "tests/world/disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAL_PAGES = 24 }; /* between checkpoints: few, so that schedules have many of them */

struct image {
    unsigned char *bytes;
    size_t length;
};

/* What has been done to a file since it was synced. */
struct change {
    size_t offset, length;
    unsigned char *bytes; /* NULL: the file was cut, or began anew, at `offset` bytes */
};

struct disk_file {
    struct disk_file *next;
    char *name;
    bool there, synced_there;
    struct image now, synced;
    struct change *changes;
    size_t count, room;
    void **shared; /* regions of the -shm file */
    int shared_count;
};

struct handle {
    sqlite3_file base;
    struct disk *disk; /* NULL: a temporary file's */
    struct disk_file *file;
};

static struct disk *disks[DISKS_MAX];
static sqlite3_vfs *below; /* SQLite's own, for time and randomness */

/* --- files --- */

static void *must(void *memory) {
    if (memory == NULL)
        abort();
    return memory;
}

static void image_resize(struct image *image, size_t length) {
    if (length > image->length) {
        image->bytes = must(realloc(image->bytes, length));
        memset(image->bytes + image->length, 0, length - image->length);
    }
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

static void remember(struct disk_file *file, const void *bytes, size_t length, size_t offset) {
    if (file->count == file->room) {
        file->room = 2 * file->room + 16;
        file->changes = must(realloc(file->changes, file->room * sizeof *file->changes));
    }
    struct change *change = &file->changes[file->count++];
    *change = (struct change){.offset = offset, .length = length};
    if (bytes != NULL)
        change->bytes = memcpy(must(malloc(length + 1)), bytes, length);
}

static void forget_changes(struct disk_file *file) {
    for (size_t i = 0; i < file->count; i++)
        free(file->changes[i].bytes);
    file->count = 0;
}

static void forget_shared(struct disk_file *file) {
    for (int i = 0; i < file->shared_count; i++)
        free(file->shared[i]);
    free(file->shared);
    file->shared = NULL;
    file->shared_count = 0;
}

static void file_free(struct disk_file *file) {
    forget_changes(file);
    forget_shared(file);
    free(file->changes);
    free(file->now.bytes);
    free(file->synced.bytes);
    free(file->name);
    free(file);
}

static struct disk *disk_of(const char *name) {
    for (int i = 0; i < DISKS_MAX; i++) {
        size_t length = disks[i] != NULL ? strlen(disks[i]->folder) : 0;
        if (length > 0 && strncmp(name, disks[i]->folder, length) == 0 && name[length] == '/')
            return disks[i];
    }
    return NULL;
}

static struct disk_file *file_find(struct disk *disk, const char *name) {
    struct disk_file *file = disk->files;
    while (file != NULL && strcmp(file->name, name) != 0)
        file = file->next;
    return file;
}

static struct disk_file *file_make(struct disk *disk, const char *name) {
    struct disk_file *file = must(calloc(1, sizeof *file));
    file->name = must(strdup(name));
    if (disk != NULL) {
        file->next = disk->files;
        disk->files = file;
    }
    return file;
}

/* Counts one operation that changes something; false when the disk is dead by now. */
static bool disk_works(struct disk *disk) {
    if (disk == NULL)
        return true;
    disk->operations++;
    if (disk->dies_after != DISK_NEVER && disk->dies_after-- == 0)
        disk->dead = true;
    return !disk->dead;
}

/* --- SQLite's file --- */

static int file_close(sqlite3_file *base) {
    struct handle *handle = (struct handle *)base;
    if (handle->disk == NULL)
        file_free(handle->file);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *bytes, int amount, sqlite3_int64 offset) {
    struct handle *handle = (struct handle *)base;
    const struct image *now = &handle->file->now;
    size_t wanted = (size_t)amount, from = (size_t)offset, got = 0;
    if (handle->disk != NULL && handle->disk->dead)
        return SQLITE_IOERR_READ;
    if (from < now->length)
        got = now->length - from < wanted ? now->length - from : wanted;
    if (got > 0)
        memcpy(bytes, now->bytes + from, got);
    memset((char *)bytes + got, 0, wanted - got);
    return got == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *bytes, int amount, sqlite3_int64 offset) {
    struct handle *handle = (struct handle *)base;
    struct disk *disk = handle->disk;
    size_t length = (size_t)amount, at = (size_t)offset;
    bool dead = disk != NULL && disk->dead;
    if (!dead && disk != NULL && disk->full && at + length > handle->file->now.length)
        return SQLITE_FULL;
    bool works = disk_works(disk);
    if (!works)
        length = dead ? 0 : length / 2; /* it dies in the middle of this one */
    image_write(&handle->file->now, bytes, length, at);
    if (disk != NULL && length > 0)
        remember(handle->file, bytes, length, at);
    return works ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 length) {
    struct handle *handle = (struct handle *)base;
    if (!disk_works(handle->disk))
        return SQLITE_IOERR_TRUNCATE;
    image_resize(&handle->file->now, (size_t)length);
    if (handle->disk != NULL)
        remember(handle->file, NULL, 0, (size_t)length);
    return SQLITE_OK;
}

static void folder_sync(struct disk *disk) {
    for (struct disk_file *file = disk != NULL ? disk->files : NULL; file; file = file->next)
        file->synced_there = file->there;
}

/* The first of a new file syncs its folder too, as SQLite's own VFS does. */
static int file_sync(sqlite3_file *base, int flags) {
    struct handle *handle = (struct handle *)base;
    (void)flags;
    if (!disk_works(handle->disk))
        return SQLITE_IOERR_FSYNC;
    image_copy(&handle->file->synced, &handle->file->now);
    forget_changes(handle->file);
    if (!handle->file->synced_there)
        folder_sync(handle->disk);
    handle->file->synced_there = true;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
    *size = (sqlite3_int64)((struct handle *)base)->file->now.length;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level) {
    (void)base, (void)level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *base, int *taken) {
    (void)base;
    *taken = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int operation, void *argument) {
    (void)base, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base) {
    (void)base;
    return DISK_SECTOR;
}

/* As SQLite takes every disk to be: a write leaves the bytes beside it alone. */
static int file_nature(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int shared_map(sqlite3_file *base, int region, int size, int extend, void volatile **at) {
    struct disk_file *file = ((struct handle *)base)->file;
    *at = NULL;
    if (region >= file->shared_count && !extend)
        return SQLITE_OK;
    while (region >= file->shared_count) {
        file->shared =
            must(realloc(file->shared, (size_t)(file->shared_count + 1) * sizeof(void *)));
        file->shared[file->shared_count++] = must(calloc(1, (size_t)size));
    }
    *at = file->shared[region];
    return SQLITE_OK;
}

static int shared_lock(sqlite3_file *base, int offset, int count, int flags) {
    (void)base, (void)offset, (void)count, (void)flags;
    return SQLITE_OK;
}

static void shared_barrier(sqlite3_file *base) {
    (void)base;
}

/* The last connection is gone, and the next one makes the index anew from the log. */
static int shared_unmap(sqlite3_file *base, int erase) {
    (void)erase;
    forget_shared(((struct handle *)base)->file);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_nature,
    .xShmMap = shared_map,
    .xShmLock = shared_lock,
    .xShmBarrier = shared_barrier,
    .xShmUnmap = shared_unmap,
};

/* --- SQLite's system --- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out) {
    struct handle *handle = (struct handle *)base;
    (void)vfs;
    *handle = (struct handle){.disk = name != NULL ? disk_of(name) : NULL};
    if (handle->disk != NULL && handle->disk->dead)
        return SQLITE_CANTOPEN;
    if (handle->disk != NULL)
        handle->file = file_find(handle->disk, name);
    if (handle->file == NULL || !handle->file->there) {
        if (name != NULL && (flags & SQLITE_OPEN_CREATE) == 0)
            return SQLITE_CANTOPEN;
        if (handle->file == NULL)
            handle->file = file_make(handle->disk, name != NULL ? name : "");
        handle->file->there = true;
        handle->file->synced_there = false;
        image_resize(&handle->file->now, 0);
        remember(handle->file, NULL, 0, 0);
    }
    base->pMethods = &methods;
    if (out != NULL)
        *out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    struct disk *disk = disk_of(name);
    struct disk_file *file = disk != NULL ? file_find(disk, name) : NULL;
    (void)vfs;
    if (file == NULL || !file->there)
        return SQLITE_IOERR_DELETE_NOENT;
    if (!disk_works(disk))
        return SQLITE_IOERR_DELETE;
    file->there = false;
    if (sync_folder)
        file->synced_there = false;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *answer) {
    struct disk *disk = disk_of(name);
    const struct disk_file *file = disk != NULL ? file_find(disk, name) : NULL;
    (void)vfs, (void)flags;
    *answer = file != NULL && file->there;
    return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int size, char *path) {
    (void)vfs;
    return snprintf(path, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *bytes) {
    (void)vfs;
    return below->xRandomness(below, size, bytes);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *now) {
    (void)vfs;
    return below->xCurrentTime(below, now);
}

static int vfs_error(sqlite3_vfs *vfs, int size, char *text) {
    (void)vfs, (void)size, (void)text;
    return 0;
}

static int often_checkpointed(sqlite3 *database, char **message, const void *routines) {
    (void)message, (void)routines;
    return sqlite3_wal_autocheckpoint(database, WAL_PAGES);
}

void disk_open(void) {
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = 1024,
        .zName = "simulated",
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
    };
    sqlite3_initialize();
    below = sqlite3_vfs_find(NULL);
    sqlite3_vfs_register(&vfs, 1);
    sqlite3_auto_extension((void (*)(void))often_checkpointed);
}

/* --- its life --- */

void disk_make(struct disk *disk, const char *folder) {
    int place = 0;
    while (disks[place] != NULL)
        if (++place == DISKS_MAX)
            abort();
    *disk = (struct disk){.dies_after = DISK_NEVER};
    snprintf(disk->folder, sizeof disk->folder, "%s", folder);
    disks[place] = disk;
}

void disk_free(struct disk *disk) {
    while (disk->files != NULL) {
        struct disk_file *file = disk->files;
        disk->files = file->next;
        file_free(file);
    }
    for (int i = 0; i < DISKS_MAX; i++)
        if (disks[i] == disk)
            disks[i] = NULL;
}

void disk_kill(struct disk *disk) {
    disk->dead = true;
}

/* What the power cut leaves of one operation that was not synced. */
static void leave(struct image *image, const struct change *change, struct random_stream *draws) {
    uint32_t fate = random_below(draws, 3);
    if (fate == 0)
        return;
    if (change->bytes == NULL) {
        image_resize(image, change->offset);
        return;
    }
    for (size_t at = 0; at < change->length;) {
        size_t sector = DISK_SECTOR - (change->offset + at) % DISK_SECTOR;
        size_t length = change->length - at < sector ? change->length - at : sector;
        if (fate == 1 || random_below(draws, 2) == 0)
            image_write(image, change->bytes + at, length, change->offset + at);
        at += length;
    }
}

static void cut_power(struct disk_file *file, struct random_stream *draws) {
    if (file->there != file->synced_there && random_below(draws, 2) == 0)
        file->there = file->synced_there;
    for (size_t i = 0; i < file->count; i++)
        leave(&file->synced, &file->changes[i], draws);
    image_copy(&file->now, &file->synced);
}

void disk_revive(struct disk *disk, bool power_cut, struct random_stream *draws) {
    for (struct disk_file *file = disk->files; file != NULL; file = file->next) {
        if (power_cut) {
            cut_power(file, draws);
            image_copy(&file->synced, &file->now);
            file->synced_there = file->there;
            forget_changes(file);
        }
        forget_shared(file);
    }
    disk->dead = disk->full = false;
    disk->dies_after = DISK_NEVER;
}
