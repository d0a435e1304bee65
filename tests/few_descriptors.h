/* few_descriptors: a process that may open few files more. */
#ifndef ASSAY_TESTS_FEW_DESCRIPTORS_H
#define ASSAY_TESTS_FEW_DESCRIPTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

/* The number that the next file will have. */
static inline int next_descriptor(void) {
    int next = dup(STDERR_FILENO);
    assert_true(next >= 0);
    close(next);
    return next;
}

/* Leaves room for just so many more open files, at most 200. Returns the limit as it was, for
 * give_back_descriptors. */
static inline struct rlimit leave_descriptors(size_t more) {
    struct rlimit before, now;
    int opened[200];
    assert_in_range(more, 0, 200);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < more; i++)
        opened[i] = dup(STDERR_FILENO);
    now = before;
    now.rlim_cur = more > 0 ? (rlim_t)opened[more - 1] + 1 : (rlim_t)next_descriptor();
    for (size_t i = 0; i < more; i++)
        close(opened[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    return before;
}

static inline void give_back_descriptors(struct rlimit before) {
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

#endif
