#include "cli/output.h"

#include "core/json.h"

#include <stdio.h>
#include <stdlib.h>

bool output_json(const cJSON *document) {
    char *text = json_text(document);
    if (text == NULL) {
        fputs("assay: out of memory\n", stderr);
        return false;
    }
    puts(text);
    free(text);
    return true;
}

bool output_finish(void) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    perror("assay: cannot write to stdout");
    return false;
}
