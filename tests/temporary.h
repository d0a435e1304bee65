/* temporary: a folder of its own for a test, gone when the test ends. */
#ifndef ASSAY_TESTS_TEMPORARY_H
#define ASSAY_TESTS_TEMPORARY_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline int temporary_unlink(const char *path, const struct stat *status, int type,
                                   struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

/* cmocka's setup: *state is the folder's path, in memory where there is such a place: checkpoints
 * are large, and every one of them is synced. */
static inline int temporary_make(void **state) {
    const char *base = getenv("TMPDIR");
    char path[512];
    if (base == NULL)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/assay-test-XXXXXX", base);
    *state = mkdtemp(path) != NULL ? strdup(path) : NULL;
    return *state != NULL ? 0 : -1;
}

/* cmocka's teardown. */
static inline int temporary_remove(void **state) {
    int rc = nftw(*state, temporary_unlink, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return rc;
}

/* FOLDER/NAME in memory that the caller frees. */
static inline char *temporary_path(void **state, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", (const char *)*state, name) < 0 ? NULL : path;
}

/* A test in such a folder. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, temporary_make, temporary_remove)

#endif
