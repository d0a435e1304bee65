#include "cli/looked.h"

#include "cli/child.h"
#include "cli/field.h"
#include "core/file.h"
#include "core/json.h"
#include "core/picture.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 500, PATIENCE_MS = 2000, ANSWER_BYTES_MAX = 1 << 24, ARGUMENTS = 11 };

/* What the worker program writes, in a folder of its own. */
struct desk {
    char folder[PATH_MAX / 2], answer[PATH_MAX], log[PATH_MAX];
};

static bool desk_open(struct desk *desk, struct error *error) {
    const char *place = getenv("TMPDIR");
    place = place != NULL && *place != '\0' ? place : "/tmp";
    snprintf(desk->folder, sizeof desk->folder, "%s/assay-looked-XXXXXX", place);
    if (mkdtemp(desk->folder) == NULL)
        return error_errno(error, ERROR_FAILED, "cannot make a folder in %s", place);
    snprintf(desk->answer, sizeof desk->answer, "%s/answer.json", desk->folder);
    snprintf(desk->log, sizeof desk->log, "%s/log", desk->folder);
    return true;
}

static void desk_close(const struct desk *desk) {
    DIR *folder = opendir(desk->folder);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        unlinkat(dirfd(folder), entry->d_name, 0); /* not . and .. */
    if (folder != NULL)
        closedir(folder);
    rmdir(desk->folder);
}

/* The last line of what the program said. */
static enum looked said(const struct desk *desk, struct error *error) {
    char *text = NULL;
    size_t length;
    if (!file_read(desk->log, ANSWER_BYTES_MAX, &text, &length, error))
        return LOOKED_NOT;
    while (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    char *line = strrchr(text, '\n');
    line = line != NULL ? line + 1 : text;
    static const char prefix[] = "assay: ";
    if (strncmp(line, prefix, strlen(prefix)) == 0)
        line += strlen(prefix);
    error_set(error, ERROR_FAILED, "%s", *line != '\0' ? line : "assay-worker gave no answer");
    free(text);
    return LOOKED_NOT;
}

static enum looked run(const struct desk *desk, const char *checkpoint, const char *const *paths,
                       size_t count, void (*wait)(void *context), void *context,
                       struct error *error) {
    const char *arguments[ARGUMENTS + LOOKED_MOST + 1] = {
        "predict", "--checkpoint", checkpoint, "--json", "--out", desk->answer,
        "--cam",   desk->folder,   "--batch",  "8",      "--"};
    struct child child;
    size_t used = ARGUMENTS;
    for (size_t i = 0; i < count; i++)
        arguments[used++] = paths[i];
    child_signals();
    if (!child_start(&child, "assay-worker", arguments, desk->log, error))
        return LOOKED_NOT;
    enum child_event event;
    while ((event = child_wait(&child, 1, WAIT_MS)) == CHILD_TIMEOUT)
        wait(context);
    if (event == CHILD_INTERRUPTED) {
        child_stop(&child, PATIENCE_MS);
        error_set(error, ERROR_FAILED, "stopped");
        return LOOKED_STOPPED;
    }
    /* 1 without an answer is a failure, with one it is a picture that could not be read */
    bool answered = child.status == 0 || (child.status == 1 && access(desk->answer, R_OK) == 0);
    return answered ? LOOKED : said(desk, error);
}

/* Takes the overlays out of the folder. */
static enum looked collect(const struct desk *desk, size_t count, struct image *images,
                           struct error *error) {
    char *text = NULL;
    size_t length;
    if (!file_read(desk->answer, ANSWER_BYTES_MAX, &text, &length, error))
        return LOOKED_NOT;
    cJSON *answer = json_parse_names(text, length, desk->answer, error);
    bool good = answer != NULL;
    const cJSON *one;
    size_t i = 0;
    free(text);
    cJSON_ArrayForEach(one, answer) {
        const char *file = field_text(one, "cam.file", NULL);
        struct error unread = {0};
        if (file != NULL && i < count && !picture_read(file, &images[i], &unread) &&
            error_take_shortage(error, &unread))
            good = false;
        i++;
    }
    cJSON_Delete(answer);
    return good ? LOOKED : LOOKED_NOT;
}

enum looked looked_make(const char *checkpoint, const char *const *paths, size_t count,
                        void (*wait)(void *context), void *context, struct image *images,
                        struct error *error) {
    struct desk desk;
    if (!desk_open(&desk, error))
        return LOOKED_NOT;
    enum looked looked = run(&desk, checkpoint, paths, count, wait, context, error);
    if (looked == LOOKED)
        looked = collect(&desk, count, images, error);
    desk_close(&desk);
    return looked;
}
