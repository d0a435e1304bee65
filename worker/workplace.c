#include "worker/workplace.h"

#include "core/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORKPLACE_CONFIG_MAX = 16 << 20, WORKPLACE_ASIDE_MAX = 10000 };

static bool same_text(const char *path, const char *text) {
    char *data = NULL;
    size_t length = 0;
    bool same = file_read(path, WORKPLACE_CONFIG_MAX, &data, &length, NULL) &&
                length == strlen(text) && memcmp(data, text, length) == 0;
    free(data);
    return same;
}

static bool set_aside(const char *path, struct error *error) {
    char *aside = NULL;
    bool ok = false;
    for (int i = 1; i <= WORKPLACE_ASIDE_MAX && !ok; i++) {
        struct stat status;
        free(aside);
        if (asprintf(&aside, "%s.%d", path, i) < 0)
            return error_set(error, ERROR_FAILED, "out of memory");
        if (lstat(aside, &status) == 0)
            continue;
        ok = rename(path, aside) == 0;
        if (!ok)
            break;
    }
    if (!ok)
        error_errno(error, ERROR_FAILED, "cannot rename %s to %s", path, aside);
    free(aside);
    return ok;
}

bool workplace_make(const char *dir, int64_t id, const cJSON *config, bool resumes, char **out,
                    struct error *error) {
    char *path = NULL, *file = NULL, *text = json_text(config);
    bool ok = false;
    *out = NULL;
    if (text == NULL || asprintf(&path, "%s/experiments/%" PRId64, dir, id) < 0 ||
        asprintf(&file, "%s/experiment.json", path) < 0) {
        error_set(error, ERROR_FAILED, "out of memory");
        goto out;
    }
    if (access(path, F_OK) == 0 && !(resumes && same_text(file, text)) && !set_aside(path, error))
        goto out;
    if (!folder_make(path, error) || !file_write_atomic(file, text, strlen(text), error))
        goto out;
    *out = path;
    path = NULL;
    ok = true;
out:
    free(path);
    free(file);
    free(text);
    return ok;
}
