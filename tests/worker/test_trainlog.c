#include "worker/trainlog.h"

#include "core/file.h"
#include "core/text.h"
#include "tests/small_files.h"
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
    trainlog_line(log, "nothing is written behind a gap");
    assert_int_equal(trainlog_bytes(log), 0);
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

static void what_the_disk_does_not_take_is_not_told(void **state) {
    struct text told = {0};
    const struct trainer_events events = {.context = &told, .log = hear};
    struct trainlog *log;
    struct error error = {0};
    assert_true(trainlog_open(*state, 0, &events, &log, NULL));
    trainlog_line(log, "one");
    struct rlimit before = limit_files(6);
    trainlog_line(log, "two");
    let_files_grow(before);
    assert_string_equal(told.data, "one\n");
    assert_int_equal(trainlog_bytes(log), 4);
    assert_false(trainlog_sync(log, &error));
    assert_non_null(strstr(error.message, "cannot write "));
    trainlog_close(log);
    text_free(&told);
}

/* 4 of 10 right in training; in validation 6 + 1 of 12, 6 of 8 called positive, 6 of 9 found. */
static void the_lines_have_the_numbers_where_they_say(void **state) {
    struct text told = {0};
    const struct trainer_events events = {.context = &told, .log = hear};
    const struct metrics metrics = {6, 1, 2, 3, 3.0};
    char fake[] = "fake", real[] = "real";
    struct split_class classes[] = {{.name = fake, .label = 0}, {.name = real, .label = 1}};
    struct class_result by_class[] = {{.pictures = 3, .correct = 1}, {.pictures = 9, .correct = 6}};
    struct evaluation_report report = {.checkpoint = "best",
                                       .split = "test",
                                       .epoch = 7,
                                       .metrics = metrics,
                                       .roc_auc = {true, 0.9},
                                       .average_precision = {true, 0.8},
                                       .equal_error_rate = {true, 0.15},
                                       .threshold = {true, 0.41},
                                       .at_threshold = {7, 1, 2, 2, 0},
                                       .classes = classes,
                                       .by_class = by_class,
                                       .class_count = 2};
    struct trainlog *log;
    assert_true(trainlog_open(*state, 0, &events, &log, NULL));
    trainlog_epoch(
        log,
        &(struct epoch_report){
            .epoch = 7, .train = {1, 3, 2, 4, 5.0}, .valid = metrics, .learning_rate = 0.0002},
        200);
    trainlog_evaluation(log, &report);
    report.threshold.defined = false;
    report.class_count = 1;
    report.metrics = (struct metrics){0, 1, 0, 0, 0.5};
    trainlog_evaluation(log, &report);
    trainlog_close(log);
    assert_string_equal(
        told.data,
        "epoch 7/200: loss_train 0.5000 loss_valid 0.2500 accuracy_valid 0.5833 precision_valid "
        "0.7500 recall_valid 0.6667 lr 0.0002\n"
        "best (epoch 7) on test: TP 6 TN 1 FP 2 FN 3 accuracy 0.5833 recall 0.6667 precision "
        "0.7500 loss 0.2500\n"
        "best (epoch 7) on test: roc_auc 0.9000 average_precision 0.8000 equal_error_rate 0.1500 "
        "threshold 0.4100 accuracy_at_threshold 0.6667\n"
        "best (epoch 7) on test: right of fake 1/3, real 6/9\n"
        "best (epoch 7) on test: TP 0 TN 1 FP 0 FN 0 accuracy 1.0000 recall n/a precision n/a loss "
        "0.5000\n"
        "best (epoch 7) on test: roc_auc 0.9000 average_precision 0.8000 equal_error_rate 0.1500 "
        "threshold n/a accuracy_at_threshold n/a\n"
        "best (epoch 7) on test: right of fake 1/3\n");
    text_free(&told);
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
    assert_true(trainlog_open(*state, bytes, &events, &log, NULL)); /* it was cut back to there */
    assert_int_equal(trainlog_bytes(log), bytes);
    trainlog_close(log);
    text_free(&again);
    assert_true(trainlog_open(*state, bytes + 1, &events, &log, NULL)); /* it is another's */
    assert_int_equal(trainlog_bytes(log), 0);
    assert_int_equal(again.length, 0);
    trainlog_close(log);
    text_free(&first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_is_known_as_one, temporary_make,
                                        temporary_remove),
        IN_FOLDER(what_the_disk_does_not_take_is_not_told),
        IN_FOLDER(the_lines_have_the_numbers_where_they_say),
        cmocka_unit_test_setup_teardown(names_of_any_bytes_are_told_as_they_are_written,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_log_that_is_gone_on_with_is_told_again_in_whole_lines,
                                        temporary_make, temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
