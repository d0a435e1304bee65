#include "coordinator/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lock_file {
    int descriptor;
    char *path;
};

/* A release removes the file, so the one that was opened may be no longer the one at the path. */
static bool still_there(int descriptor, const char *path) {
    struct stat opened, named;
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static int read_holder(int descriptor) {
    char text[16] = "";
    ssize_t length = pread(descriptor, text, sizeof text - 1, 0);
    long holder = length > 0 ? strtol(text, NULL, 10) : 0;
    return holder > 0 ? (int)holder : -1;
}

bool lock_file_take(const char *path, struct lock_file **lock, int *held_by, struct error *error) {
    int descriptor;
    *held_by = 0;
    for (;;) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (descriptor < 0)
            return error_errno(error, ERROR_FAILED, "cannot make %s", path);
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(descriptor, F_OFD_SETLK, &whole) != 0) {
            bool held = errno == EAGAIN || errno == EACCES;
            error_errno(error, ERROR_FAILED, "cannot lock %s", path);
            *held_by = held ? read_holder(descriptor) : 0;
            close(descriptor);
            return false;
        }
        if (still_there(descriptor, path))
            break;
        close(descriptor);
    }
    *lock = malloc(sizeof **lock);
    char *copy = strdup(path);
    if (*lock == NULL || copy == NULL) {
        free(*lock);
        *lock = NULL;
        free(copy);
        close(descriptor);
        return error_set(error, ERROR_FAILED, "no memory to lock %s", path);
    }
    **lock = (struct lock_file){.descriptor = descriptor, .path = copy};
    /* For the message to whoever comes second; the lock holds without it. */
    if (ftruncate(descriptor, 0) == 0)
        dprintf(descriptor, "%ld\n", (long)getpid());
    return true;
}

void lock_file_release(struct lock_file *lock) {
    if (lock == NULL)
        return;
    unlink(lock->path);
    close(lock->descriptor);
    free(lock->path);
    free(lock);
}
