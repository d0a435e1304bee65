#include "core/file.h"

#include "core/atomic_file.h"
#include "core/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool too_large(const char *path, size_t limit, struct error *error) {
    return error_set(error, ERROR_INPUT, "%s: larger than %zu bytes; is it the right file?", path,
                     limit);
}

/* Reads until the end of the file or until `limit` is passed. The buffer grows as bytes arrive:
 * what stat says of a pipe or of a file that is being written is not to be trusted. */
static bool read_all(int descriptor, const char *path, size_t limit, char **data, size_t *length,
                     struct error *error) {
    size_t capacity = 0, used = 0;
    char *buffer = NULL;
    for (;;) {
        if (capacity - used < 2) {
            capacity = capacity == 0 ? 65536 : 2 * capacity;
            char *larger = capacity <= SIZE_MAX / 2 ? realloc(buffer, capacity) : NULL;
            if (larger == NULL) {
                error_machine(error, "%s: no memory to read it", path);
                break;
            }
            buffer = larger;
        }
        ssize_t got = read(descriptor, buffer + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
            break;
        }
        used += (size_t)got;
        if (used > limit) {
            too_large(path, limit, error);
            break;
        }
        if (got == 0) {
            buffer[used] = '\0';
            *data = buffer;
            *length = used;
            return true;
        }
    }
    free(buffer);
    return false;
}

bool file_read(const char *path, size_t limit, char **data, size_t *length, struct error *error) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
    struct stat status;
    bool ok, known = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    if (known && (uint64_t)status.st_size > limit) /* before memory is taken for it */
        ok = too_large(path, limit, error);
    else
        ok = read_all(descriptor, path, limit, data, length, error);
    close(descriptor);
    return ok;
}

/* In pieces of what Linux reads ahead by itself unless told otherwise: it takes no more at a time.
 */
void file_read_ahead(const char *path) {
    enum { PIECE = 128 << 10 };
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0)
        return;
    off_t length = fstat(descriptor, &status) == 0 ? status.st_size : 0;
    for (off_t offset = 0; offset < length; offset += PIECE)
        if (posix_fadvise(descriptor, offset, PIECE, POSIX_FADV_WILLNEED) != 0)
            break;
    close(descriptor);
}

void *file_piece(int descriptor, const char *path, int64_t offset, size_t length,
                 struct error *error) {
    char *bytes = malloc(length + 1); /* of nothing there is something too */
    size_t have = 0;
    if (bytes == NULL)
        error_machine(error, "%s: no memory to read it", path);
    while (bytes != NULL && have < length) {
        ssize_t got = pread(descriptor, bytes + have, length - have, offset + (int64_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got < 0)
                error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
            else
                error_set(error, ERROR_INPUT, "%s has become shorter; begin again", path);
            free(bytes);
            return NULL;
        }
        have += (size_t)got;
    }
    return bytes;
}

bool file_write_atomic(const char *path, const void *data, size_t length, struct error *error) {
    struct atomic_file file;
    if (!atomic_file_begin(path, &file, error))
        return false;
    if (!atomic_file_write(&file, data, length, error)) {
        atomic_file_abandon(&file);
        return false;
    }
    return atomic_file_commit(&file, error);
}

static bool folder_make_one(const char *path, struct error *error) {
    struct stat status;
    if (mkdir(path, 0777) == 0) {
        bool durable = storage_sync_folder_of(path, error);
        if (!durable) /* else the next one would take it to be */
            rmdir(path);
        return durable;
    }
    int reason = errno;
    bool seen = stat(path, &status) == 0;
    if (seen && S_ISDIR(status.st_mode))
        return true;
    if (seen || reason != EEXIST) /* else what keeps it from being seen */
        errno = reason;
    return error_errno(error, ERROR_FAILED, "cannot make the folder %s", path);
}

bool folder_make(const char *path, struct error *error) {
    char *prefix = strdup(path);
    if (prefix == NULL)
        return error_machine(error, "no memory to make the folder %s", path);
    bool ok = true;
    for (char *slash = prefix; ok && (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        ok = folder_make_one(prefix, error);
        *slash = '/';
    }
    ok = ok && folder_make_one(prefix, error);
    free(prefix);
    return ok;
}

bool folder_make_of(const char *path, struct error *error) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return true;
    char *folder = strndup(path, (size_t)(slash - path));
    bool made = folder != NULL ? folder_make(folder, error)
                               : error_machine(error, "no memory to make the folder of %s", path);
    free(folder);
    return made;
}

bool file_lock(int descriptor) {
    int status;
    do
        status = flock(descriptor, LOCK_EX);
    while (status != 0 && errno == EINTR);
    return status == 0;
}
