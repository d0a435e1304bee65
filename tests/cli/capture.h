/* capture: what a function writes, as a string. */
#ifndef ASSAY_TESTS_CLI_CAPTURE_H
#define ASSAY_TESTS_CLI_CAPTURE_H

#include "cli/screen.h"

#include <stdlib.h>

struct capture {
    struct screen screen; /* writes into `text`; no terminal unless the test says so */
    char *text;
    size_t length;
};

static inline void capture_begin(struct capture *capture) {
    *capture = (struct capture){0};
    capture->screen.stream = open_memstream(&capture->text, &capture->length);
}

/* What was written since capture_begin; free it. */
static inline char *capture_end(struct capture *capture) {
    fclose(capture->screen.stream);
    return capture->text;
}

#endif
