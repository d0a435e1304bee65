#include "cli/output.h"

#include "core/error.h"
#include "core/json.h"
#include "core/shortage.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool no_memory(void) {
    fputs("assay: out of memory\n", stderr);
    return false;
}

/* Takes the text over. */
static bool print(char *text) {
    char *harmless = text != NULL ? text_harmless_json(text) : NULL;
    free(text);
    if (harmless == NULL)
        return no_memory();
    puts(harmless);
    free(harmless);
    return true;
}

bool output_json(const cJSON *document) {
    return print(json_text(document));
}

bool output_json_pretty(const cJSON *document) {
    return print(json_text_pretty(document));
}

bool output_whole(void) {
    return !shortage_in_trees() || no_memory();
}

/* Whether the path leads to what stdout is: /dev/stdout, or a pipe by its name. */
static bool is_stdout(const char *path) {
    struct stat named, open;
    return stat(path, &named) == 0 && fstat(STDOUT_FILENO, &open) == 0 &&
           named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

int output_path(const char *path, bool json) {
    if (is_stdout(path))
        return 0;
    if (!json) {
        puts(path);
        return 0;
    }
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "path", path);
    bool good = output_json(document);
    cJSON_Delete(document);
    return good ? 0 : ERROR_FAILED;
}

bool output_is(const char *path, const char *ending) {
    size_t length = strlen(path), end = strlen(ending);
    return length > end && strcasecmp(path + length - end, ending) == 0;
}
