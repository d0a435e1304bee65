/* small_files: a process whose files may not grow, as on a disk that is full. */
#ifndef ASSAY_TESTS_SMALL_FILES_H
#define ASSAY_TESTS_SMALL_FILES_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

/* Lets no file grow beyond so many bytes: a write that would fails with EFBIG. Returns the limit as
 * it was, for let_files_grow. */
static inline struct rlimit limit_files(rlim_t bytes) {
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    now = before;
    now.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    return before;
}

static inline void let_files_grow(struct rlimit before) {
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

#endif
