#include "worker/folder.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { DYING_MS = 2000, PAUSE_MS = 20 };

static bool open_lock(const char *dir, int flags, int *lock, struct error *error) {
    char path[4096];
    *lock = -1;
    if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path)
        return error_set(error, ERROR_INPUT, "%s: the path is too long", dir);
    *lock = open(path, O_RDWR | O_CLOEXEC | flags, 0666);
    return *lock >= 0 || error_errno(error, ERROR_INPUT, "cannot open %s", path);
}

/* The kernel closes the files of a killed process one after the other, so what was started in its
 * place may find some locks free and others not yet. */
static bool take(int lock) {
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    bool taken = flock(lock, LOCK_EX | LOCK_NB) == 0;
    for (int waited_ms = 0; !taken && errno == EWOULDBLOCK && waited_ms < DYING_MS;
         waited_ms += PAUSE_MS) {
        nanosleep(&pause, NULL);
        taken = flock(lock, LOCK_EX | LOCK_NB) == 0;
    }
    return taken;
}

bool folder_lock(const char *dir, int *lock, struct error *error) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!open_lock(dir, O_CREAT, lock, error))
        return false;
    if (!take(*lock)) {
        if (errno == EWOULDBLOCK)
            return error_set(
                error, ERROR_INPUT,
                "%s: another worker is running in this folder; give each worker its own --dir",
                dir);
        return error_errno(error, ERROR_FAILED, "cannot lock %s", dir);
    }
    return fcntl(*lock, F_SETLK, &whole) == 0 ||
           error_errno(error, ERROR_FAILED, "cannot lock %s", dir);
}

bool folder_drain(const char *dir, bool *held, struct error *error) {
    struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int lock;
    bool good = false;
    if (!open_lock(dir, 0, &lock, error))
        return error_context(error, "no worker has been in %s", dir);
    *held = flock(lock, LOCK_EX | LOCK_NB) != 0;
    if (!*held) {
        good = true;
        goto out;
    }
    if (fcntl(lock, F_GETLK, &holder) != 0 || holder.l_type == F_UNLCK || holder.l_pid <= 0 ||
        kill(holder.l_pid, SIGUSR1) != 0) {
        error_set(error, ERROR_FAILED,
                  "%s: its worker cannot be asked from here; on its machine, send it SIGTERM", dir);
        goto out;
    }
    file_lock(lock);
    good = true;
out:
    close(lock);
    return good;
}

bool folder_room(const char *dir, uint64_t *bytes) {
    struct statvfs status;
    *bytes = 0;
    if (statvfs(dir, &status) != 0 || status.f_blocks == 0)
        return false;
    *bytes = (uint64_t)(geteuid() == 0 ? status.f_bfree : status.f_bavail) * status.f_frsize;
    return true;
}
