#include "worker/trainlog.h"

#include "tests/temporary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int sync_fails_with; /* 0: it does not */

/* In place of the C library's. */
int fdatasync(int descriptor) {
    (void)descriptor;
    errno = sync_fails_with;
    return sync_fails_with == 0 ? 0 : -1;
}

/* Else it would count as the experiment's own failure. */
static void a_full_disk_is_known_as_one(void **state) {
    const struct trainer_events events = {0};
    struct trainlog *log;
    struct error error = {0};
    assert_true(trainlog_open(*state, 0, &events, &log, &error));
    assert_true(trainlog_sync(log, &error));
    sync_fails_with = ENOSPC;
    assert_false(trainlog_sync(log, &error));
    assert_int_equal(error.cause, CAUSE_ROOM);
    sync_fails_with = 0;
    error = (struct error){0};
    assert_false(trainlog_sync(log, &error)); /* the first failure is kept */
    assert_int_equal(error.cause, CAUSE_ROOM);
    trainlog_close(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_is_known_as_one, temporary_make,
                                        temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
