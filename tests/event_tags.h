/* event_tags: what stands in a file for TensorBoard, as text. */
#ifndef ASSAY_TESTS_EVENT_TAGS_H
#define ASSAY_TESTS_EVENT_TAGS_H

#include "core/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tags of the records, in order, each with its step: "loss_valid 1\n". */
static inline char *event_tags(const char *path) {
    char *data = NULL, *found = NULL;
    size_t length, size;
    assert_true(file_read(path, 1 << 20, &data, &length, NULL));
    FILE *stream = open_memstream(&found, &size);
    for (size_t at = 0; at < length;) {
        uint64_t record;
        memcpy(&record, data + at, sizeof record);
        const uint8_t *event = (const uint8_t *)data + at + 12 + 9; /* after wall_time */
        if (event[0] == 0x10) {                                     /* step, below 128 here */
            /* step, summary, its length, value, its length, tag, its length */
            fprintf(stream, "%.*s %d\n", event[7], (const char *)event + 8, event[1]);
        }
        at += record + 16;
    }
    fclose(stream);
    free(data);
    return found;
}

#endif
