#include "cli/output.h"

#include "core/json.h"
#include "core/shortage.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

bool output_is(const char *path, const char *ending) {
    size_t length = strlen(path), end = strlen(ending);
    return length > end && strcasecmp(path + length - end, ending) == 0;
}
