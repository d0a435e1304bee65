/* key_lists: two keys, and files to list them in. */
#ifndef ASSAY_TESTS_COORDINATOR_KEY_LISTS_H
#define ASSAY_TESTS_COORDINATOR_KEY_LISTS_H

#include "core/file.h"
#include "net/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define KEY_A "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
#define KEY_B "17a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"

static inline void write_file(const char *path, const char *text) {
    struct error error = {0};
    if (!file_write_atomic(path, text, strlen(text), &error))
        fail_msg("%s", error.message);
}

static inline struct key key_of(const char *hex) {
    struct key key;
    struct error error = {0};
    assert_true(key_public_read(hex, &key, &error));
    return key;
}

#endif
