#include "core/atomic_file.h"

#include "core/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNFINISHED_MAX = 16 };

/* What stands to be removed by a signal: names of any thread, NULL in a free place. A name that
 * `ended` has seen may be in use by the handler, and is not freed. */
static _Atomic(char *) unfinished[UNFINISHED_MAX];
static atomic_bool ended;

/* Puts `to` in the first place of `from`; more files at once than there are places stay behind. */
static void replace(char *from, char *to) {
    for (size_t i = 0; i < UNFINISHED_MAX; i++) {
        char *expected = from;
        if (atomic_compare_exchange_strong(&unfinished[i], &expected, to))
            return;
    }
}

static void tidy(int number) {
    atomic_store(&ended, true);
    for (size_t i = 0; i < UNFINISHED_MAX; i++) {
        const char *name = atomic_load(&unfinished[i]);
        if (name != NULL)
            unlink(name);
    }
    raise(number); /* the handler is gone by now */
}

void atomic_file_tidy_when_ended(void) {
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = tidy,
                                     .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction before;
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(ending[i], &action, NULL);
    }
}

static void atomic_file_free(struct atomic_file *file) {
    if (file->descriptor >= 0)
        close(file->descriptor);
    free(file->path);
    if (file->temporary != NULL)
        replace(file->temporary, NULL);
    if (!atomic_load(&ended))
        free(file->temporary);
    *file = (struct atomic_file){.descriptor = -1};
}

/* What a rename would put an end to, to root's harm: a device, a pipe, and what links to one or to
 * whatever a process has open (/dev/stdout). */
static bool is_special(const char *path) {
    struct stat own, meant;
    if (stat(path, &meant) != 0 || lstat(path, &own) != 0 || S_ISDIR(meant.st_mode))
        return false;
    return !S_ISREG(meant.st_mode) || (S_ISLNK(own.st_mode) && strncmp(path, "/dev/", 5) == 0);
}

/* The name under which it is written. */
static const char *written_name(const struct atomic_file *file) {
    return file->temporary != NULL ? file->temporary : file->path;
}

static bool check_no_folder(const char *path, struct error *error) {
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return true;
    errno = EISDIR;
    return error_errno(error, ERROR_FAILED, "cannot write %s", path);
}

bool atomic_file_check(const char *path, struct error *error) {
    if (!check_no_folder(path, error))
        return false;
    if (is_special(path))
        return true;
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    if (folder == NULL)
        return error_memory(error);
    bool good = access(folder, W_OK | X_OK) == 0 ||
                error_errno(error, ERROR_FAILED, "cannot write %s", path);
    free(folder);
    return good;
}

bool atomic_file_begin(const char *path, struct atomic_file *file, struct error *error) {
    *file = (struct atomic_file){.descriptor = -1};
    if (!check_no_folder(path, error))
        return false;
    bool special = is_special(path);
    file->path = strdup(path);
    if (!special && asprintf(&file->temporary, "%s.tmp", path) < 0)
        file->temporary = NULL;
    if (file->path == NULL || (file->temporary == NULL && !special)) {
        atomic_file_free(file);
        return error_memory(error);
    }
    if (file->temporary != NULL) {
        unlink(file->temporary); /* what a killed atomic_file_link left is another's content too */
        replace(NULL, file->temporary);
    }
    int how = special ? O_TRUNC : O_CREAT | O_EXCL;
    file->descriptor = open(written_name(file), O_WRONLY | O_CLOEXEC | how, 0666);
    if (file->descriptor < 0) {
        error_errno(error, ERROR_FAILED, "cannot write %s", written_name(file));
        atomic_file_free(file);
        return false;
    }
    return true;
}

bool atomic_file_write(struct atomic_file *file, const void *data, size_t length,
                       struct error *error) {
    return storage_write_all(file->descriptor, data, length) ||
           error_errno(error, ERROR_FAILED, "cannot write %s", written_name(file));
}

bool atomic_file_commit(struct atomic_file *file, struct error *error) {
    int descriptor = file->descriptor;
    if (file->temporary == NULL) {
        file->descriptor = -1;
        bool closed = close(descriptor) == 0 ||
                      error_errno(error, ERROR_FAILED, "cannot write %s", file->path);
        atomic_file_free(file);
        return closed;
    }
    bool synced = fsync(descriptor) == 0;
    if (!synced)
        error_errno(error, ERROR_FAILED, "cannot sync %s", file->temporary);
    file->descriptor = -1;
    if (close(descriptor) != 0 && synced)
        synced = error_errno(error, ERROR_FAILED, "cannot write %s", file->temporary);
    if (synced && rename(file->temporary, file->path) != 0)
        synced =
            error_errno(error, ERROR_FAILED, "cannot rename %s to %s", file->temporary, file->path);
    if (!synced) {
        atomic_file_abandon(file);
        return false;
    }
    bool ok = storage_sync_folder_of(file->path, error);
    atomic_file_free(file);
    return ok;
}

void atomic_file_abandon(struct atomic_file *file) {
    if (file->temporary != NULL)
        unlink(file->temporary);
    atomic_file_free(file);
}

bool atomic_file_adopt(const char *temporary, const char *path, struct error *error) {
    struct atomic_file file = {.path = strdup(path), .temporary = strdup(temporary)};
    file.descriptor = open(temporary, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file.path != NULL && file.temporary != NULL && file.descriptor >= 0)
        return atomic_file_commit(&file, error);
    error_errno(error, ERROR_FAILED, "cannot read %s", temporary);
    atomic_file_free(&file);
    return false;
}

bool atomic_file_copy(const char *from, const char *path, struct error *error) {
    enum { COPY_BYTES = 1 << 20 };
    bool ok = false;
    struct atomic_file file = {.descriptor = -1};
    char *buffer = malloc(COPY_BYTES);
    int source = open(from, O_RDONLY | O_CLOEXEC);
    if (buffer == NULL || source < 0) {
        error_errno(error, ERROR_FAILED, "cannot read %s", from);
        goto out;
    }
    if (!atomic_file_begin(path, &file, error))
        goto out;
    for (;;) {
        ssize_t length = read(source, buffer, COPY_BYTES);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0) {
            error_errno(error, ERROR_FAILED, "cannot read %s", from);
            goto out;
        }
        if (length == 0)
            break;
        if (!atomic_file_write(&file, buffer, (size_t)length, error))
            goto out;
    }
    ok = atomic_file_commit(&file, error);
out:
    if (!ok)
        atomic_file_abandon(&file);
    if (source >= 0)
        close(source);
    free(buffer);
    return ok;
}

bool atomic_file_link(const char *from, const char *path, struct error *error) {
    bool ok = false;
    struct stat old, new;
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.tmp", path) < 0)
        return error_memory(error);
    if (stat(from, &old) == 0 && stat(path, &new) == 0 && old.st_dev == new.st_dev &&
        old.st_ino == new.st_ino) {
        ok = true; /* rename would leave the temporary name behind */
        goto out;
    }
    unlink(temporary);
    if (link(from, temporary) != 0) {
        ok = atomic_file_copy(from, path, error);
        goto out;
    }
    if (rename(temporary, path) != 0) {
        error_errno(error, ERROR_FAILED, "cannot rename %s to %s", temporary, path);
        unlink(temporary);
        goto out;
    }
    ok = storage_sync_folder_of(path, error);
out:
    free(temporary);
    return ok;
}
