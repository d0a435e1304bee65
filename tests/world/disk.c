#include "tests/world/disk.h"

#include "tests/world/disk_file.h"
#include "tests/world/folders.h"

#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct handle {
    sqlite3_file base;
    struct disk *disk; /* NULL: a temporary file's */
    struct disk_file *file;
};

static struct disk *disks[DISKS_MAX];
static sqlite3_vfs *below; /* SQLite's own, for time and randomness */

static struct disk *disk_of(const char *name) {
    for (int i = 0; i < DISKS_MAX; i++) {
        size_t length = disks[i] != NULL ? strlen(disks[i]->folder) : 0;
        if (length > 0 && strncmp(name, disks[i]->folder, length) == 0 && name[length] == '/')
            return disks[i];
    }
    return NULL;
}

static struct disk_file *file_make(struct disk *disk, const char *name) {
    struct disk_file *file = disk_file_make(name);
    if (disk != NULL) {
        file->next = disk->files;
        disk->files = file;
    }
    return file;
}

static struct disk_file *file_find(struct disk *disk, const char *name) {
    struct disk_file *file = disk->files;
    while (file != NULL && strcmp(file->name, name) != 0)
        file = file->next;
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
        disk_file_free(handle->file);
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

static bool is_full(const struct disk *disk) {
    return disk->full && (disk->full_by == NULL || access(disk->full_by, F_OK) == 0);
}

static int file_write(sqlite3_file *base, const void *bytes, int amount, sqlite3_int64 offset) {
    struct handle *handle = (struct handle *)base;
    struct disk *disk = handle->disk;
    size_t length = (size_t)amount, at = (size_t)offset;
    bool dead = disk != NULL && disk->dead;
    if (!dead && disk != NULL && is_full(disk) && at + length > handle->file->now.length)
        return SQLITE_FULL;
    bool works = disk_works(disk);
    if (!works)
        length = dead ? 0 : length / 2; /* it dies in the middle of this one */
    disk_file_write(handle->file, bytes, length, at);
    return works ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 length) {
    struct handle *handle = (struct handle *)base;
    if (!disk_works(handle->disk))
        return SQLITE_IOERR_TRUNCATE;
    disk_file_cut(handle->file, (size_t)length);
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
    disk_file_sync(handle->file);
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
    return 512;
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
            disk_memory(realloc(file->shared, (size_t)(file->shared_count + 1) * sizeof(void *)));
        file->shared[file->shared_count++] = disk_memory(calloc(1, (size_t)size));
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
    disk_file_forget_shared(((struct handle *)base)->file);
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
        disk_file_cut(handle->file, 0);
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

static struct disk *filled; /* by disk_fill_for_now */

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    if (filled != NULL)
        filled->full = false;
    filled = NULL;
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
}

/* --- its life --- */

void disk_fill_for_now(struct disk *disk) {
    disk->full = true;
    filled = disk;
}

void disk_make(struct disk *disk, const char *folder) {
    int place = 0;
    while (disks[place] != NULL)
        if (++place == DISKS_MAX)
            abort();
    *disk = (struct disk){.dies_after = DISK_NEVER};
    snprintf(disk->folder, sizeof disk->folder, "%s", folder);
    disks[place] = disk;
}

static void disk_clear(struct disk *disk) {
    while (disk->files != NULL) {
        struct disk_file *file = disk->files;
        disk->files = file->next;
        disk_file_free(file);
    }
}

void disk_put(struct disk *disk, const char *name, const void *bytes, size_t length) {
    disk_clear(disk);
    struct disk_file *file = file_make(disk, name);
    disk_file_write(file, bytes, length, 0);
    disk_file_sync(file);
    file->there = file->synced_there = true;
}

void disk_free(struct disk *disk) {
    disk_clear(disk);
    for (int i = 0; i < DISKS_MAX; i++)
        if (disks[i] == disk)
            disks[i] = NULL;
}

void disk_kill(struct disk *disk) {
    disk->dead = true;
}

static bool has_folder(const struct disk_file *file) {
    char *name = disk_memory(strdup(file->name));
    bool there = access(dirname(name), F_OK) == 0;
    free(name);
    return there;
}

void disk_revive(struct disk *disk, bool power_cut, struct random_stream *draws) {
    if (power_cut)
        folders_lose_power(disk->folder, draws);
    for (struct disk_file *file = disk->files; file != NULL; file = file->next) {
        if (power_cut)
            disk_file_lose_power(file, draws);
        if (power_cut && !has_folder(file))
            file->there = file->synced_there = false;
        disk_file_forget_shared(file);
    }
    disk->dead = disk->full = false;
    disk->dies_after = DISK_NEVER;
}
