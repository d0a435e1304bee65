#include "worker/trainlog.h"

#include "core/file.h"
#include "core/text.h"
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

/* Lines as they were told, each at the end of those before. */
static void hear(void *context, uint64_t offset, const char *text) {
    struct text *told = context;
    assert_int_equal(offset, told->length);
    text_add(told, text, strlen(text));
}

/* Where a message carried them as others the next line was told over the end of the one before. */
static void names_of_any_bytes_are_told_as_they_are_written(void **state) {
    char *path = temporary_path(state, "train.log"), *text;
    struct text told = {0};
    const struct trainer_events events = {.context = &told, .log = hear};
    struct trainlog *log;
    size_t length;
    assert_true(trainlog_open(*state, 0, &events, &log, NULL));
    trainlog_line(log, "right of %s 4/4", "caf\xe9");
    trainlog_line(log, "failed: %s", "caf\xc3\xa9/a\nb.png");
    trainlog_close(log);
    assert_string_equal(told.data, "right of caf? 4/4\nfailed: caf\xc3\xa9/a?b.png\n");
    assert_true(file_read(path, 256, &text, &length, NULL));
    assert_string_equal(text, told.data);
    text_free(&told);
    free(text);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_is_known_as_one, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(names_of_any_bytes_are_told_as_they_are_written,
                                        temporary_make, temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
