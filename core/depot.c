#include "core/depot.h"

#include <stdio.h>

bool depot_folder(const char *dir, const char *sha256, char path[static PATH_MAX]) {
    return snprintf(path, PATH_MAX, "%s/sha256/%.2s", dir, sha256) < PATH_MAX;
}

bool depot_file(const char *dir, const char *sha256, char path[static PATH_MAX]) {
    return snprintf(path, PATH_MAX, "%s/sha256/%.2s/%s", dir, sha256, sha256 + 2) < PATH_MAX;
}

bool depot_part(const char *dir, const char *sha256, char path[static PATH_MAX]) {
    return snprintf(path, PATH_MAX, "%s/incoming/%s.part", dir, sha256) < PATH_MAX;
}
