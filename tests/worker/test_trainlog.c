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

static void hear_whole_lines(void *context, uint64_t offset, const char *text) {
    hear(context, offset, text);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

/* Longer than what is told at once. */
static void a_log_that_is_gone_on_with_is_told_again_in_whole_lines(void **state) {
    enum { LINES = 3000 };
    struct text first = {0}, again = {0};
    struct trainer_events events = {.context = &first, .log = hear};
    struct trainlog *log;
    assert_true(trainlog_open(*state, 0, &events, &log, NULL));
    for (int i = 0; i < LINES; i++)
        trainlog_line(log, "epoch 1/1 step %d/%d loss_train 0.6931", i + 1, LINES);
    uint64_t bytes = trainlog_bytes(log);
    trainlog_line(log, "this one is not kept");
    trainlog_close(log);
    assert_true(bytes > 65536);
    events = (struct trainer_events){.context = &again, .log = hear_whole_lines};
    assert_true(trainlog_open(*state, bytes, &events, &log, NULL));
    assert_int_equal(trainlog_bytes(log), bytes);
    trainlog_close(log);
    assert_int_equal(again.length, bytes);
    assert_memory_equal(again.data, first.data, bytes);
    text_free(&again);
    text_free(&first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_is_known_as_one, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(names_of_any_bytes_are_told_as_they_are_written,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_log_that_is_gone_on_with_is_told_again_in_whole_lines,
                                        temporary_make, temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
