#include "tests/event_tags.h"
#include "tests/worker/small_run.h"

static void a_run_stopped_in_every_epoch_ends_with_the_same_bits(void **state) {
    struct bench *bench = *state;
    int an_epoch = bench->whole.asked_first;
    struct listener listener = {.stop_after = an_epoch + an_epoch / 4}; /* in a step */
    struct error error = {0};
    char *dir = folder(bench, "stopped");
    enum trainer_outcome outcome = TRAINER_STOPPED;
    int stops = 0;
    for (; stops < 20 && outcome == TRAINER_STOPPED; stops++)
        outcome = small_run(&bench->small, dir, NULL, 2, &listener, &error);
    if (outcome != TRAINER_DONE)
        fail_msg("%s", error.message);
    assert_true(stops > 3);
    expect_same_run(bench, dir, &listener);
    expect_same_lines(bench, &listener, "epoch");
    expect_same_lines(bench, &listener, "evaluation");
    listener_free(&listener);
    folder_end(dir);
}

static void the_number_of_loader_threads_changes_no_bit(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "threads");
    run_to_the_end(&bench->small, dir, NULL, 4, &listener); /* the whole run had 1 */
    expect_same_run(bench, dir, &listener);
    expect_same_lines(bench, &listener, "");
    listener_free(&listener);
    folder_end(dir);
}

static void a_finished_run_reports_everything_again(void **state) {
    struct bench *bench = *state;
    struct listener again = {0};
    run_to_the_end(&bench->small, bench->whole_dir, NULL, 2, &again);
    assert_int_equal(again.resumed, 3);
    expect_same_lines(bench, &again, "epoch");
    expect_same_lines(bench, &again, "evaluation");
    char *lines = lines_of(again.lines.data, "checkpoint");
    assert_non_null(strstr(lines, "checkpoint epoch 2 "));
    assert_non_null(strstr(lines, "checkpoint best "));
    assert_non_null(strstr(lines, "checkpoint last 3 "));
    assert_string_equal(again.log.data, bench->whole.log.data);
    free(lines);
    listener_free(&again);
}

/* Stops in the third epoch, so that two stand finished in the folder. */
static void run_two_epochs(const struct bench *bench, const struct small *small, const char *dir,
                           struct listener *listener) {
    struct error error = {0};
    listener->stop_after = 5 * bench->whole.asked_first / 2;
    assert_int_equal(small_run(small, dir, NULL, 2, listener, &error), TRAINER_STOPPED);
    assert_non_null(strstr(listener->lines.data, "checkpoint last 2 "));
    listener->stop_after = 0;
}

static void a_run_killed_between_best_and_last_goes_on_from_best(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "killed");
    run_two_epochs(bench, &bench->small, dir, &listener);
    delete_file(dir, "checkpoint_last.safetensors");
    run_to_the_end(&bench->small, dir, NULL, 2, &listener);
    expect_same_run(bench, dir, &listener);
    listener_free(&listener);
    folder_end(dir);
}

static void cut_short(const char *path) {
    assert_int_equal(truncate(path, 1000), 0);
}

/* One bit of a weight in the middle of the file. */
static void flip_a_bit(const char *path) {
    FILE *file = fopen(path, "r+b");
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long middle = ftell(file) / 2;
    assert_int_equal(fseek(file, middle, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, middle, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

/* After two epochs the last checkpoint is damaged, and the best one gone. */
static void expect_no_bit_lost(struct bench *bench, void (*damage)(const char *path)) {
    struct listener listener = {0};
    char *dir = folder(bench, "damaged"), *path = in(dir, "checkpoint_last.safetensors");
    char *best = in(dir, "checkpoint_best_loss.safetensors");
    run_two_epochs(bench, &bench->small, dir, &listener);
    assert_int_equal(unlink(best), 0); /* a hard link of last, it may be */
    damage(path);
    run_to_the_end(&bench->small, dir, NULL, 2, &listener);
    assert_non_null(strstr(listener.log.data, "warning: "));
    assert_non_null(strstr(listener.log.data, "going on without it\n"));
    expect_same_lines(bench, &listener, "");
    listener_free(&listener);
    folder_end(dir);
    free(path);
    free(best);
}

static void a_checkpoint_that_is_cut_short_is_warned_of_and_costs_no_bit(void **state) {
    expect_no_bit_lost(*state, cut_short);
}

static void a_checkpoint_with_a_flipped_bit_is_warned_of_and_costs_no_bit(void **state) {
    expect_no_bit_lost(*state, flip_a_bit);
}

static void a_run_goes_on_in_another_folder_from_the_checkpoint_that_is_named(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *first = folder(bench, "first"), *second = folder(bench, "second");
    char *resume = in(first, "checkpoint_last.safetensors");
    run_two_epochs(bench, &bench->small, first, &listener);
    delete_file(first, "checkpoint_epoch_002.safetensors"); /* the one that is named is the same */
    run_to_the_end(&bench->small, second, resume, 2, &listener);
    expect_same_run(bench, second, &listener);
    expect_same_lines(bench, &listener, "epoch");
    listener_free(&listener);
    folder_end(first);
    folder_end(second);
    free(resume);
}

static void what_is_finished_comes_along_with_its_earlier_checkpoints(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "second"),
         *resume = in(bench->whole_dir, "checkpoint_last.safetensors");
    run_to_the_end(&bench->small, dir, resume, 2, &listener);
    expect_same_run(bench, dir, &listener);
    listener_free(&listener);
    folder_end(dir);
    free(resume);
}

/* Longer than the run's own, of a beginning of it, so to say. */
static void write_other_records(const char *dir) {
    char *log = in(dir, "train.log"),
         *board = in(dir, "tensorboard/small/events.out.tfevents.assay"), other[8000];
    memset(other, '.', sizeof other);
    assert_true(folder_make_of(board, NULL));
    assert_true(file_write_atomic(log, other, sizeof other, NULL));
    assert_true(file_write_atomic(board, other, sizeof other, NULL));
    free(board);
    free(log);
}

static void another_folders_checkpoint_brings_its_log_and_events(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *first = folder(bench, "first"), *second = folder(bench, "second"),
         *resume = in(first, "checkpoint_last.safetensors");
    run_two_epochs(bench, &bench->small, first, &listener);
    write_other_records(second);
    run_to_the_end(&bench->small, second, resume, 2, &listener);
    expect_same_run(bench, second, &listener);
    listener_free(&listener);
    folder_end(first);
    folder_end(second);
    free(resume);
}

static void where_they_are_gone_the_log_and_events_of_our_folder_do_not_stand_in(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *first = folder(bench, "first"), *second = folder(bench, "second"),
         *resume = in(first, "checkpoint_last.safetensors");
    run_two_epochs(bench, &bench->small, first, &listener);
    delete_file(first, "train.log");
    delete_file(first, "tensorboard/small/events.out.tfevents.assay");
    write_other_records(second);
    run_to_the_end(&bench->small, second, resume, 2, &listener);
    char *text = read_text(second, "train.log"),
         *board = in(second, "tensorboard/small/events.out.tfevents.assay"), *events;
    size_t length;
    assert_true(file_read(board, 1 << 20, &events, &length, NULL));
    assert_null(strstr(text, "..."));
    assert_null(memmem(events, length, "....", 4));
    free(events);
    free(board);
    free(text);
    listener_free(&listener);
    folder_end(first);
    folder_end(second);
    free(resume);
}

static void a_best_checkpoint_of_an_earlier_epoch_comes_along_and_is_evaluated(void **state) {
    struct bench *bench = *state;
    struct listener straight = {0}, listener = {0};
    struct small small = bench->small;
    char *whole = folder(bench, "straight"), *first = folder(bench, "first"),
         *second = folder(bench, "second"), *resume = in(first, "checkpoint_last.safetensors");
    run_with_best(&small, whole, "100", &straight);
    run_two_epochs(bench, &small, first, &listener);
    run_to_the_end(&small, second, resume, 2, &listener);
    expect_same_checkpoint(second, whole, "checkpoint_best_loss.safetensors");
    expect_same_checkpoint(second, whole, "checkpoint_last.safetensors");
    assert_string_equal(listener.log.data, straight.log.data);
    listener_free(&straight);
    listener_free(&listener);
    folder_end(whole);
    folder_end(first);
    folder_end(second);
    free(resume);
}

/* Stops the run, which goes on from its checkpoint, inside of its next epoch; the checkpoint says
 * of the file no more than there is. */
static void expect_known_length(const struct small *small, const char *dir, const char *name,
                                const char *key, struct listener *listener) {
    struct error error = {0};
    struct stat status;
    char *path = in(dir, name);
    listener->stop_after = 4;
    assert_int_equal(small_run(small, dir, NULL, 2, listener, &error), TRAINER_STOPPED);
    listener->stop_after = 0;
    struct safetensors *last = open_head_in(dir, "checkpoint_last.safetensors");
    assert_int_equal(stat(path, &status), 0);
    assert_true(strtoull(safetensors_metadata(last, key), NULL, 10) <= (uint64_t)status.st_size);
    safetensors_close(last);
    free(path);
}

static void a_lost_train_log_is_written_again_from_the_history(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "lost");
    run_two_epochs(bench, &bench->small, dir, &listener);
    delete_file(dir, "train.log");
    text_free(&listener.log);
    expect_known_length(&bench->small, dir, "train.log", "log_bytes", &listener);
    run_to_the_end(&bench->small, dir, NULL, 2, &listener);
    char *epochs = lines_of(listener.log.data, "epoch "),
         *whole = lines_of(bench->whole.log.data, "epoch ");
    assert_string_equal(epochs, whole);
    free(epochs);
    free(whole);
    listener_free(&listener);
    folder_end(dir);
}

/* Epochs only: the steps are nowhere else. */
static void lost_and_cut_events_are_told_again_from_the_history(void **state) {
    struct bench *bench = *state;
    for (int cut = 0; cut < 2; cut++) {
        struct listener listener = {0};
        char *dir = folder(bench, "lost"),
             *board = in(dir, "tensorboard/small/events.out.tfevents.assay");
        run_two_epochs(bench, &bench->small, dir, &listener);
        if (cut)
            cut_short(board);
        else
            delete_file(dir, "tensorboard/small/events.out.tfevents.assay");
        expect_known_length(&bench->small, dir, "tensorboard/small/events.out.tfevents.assay",
                            "board_bytes", &listener);
        run_to_the_end(&bench->small, dir, NULL, 2, &listener);
        char *tags = event_tags(board), *epochs = lines_of(tags, "loss_valid ");
        assert_string_equal(epochs, "loss_valid 1\nloss_valid 2\nloss_valid 3\n");
        free(epochs);
        free(tags);
        free(board);
        listener_free(&listener);
        folder_end(dir);
    }
}

static void a_checkpoint_of_another_experiment_is_an_error(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    struct error error = {0};
    struct small small = bench->small;
    small.experiment.config =
        cJSON_Parse("{\"name\":\"small\",\"train\":{\"seed\":8,\"lr\":0.001}}");
    assert_int_equal(small_run(&small, bench->whole_dir, NULL, 2, &listener, &error),
                     TRAINER_FAILED);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "another experiment"));
    small_free(&small);
    listener_free(&listener);
}

static void name_and_priority_make_no_other_experiment(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    struct small small = bench->small;
    small.experiment.config = cJSON_Parse("{\"train\":{\"lr\":1e-3,\"seed\":7},\"priority\":3,"
                                          "\"name\":\"renamed\",\"resources\":{}}");
    run_to_the_end(&small, bench->whole_dir, NULL, 2, &listener);
    expect_same_lines(bench, &listener, "evaluation");
    small_free(&small);
    listener_free(&listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_stopped_in_every_epoch_ends_with_the_same_bits),
        cmocka_unit_test(the_number_of_loader_threads_changes_no_bit),
        cmocka_unit_test(a_finished_run_reports_everything_again),
        cmocka_unit_test(a_run_killed_between_best_and_last_goes_on_from_best),
        cmocka_unit_test(a_checkpoint_that_is_cut_short_is_warned_of_and_costs_no_bit),
        cmocka_unit_test(a_checkpoint_with_a_flipped_bit_is_warned_of_and_costs_no_bit),
        cmocka_unit_test(a_run_goes_on_in_another_folder_from_the_checkpoint_that_is_named),
        cmocka_unit_test(what_is_finished_comes_along_with_its_earlier_checkpoints),
        cmocka_unit_test(another_folders_checkpoint_brings_its_log_and_events),
        cmocka_unit_test(where_they_are_gone_the_log_and_events_of_our_folder_do_not_stand_in),
        cmocka_unit_test(a_best_checkpoint_of_an_earlier_epoch_comes_along_and_is_evaluated),
        cmocka_unit_test(a_lost_train_log_is_written_again_from_the_history),
        cmocka_unit_test(lost_and_cut_events_are_told_again_from_the_history),
        cmocka_unit_test(a_checkpoint_of_another_experiment_is_an_error),
        cmocka_unit_test(name_and_priority_make_no_other_experiment),
    };
    return cmocka_run_group_tests(tests, bench_make_with_setback, bench_free);
}
