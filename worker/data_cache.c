#include "worker/data_cache.h"

#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { RESERVE_BYTES = 64 << 20, NFTW_OPEN = 16, BELOW_MAX = 4600 };

struct data_cache {
    char *dir, *incoming;
    int64_t most_bytes;
};

/* "DIR/NAME"; the caller frees. NULL without memory. */
static char *path_in(const char *dir, const char *name, struct error *error) {
    char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) >= 0)
        return path;
    error_memory(error);
    return NULL;
}

/* --- opening --- */

bool data_cache_open(const char *dir, int64_t most_bytes, struct data_cache **cache,
                     struct error *error) {
    static const char *const folders[] = {"incoming", "pictures", "sets"};
    struct data_cache *made = calloc(1, sizeof *made);
    bool good = made != NULL || error_memory(error);
    good = good && folder_make(dir, error);
    if (good && (made->dir = realpath(dir, NULL)) == NULL)
        good = error_errno(error, ERROR_FAILED, "cannot use %s", dir);
    for (size_t i = 0; i < 3 && good; i++) {
        char *path = path_in(made->dir, folders[i], error);
        good = path != NULL && folder_make(path, error);
        if (i == 0 && good)
            made->incoming = path;
        else
            free(path);
    }
    if (good) {
        made->most_bytes = most_bytes;
        *cache = made;
    } else {
        data_cache_close(made);
    }
    return good;
}

void data_cache_close(struct data_cache *cache) {
    if (cache == NULL)
        return;
    free(cache->dir);
    free(cache->incoming);
    free(cache);
}

const char *data_cache_incoming(const struct data_cache *cache) {
    return cache->incoming;
}

/* --- holding --- */

/* A lock on a file that still has its name: a set that was removed meanwhile has another one. */
static bool lock_used(const char *path, int *descriptor) {
    struct stat named, locked;
    *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (*descriptor < 0)
        return false;
    if (flock(*descriptor, LOCK_SH) == 0 && stat(path, &named) == 0 &&
        fstat(*descriptor, &locked) == 0 && named.st_ino == locked.st_ino)
        return true;
    close(*descriptor);
    *descriptor = -1;
    return false;
}

bool data_cache_hold(struct data_cache *cache, const char *id, struct data_hold *hold,
                     struct error *error) {
    char *sets = path_in(cache->dir, "sets", error), *used = NULL, *whole = NULL;
    *hold = (struct data_hold){.descriptor = -1};
    bool good = sets != NULL && (hold->path = path_in(sets, id, error)) != NULL &&
                (used = path_in(hold->path, "used", error)) != NULL &&
                (whole = path_in(hold->path, "whole", error)) != NULL;
    for (int tries = 0; good && hold->descriptor < 0; tries++) {
        good = folder_make(hold->path, error);
        if (good && !lock_used(used, &hold->descriptor) && tries == 100)
            good = error_errno(error, ERROR_FAILED, "cannot lock %s", used);
    }
    if (good) {
        futimens(hold->descriptor, NULL);
        hold->whole = access(whole, F_OK) == 0;
    }
    free(sets);
    free(used);
    free(whole);
    if (!good)
        data_hold_release(hold);
    return good;
}

void data_hold_release(struct data_hold *hold) {
    if (hold->descriptor >= 0) {
        futimens(hold->descriptor, NULL);
        close(hold->descriptor);
    }
    free(hold->path);
    *hold = (struct data_hold){.descriptor = -1};
}

bool data_cache_fill(struct data_cache *cache, int *lock, struct error *error) {
    char *path = path_in(cache->dir, "fill", error);
    if (path == NULL)
        return false;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool good = *lock >= 0 || error_errno(error, ERROR_FAILED, "cannot write %s", path);
    if (good && flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        good = errno == EWOULDBLOCK || error_errno(error, ERROR_FAILED, "cannot lock %s", path);
        close(*lock);
        *lock = -1;
    }
    free(path);
    return good;
}

/* --- room --- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* What nftw cannot be handed: only the process that fills walks. */
static int64_t counted;

/* Counts a picture, or removes one that stands in no set. */
static int count_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)place;
    if (kind == FTW_F && status->st_nlink < 2 && unlink(path) == 0)
        return 0;
    counted += kind == FTW_F ? (int64_t)status->st_size : 0;
    return 0;
}

/* Bytes of the pictures that stand in sets; the others are removed. */
static int64_t count_pictures(const struct data_cache *cache) {
    char path[PATH_MAX];
    counted = 0;
    snprintf(path, sizeof path, "%s/pictures", cache->dir);
    nftw(path, count_one, NFTW_OPEN, FTW_PHYS);
    return counted;
}

/* The set that was not used for longest and that nobody holds, its `used` locked; -1: none. */
static int find_oldest(const struct data_cache *cache, const struct data_hold *hold,
                       char found[PATH_MAX]) {
    char sets[PATH_MAX], path[PATH_MAX + 300];
    const struct dirent *entry;
    struct timespec oldest = {0};
    int held = -1;
    snprintf(sets, sizeof sets, "%s/sets", cache->dir);
    DIR *open_sets = opendir(sets);
    while (open_sets != NULL && (entry = readdir(open_sets)) != NULL) {
        struct stat status;
        snprintf(path, sizeof path, "%s/%s/used", sets, entry->d_name);
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, strrchr(hold->path, '/') + 1) == 0)
            continue;
        int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        bool free_now = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0 &&
                        fstat(descriptor, &status) == 0;
        bool older =
            free_now &&
            (held < 0 || status.st_mtim.tv_sec < oldest.tv_sec ||
             (status.st_mtim.tv_sec == oldest.tv_sec && status.st_mtim.tv_nsec < oldest.tv_nsec));
        if (!older) {
            if (descriptor >= 0)
                close(descriptor);
            continue;
        }
        if (held >= 0)
            close(held);
        held = descriptor;
        oldest = status.st_mtim;
        if (snprintf(found, PATH_MAX, "%s/%s", sets, entry->d_name) >= PATH_MAX)
            break; /* no name that data_cache_hold has given */
    }
    if (open_sets != NULL)
        closedir(open_sets);
    return held;
}

/* A set without `whole` first, so that a kill in the middle leaves none that looks it. */
static bool evict_oldest(const struct data_cache *cache, const struct data_hold *hold) {
    char path[PATH_MAX], whole[PATH_MAX + 8];
    int held = find_oldest(cache, hold, path);
    if (held < 0)
        return false;
    snprintf(whole, sizeof whole, "%s/whole", path);
    unlink(whole);
    bool gone = nftw(path, remove_one, NFTW_OPEN, FTW_PHYS | FTW_DEPTH) == 0;
    close(held);
    return gone;
}

static int64_t disk_room(const struct data_cache *cache) {
    struct statvfs status;
    return statvfs(cache->dir, &status) != 0
               ? 0
               : (int64_t)status.f_bavail * (int64_t)status.f_frsize - RESERVE_BYTES;
}

bool data_cache_room(struct data_cache *cache, const struct data_hold *hold, int64_t bytes,
                     struct error *error) {
    for (;;) {
        int64_t used = count_pictures(cache), room = disk_room(cache);
        if (used + bytes <= cache->most_bytes && bytes <= room)
            return true;
        if (evict_oldest(cache, hold))
            continue;
        if (bytes > room)
            return error_set(error, ERROR_FAILED,
                             "no room for %lld bytes of pictures: the disk of %s has %lld left; "
                             "make room there, or name another --data-cache",
                             (long long)bytes, cache->dir, (long long)(room > 0 ? room : 0));
        return error_set(
            error, ERROR_FAILED,
            "no room for %lld bytes of pictures: %s may hold %lld and %lld are in use; "
            "raise --data-cache-gib",
            (long long)bytes, cache->dir, (long long)cache->most_bytes, (long long)used);
    }
}

/* --- pictures --- */

static bool picture_path(const struct data_cache *cache, const char *sha256, char path[PATH_MAX],
                         struct error *error) {
    return snprintf(path, PATH_MAX, "%s/pictures/%.2s/%s", cache->dir, sha256, sha256 + 2) <
               PATH_MAX ||
           error_set(error, ERROR_INPUT, "%s: the name is too long", cache->dir);
}

bool data_cache_link(struct data_cache *cache, const struct data_hold *hold, const char *sha256,
                     const char *name, struct error *error) {
    char from[PATH_MAX], path[PATH_MAX + BELOW_MAX];
    struct stat there, wanted;
    if (!picture_path(cache, sha256, from, error))
        return false;
    snprintf(path, sizeof path, "%s/%s", hold->path, name);
    if (!folder_make_of(path, error))
        return false;
    if (link(from, path) == 0)
        return true;
    if (errno != EEXIST)
        return error_errno(error, ERROR_FAILED, "cannot link %s", path);
    if (stat(from, &wanted) == 0 && lstat(path, &there) == 0 && wanted.st_ino == there.st_ino)
        return true;
    return (unlink(path) == 0 && link(from, path) == 0) ||
           error_errno(error, ERROR_FAILED, "cannot link %s", path);
}

bool data_cache_take(struct data_cache *cache, const struct data_hold *hold, const char *sha256,
                     const char *name, bool *there, int64_t *bytes, struct error *error) {
    char path[PATH_MAX], found[SHA256_TEXT_SIZE];
    *there = false;
    if (!picture_path(cache, sha256, path, error))
        return false;
    if (access(path, F_OK) != 0)
        return true;
    if (!sha256_path(path, found, bytes, error))
        return false;
    if (strcmp(found, sha256) != 0)
        return unlink(path) == 0 || error_errno(error, ERROR_FAILED, "cannot remove %s", path);
    *there = true;
    return data_cache_link(cache, hold, sha256, name, error);
}

bool data_cache_keep(struct data_cache *cache, const char *part, const char *sha256,
                     struct error *error) {
    char path[PATH_MAX];
    return picture_path(cache, sha256, path, error) && folder_make_of(path, error) &&
           (rename(part, path) == 0 ||
            error_errno(error, ERROR_FAILED, "cannot rename %s to %s", part, path));
}

bool data_cache_doubt(struct data_hold *hold, struct error *error) {
    char *path = path_in(hold->path, "whole", error);
    if (path == NULL)
        return false;
    bool good = unlink(path) == 0 || errno == ENOENT ||
                error_errno(error, ERROR_FAILED, "cannot remove %s", path);
    hold->whole = hold->whole && !good;
    free(path);
    return good;
}

bool data_cache_finish(struct data_cache *cache, struct data_hold *hold, struct error *error) {
    char *path = path_in(hold->path, "whole", error);
    (void)cache;
    if (path == NULL)
        return false;
    bool good = syncfs(hold->descriptor) == 0 ||
                error_errno(error, ERROR_FAILED, "cannot sync %s", hold->path);
    good = good && file_write_atomic(path, "", 0, error);
    hold->whole = good;
    free(path);
    return good;
}
