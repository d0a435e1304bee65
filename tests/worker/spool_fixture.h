/* spool_fixture: a spool in a folder, opened and looked at. */
#ifndef ASSAY_TESTS_WORKER_SPOOL_FIXTURE_H
#define ASSAY_TESTS_WORKER_SPOOL_FIXTURE_H

#include "tests/temporary.h"
#include "worker/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static inline struct spool *open_spool(const char *folder) {
    struct spool *spool = NULL;
    struct error error = {0};
    if (!spool_open(folder, &spool, &error))
        fail_msg("%s", error.message);
    return spool;
}

/* The first report is that one; it is deleted. */
static inline void expect_first(struct spool *spool, int64_t attempt, const char *kind,
                                const char *body) {
    struct spooled report;
    struct error error = {0};
    assert_true(spool_first(spool, &report, &error));
    assert_int_equal(report.attempt, attempt);
    assert_string_equal(report.kind, kind);
    assert_string_equal(report.body, body);
    assert_true(spool_delete(spool, report.sequence, &error));
    spooled_free(&report);
}

/* Deletes what stands in the folder. */
static inline void clear_spool(const char *folder) {
    static const char *const names[] = {"spool.db", "spool.db-wal", "spool.db-shm", "reserve"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
}

#endif
