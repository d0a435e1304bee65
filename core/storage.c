#include "core/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool storage_write_all(int descriptor, const void *data, size_t length) {
    const char *bytes = data;
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

bool storage_sync_folder(const char *path, struct error *error) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = descriptor >= 0 && fsync(descriptor) == 0;
    if (!ok)
        error_errno(error, ERROR_FAILED, "cannot sync the folder %s", path);
    if (descriptor >= 0)
        close(descriptor);
    return ok;
}

bool storage_sync_folder_of(const char *path, struct error *error) {
    char *copy = strdup(path);
    if (copy == NULL)
        return error_machine(error, "no memory to sync the folder of %s", path);
    bool ok = storage_sync_folder(dirname(copy), error);
    free(copy);
    return ok;
}
