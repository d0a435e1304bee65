#include "core/inside.h"

#include <stddef.h>
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
