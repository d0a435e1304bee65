#include "coordinator/blobs.h"

#include "coordinator/lock_file.h"
#include "core/atomic_file.h"
#include "core/depot.h"
#include "core/file.h"
#include "core/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct blobs {
    char *dir;
    struct lock_file *lock;
};

/* Room for a path below DIR; blobs_open refuses a DIR that is too long for it. */
enum { PATH_SIZE = PATH_MAX, BELOW_MAX = 128 };

#define GONE ".gone" /* the name of what blobs_sweep takes ends so */

const char *blobs_dir(const struct blobs *blobs) {
    return blobs->dir;
}

/* --- opening --- */

static bool take_lock(struct blobs *blobs, struct error *error) {
    char path[PATH_SIZE];
    int held_by = 0;
    snprintf(path, sizeof path, "%s/lock", blobs->dir);
    if (lock_file_take(path, &blobs->lock, &held_by, error))
        return true;
    if (held_by == 0)
        return error_context(error, "%s: cannot keep artifacts there", blobs->dir);
    return error_set(error, ERROR_FAILED,
                     "%s: another coordinator keeps its artifacts there; name another folder with "
                     "--artifacts",
                     blobs->dir);
}

/* Makes the folders. What a process made or renamed that was killed before it synced the folder has
 * a name here, so the names are synced before anybody relies on them. */
static bool make_folders(const struct blobs *blobs, struct error *error) {
    char path[PATH_SIZE], front[3];
    snprintf(path, sizeof path, "%s/incoming", blobs->dir);
    if (!folder_make(path, error))
        return false;
    snprintf(path, sizeof path, "%s/sha256", blobs->dir);
    if (!folder_make(path, error) || !storage_sync_folder(path, error) ||
        !storage_sync_folder(blobs->dir, error))
        return false;
    for (unsigned i = 0; i < 256; i++) {
        snprintf(front, sizeof front, "%02x", i);
        depot_folder(blobs->dir, front, path);
        if (access(path, F_OK) == 0 && !storage_sync_folder(path, error))
            return false;
    }
    return true;
}

bool blobs_open(const char *dir, struct blobs **blobs, struct error *error) {
    struct blobs *made = calloc(1, sizeof *made);
    bool ok = made != NULL || error_set(error, ERROR_FAILED, "no memory to open %s", dir);
    ok = ok && folder_make(dir, error);
    if (ok && (made->dir = realpath(dir, NULL)) == NULL)
        ok = error_errno(error, ERROR_FAILED, "cannot use %s", dir);
    if (ok && strlen(made->dir) > PATH_SIZE - BELOW_MAX)
        ok = error_set(error, ERROR_INPUT, "%s: the name is too long", made->dir);
    ok = ok && take_lock(made, error) && make_folders(made, error);
    if (ok)
        *blobs = made;
    else
        blobs_close(made);
    return ok;
}

void blobs_close(struct blobs *blobs) {
    if (blobs == NULL)
        return;
    lock_file_release(blobs->lock);
    free(blobs->dir);
    free(blobs);
}

/* --- what there is --- */

static int64_t size_of(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) ? (int64_t)status.st_size : -1;
}

int64_t blobs_size(const struct blobs *blobs, const char *sha256) {
    char path[PATH_SIZE];
    depot_file(blobs->dir, sha256, path);
    return size_of(path);
}

int64_t blobs_part_size(const struct blobs *blobs, const char *sha256) {
    char path[PATH_SIZE];
    depot_part(blobs->dir, sha256, path);
    return size_of(path);
}

bool blobs_room(const struct blobs *blobs, int64_t *bytes, struct error *error) {
    struct statvfs status;
    if (statvfs(blobs->dir, &status) != 0)
        return error_errno(error, ERROR_FAILED, "cannot look at the artifacts in %s", blobs->dir);
    *bytes = (int64_t)status.f_bavail * (int64_t)status.f_frsize;
    return true;
}

/* --- coming in --- */

bool blobs_append(struct blobs *blobs, const char *sha256, const void *data, size_t length,
                  struct error *error) {
    char path[PATH_SIZE];
    struct stat before;
    depot_part(blobs->dir, sha256, path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0 || fstat(descriptor, &before) != 0) {
        error_errno(error, ERROR_FAILED, "cannot write %s", path);
        if (descriptor >= 0)
            close(descriptor);
        return false;
    }
    if (before.st_nlink != 1) {
        close(descriptor);
        return error_set(error, ERROR_FAILED, "%s is a worker's own file", path);
    }
    bool ok = storage_write_all(descriptor, data, length);
    if (!ok) {
        error_errno(error, ERROR_FAILED, "cannot write %s", path);
        /* what cannot be cut off shows when the part is sealed */
        if (ftruncate(descriptor, before.st_size) != 0)
            unlink(path);
    }
    close(descriptor);
    return ok;
}

/* The part has the sum of its name; else it goes. */
static bool check_part(const char *path, const char *sha256, struct error *error) {
    char found[SHA256_TEXT_SIZE];
    int64_t bytes;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return error_errno(error, ERROR_FAILED, "cannot read %s", path);
    bool ok = sha256_file(descriptor, path, found, &bytes, error);
    close(descriptor);
    if (!ok || strcmp(found, sha256) == 0)
        return ok;
    unlink(path);
    return error_set(error, ERROR_INPUT,
                     "the %lld bytes that came have the SHA-256 %s, not %s: they are dropped",
                     (long long)bytes, found, sha256);
}

bool blobs_seal(struct blobs *blobs, const char *sha256, struct error *error) {
    char part[PATH_SIZE], path[PATH_SIZE];
    depot_part(blobs->dir, sha256, part);
    depot_file(blobs->dir, sha256, path);
    return check_part(part, sha256, error) && folder_make_of(path, error) &&
           atomic_file_adopt(part, path, error);
}

/* --- going out --- */

bool blobs_read(const struct blobs *blobs, const char *sha256, int64_t offset, void *data,
                size_t capacity, size_t *length, struct error *error) {
    char path[PATH_SIZE];
    ssize_t got;
    depot_file(blobs->dir, sha256, path);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return error_errno(error, ERROR_FAILED, "cannot read %s", path);
    do
        got = pread(descriptor, data, capacity, offset);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        error_errno(error, ERROR_FAILED, "cannot read %s", path);
    close(descriptor);
    *length = got < 0 ? 0 : (size_t)got;
    return got >= 0;
}

bool blobs_remove(struct blobs *blobs, const char *sha256, struct error *error) {
    char path[PATH_SIZE], gone[PATH_SIZE];
    depot_file(blobs->dir, sha256, path);
    snprintf(gone, sizeof gone, "%s/incoming/%s" GONE, blobs->dir, sha256);
    if (rename(path, gone) == 0)
        return true;
    const int why = errno; /* ENOENT also where the folder that it was to go to is missing */
    if (why == ENOENT && size_of(path) < 0)
        return true;
    errno = why;
    return error_errno(error, ERROR_FAILED, "cannot remove %s", path);
}

void blobs_sweep(struct blobs *blobs) {
    char path[PATH_SIZE];
    const struct dirent *entry;
    snprintf(path, sizeof path, "%s/incoming", blobs->dir);
    DIR *open = opendir(path);
    while (open != NULL && (entry = readdir(open)) != NULL) {
        size_t length = strlen(entry->d_name), end = sizeof GONE - 1;
        if (length > end && strcmp(entry->d_name + length - end, GONE) == 0)
            unlinkat(dirfd(open), entry->d_name, 0);
    }
    if (open != NULL)
        closedir(open);
}

bool blobs_remove_part(struct blobs *blobs, const char *sha256, struct error *error) {
    char path[PATH_SIZE];
    depot_part(blobs->dir, sha256, path);
    return unlink(path) == 0 || errno == ENOENT ||
           error_errno(error, ERROR_FAILED, "cannot remove %s", path);
}

/* --- all of them --- */

/* Visits the files of a folder whose names, between `front` and `back`, are sums. */
static bool each_in(const char *folder, const char *front, const char *back, blobs_visitor *visit,
                    void *context, struct error *error) {
    char path[PATH_SIZE], sha256[SHA256_TEXT_SIZE];
    const size_t digits = SHA256_TEXT_SIZE - 1 - strlen(front);
    const struct dirent *entry;
    DIR *open = opendir(folder);
    if (open == NULL)
        return errno == ENOENT || error_errno(error, ERROR_FAILED, "cannot read %s", folder);
    while ((entry = readdir(open)) != NULL) {
        if (strlen(entry->d_name) != digits + strlen(back) ||
            strcmp(entry->d_name + digits, back) != 0)
            continue;
        snprintf(sha256, sizeof sha256, "%s%.*s", front, (int)digits, entry->d_name);
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            continue;
        int64_t bytes = size_of(path);
        if (sha256_valid(sha256) && bytes >= 0)
            visit(context, sha256, back[0] != '\0', bytes);
    }
    closedir(open);
    return true;
}

bool blobs_each_in(const struct blobs *blobs, unsigned folder, blobs_visitor *visit, void *context,
                   struct error *error) {
    char path[PATH_SIZE], front[SHA256_TEXT_SIZE];
    if (folder == BLOBS_PARTS) {
        snprintf(path, sizeof path, "%s/incoming", blobs->dir);
        return each_in(path, "", ".part", visit, context, error);
    }
    snprintf(front, sizeof front, "%02x", folder);
    depot_folder(blobs->dir, front, path);
    return each_in(path, front, "", visit, context, error);
}

bool blobs_each(const struct blobs *blobs, blobs_visitor *visit, void *context,
                struct error *error) {
    for (unsigned folder = 0; folder < BLOBS_FOLDERS; folder++)
        if (!blobs_each_in(blobs, folder, visit, context, error))
            return false;
    return true;
}
