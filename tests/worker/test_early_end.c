/* A run that is told to end after an epoch ends as one that was told so at its beginning: the same
 * checkpoints, evaluations, log and events, whenever it hears of it and whoever dies meanwhile. */
#include "tests/worker/small_run.h"

enum { STOP_EPOCH = 2 };

/* A run that knew from the start, in a folder that the caller ends. */
static char *short_run(struct bench *bench, const char *name, struct listener *listener) {
    char *dir = folder(bench, name);
    listener->stop_epoch = STOP_EPOCH;
    run_to_the_end(&bench->small, dir, NULL, 1, listener);
    return dir;
}

static void expect_same_short_run(const char *dir, const struct listener *listener,
                                  const char *other, const struct listener *expected) {
    char *evaluations = lines_of(listener->lines.data, "evaluation");
    char *wanted = lines_of(expected->lines.data, "evaluation");
    expect_same_checkpoint(dir, other, "checkpoint_last.safetensors");
    expect_same_checkpoint(dir, other, "checkpoint_best_loss.safetensors");
    expect_same_checkpoint(dir, other, "checkpoint_epoch_002.safetensors");
    expect_same_board(dir, other);
    assert_string_equal(evaluations, wanted);
    assert_string_equal(listener->log.data, expected->log.data);
    char *log = read_text(dir, "train.log");
    assert_string_equal(log, expected->log.data);
    free(log);
    free(evaluations);
    free(wanted);
}

static void a_run_ends_after_the_epoch_that_it_is_told_and_is_evaluated(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = short_run(bench, "short", &listener);
    char *evaluations = lines_of(listener.lines.data, "evaluation last test 2 ");
    assert_null(strstr(listener.lines.data, "epoch 3"));
    assert_true(evaluations[0] != '\0');
    assert_non_null(strstr(listener.log.data, "stopped early: after epoch 2 of 3\n"));
    free(evaluations);
    folder_end(dir);
    listener_free(&listener);
}

static void what_an_epoch_that_is_not_wanted_has_done_is_dropped(void **state) {
    struct bench *bench = *state;
    struct listener expected = {0};
    char *other = short_run(bench, "short", &expected);
    /* at some of the questions of the third epoch, in training and in validation */
    for (int later = 1; later < bench->whole.asked_first;
         later += bench->whole.asked_first / 4 + 1) {
        struct listener listener = {.stop_epoch = STOP_EPOCH,
                                    .stop_epoch_after = 2 * bench->whole.asked_first + later};
        char *dir = folder(bench, "late");
        run_to_the_end(&bench->small, dir, NULL, 1, &listener);
        expect_same_short_run(dir, &listener, other, &expected);
        folder_end(dir);
        listener_free(&listener);
    }
    folder_end(other);
    listener_free(&expected);
}

static void who_goes_on_with_it_ends_the_same(void **state) {
    struct bench *bench = *state;
    struct listener expected = {0}, listener = {0};
    struct error error = {0};
    char *other = short_run(bench, "short", &expected), *dir = folder(bench, "killed");
    listener.stop_after = 2 * bench->whole.asked_first + 2;
    assert_int_equal(small_run(&bench->small, dir, NULL, 1, &listener, &error), TRAINER_STOPPED);
    listener.stop_after = 0;
    listener.stop_epoch = STOP_EPOCH;
    run_to_the_end(&bench->small, dir, NULL, 1, &listener);
    expect_same_short_run(dir, &listener, other, &expected);
    folder_end(dir);
    folder_end(other);
    listener_free(&listener);
    listener_free(&expected);
}

static void epochs_that_it_has_finished_when_it_hears_count(void **state) {
    struct bench *bench = *state;
    struct listener listener = {.stop_epoch = 1,
                                .stop_epoch_after = 2 * bench->whole.asked_first + 2};
    char *dir = folder(bench, "far");
    run_to_the_end(&bench->small, dir, NULL, 1, &listener);
    assert_non_null(strstr(listener.lines.data, "evaluation last test 2 "));
    folder_end(dir);
    listener_free(&listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_ends_after_the_epoch_that_it_is_told_and_is_evaluated),
        cmocka_unit_test(what_an_epoch_that_is_not_wanted_has_done_is_dropped),
        cmocka_unit_test(who_goes_on_with_it_ends_the_same),
        cmocka_unit_test(epochs_that_it_has_finished_when_it_hears_count),
    };
    return cmocka_run_group_tests(tests, bench_make_with_setback, bench_free);
}
