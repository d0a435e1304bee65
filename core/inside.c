#include "core/inside.h"

#include "core/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool inside_written(const char *path) {
    if (path[0] == '/')
        return false;
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += strspn(part, "/");
        if (strcspn(part, "/") == 2 && memcmp(part, "..", 2) == 0)
            return false;
    }
    return true;
}

const char *inside_real(const char *folder, const char *path) {
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return path + length + strspn(path + length, "/");
}

/* Whether the path as it is written names something in the folder. */
static bool absolute_inside(const char *path, const char *folder) {
    return path[0] == '/' && inside_written(path + 1) && inside_real(folder, path) != NULL;
}

char *inside_resolve(const char *path, const char *const *folders, size_t count, const char *what,
                     struct error *error) {
    struct text names = {0};
    char *real = realpath(path, NULL);
    int why = errno;
    bool inside = false, written = false;
    for (size_t i = 0; i < count && !inside; i++) {
        char *folder = realpath(folders[i], NULL);
        inside = real != NULL && folder != NULL && inside_real(folder, real) != NULL;
        written = written || (real == NULL && (absolute_inside(path, folders[i]) ||
                                               (folder != NULL && absolute_inside(path, folder))));
        text_format(&names, "%s\"%s\"", i > 0 ? " or " : "", folders[i]);
        free(folder);
    }
    if (written) {
        errno = why;
        error_errno(error, ERROR_INPUT, "%s \"%s\"", what, path);
    } else if (!inside) {
        error_set(error, ERROR_INPUT, "%s \"%s\" is not inside %s, all that this worker may read",
                  what, path, text_string(&names));
    }
    text_free(&names);
    if (inside)
        return real;
    free(real);
    return NULL;
}
