#include "tests/world/folders.h"

#include "tests/temporary.h"
#include "tests/world/disk_file.h"

#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>

/* A folder that is not on the disk. */
struct made {
    struct made *next;
    char *path;
    struct stat above; /* the folder that it was made in */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards both of these */
static struct made *made;
static folders_watcher *watching;

static void made_free(struct made *folder) {
    free(folder->path);
    free(folder);
}

void folders_watch(folders_watcher *watcher) {
    pthread_mutex_lock(&lock);
    watching = watcher;
    pthread_mutex_unlock(&lock);
}

void folders_unsync(const char *path) {
    struct made *folder = disk_memory(calloc(1, sizeof *folder));
    char *above = disk_memory(strdup(path));
    folder->path = disk_memory(strdup(path));
    bool there = stat(dirname(above), &folder->above) == 0;
    free(above);
    if (!there) {
        made_free(folder);
        return;
    }
    pthread_mutex_lock(&lock);
    folder->next = made;
    made = folder;
    pthread_mutex_unlock(&lock);
}

int mkdir(const char *path, mode_t mode) {
    int rc = mkdirat(AT_FDCWD, path, mode);
    if (rc == 0)
        folders_unsync(path);
    return rc;
}

/* No real disk has to hear of it. */
int fsync(int descriptor) {
    struct stat synced;
    if (fstat(descriptor, &synced) != 0)
        return -1;
    pthread_mutex_lock(&lock);
    for (struct made **at = &made; *at != NULL;) {
        struct made *folder = *at;
        bool durable =
            folder->above.st_dev == synced.st_dev && folder->above.st_ino == synced.st_ino;
        *at = durable ? folder->next : folder;
        if (durable)
            made_free(folder);
        else
            at = &folder->next;
    }
    if (watching != NULL)
        watching(&synced);
    pthread_mutex_unlock(&lock);
    return 0;
}

static bool stands_in(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

void folders_lose_power(const char *path, struct random_stream *draws) {
    pthread_mutex_lock(&lock);
    for (struct made **at = &made; *at != NULL;) {
        struct made *folder = *at;
        if (!stands_in(folder->path, path)) {
            at = &folder->next;
            continue;
        }
        if (random_below(draws, 2) == 0)
            nftw(folder->path, temporary_unlink, 16, FTW_DEPTH | FTW_PHYS);
        *at = folder->next;
        made_free(folder);
    }
    pthread_mutex_unlock(&lock);
}
