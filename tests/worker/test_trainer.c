#include "core/file.h"
#include "core/safetensors.h"
#include "tests/worker/small_run.h"

/* One test's folder: the pictures, an experiment on them, and an undisturbed run in "whole". */
struct bench {
    char *root; /* what temporary.h made */
    struct small small;
    struct listener whole;
    char *whole_dir;
};

static int bench_make(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    void *root = NULL;
    if (bench == NULL || temporary_make(&root) != 0)
        return -1;
    bench->root = root;
    small_experiment(&root, &bench->small);
    bench->whole_dir = temporary_path(&root, "whole");
    *state = bench;
    return 0;
}

static int bench_free(void **state) {
    struct bench *bench = *state;
    void *root = bench->root;
    listener_free(&bench->whole);
    small_free(&bench->small);
    free(bench->whole_dir);
    free(bench);
    return temporary_remove(&root);
}

static void run_to_the_end(const struct bench *bench, const char *dir, const char *resume,
                           int threads, struct listener *listener) {
    struct error error = {0};
    if (small_run(&bench->small, dir, resume, threads, listener, &error) != TRAINER_DONE)
        fail_msg("%s", error.message);
}

static void run_whole(struct bench *bench) {
    run_to_the_end(bench, bench->whole_dir, NULL, 2, &bench->whole);
}

static char *in(const char *dir, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static char *folder(const struct bench *bench, const char *name) {
    return in(bench->root, name);
}

static void delete_file(const char *dir, const char *name) {
    char *path = in(dir, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

static char *read_text(const char *dir, const char *name) {
    char *path = in(dir, name), *text = NULL;
    size_t length;
    assert_true(file_read(path, 1 << 20, &text, &length, NULL));
    free(path);
    return text;
}

static struct safetensors *open_in(const char *dir, const char *name) {
    char *path = in(dir, name);
    struct safetensors *file = NULL;
    struct error error = {0};
    if (!safetensors_open(path, &file, &error))
        fail_msg("%s", error.message);
    free(path);
    return file;
}

/* All tensors byte for byte, and all metadata but the history, which has seconds in it. */
static void expect_same_checkpoint(const char *dir, const char *other, const char *name) {
    struct safetensors *file = open_in(dir, name), *expected = open_in(other, name);
    assert_int_equal(safetensors_size(file), safetensors_size(expected));
    for (size_t i = 0; i < safetensors_size(expected); i++) {
        const struct tensor *tensor = safetensors_at(file, i),
                            *wanted = safetensors_at(expected, i);
        assert_string_equal(tensor->name, wanted->name);
        assert_int_equal(tensor->bytes, wanted->bytes);
        if (memcmp(tensor->data, wanted->data, wanted->bytes) != 0)
            fail_msg("%s: %s differs", name, wanted->name);
    }
    static const char *const keys[] = {"epoch",     "iteration", "best_loss", "best_epoch",
                                       "scheduler", "log_bytes", "config",    "format"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_string_equal(safetensors_metadata(file, keys[i]),
                            safetensors_metadata(expected, keys[i]));
    safetensors_close(file);
    safetensors_close(expected);
}

static void expect_same_run(const struct bench *bench, const char *dir,
                            const struct listener *listener) {
    expect_same_checkpoint(dir, bench->whole_dir, "checkpoint_last.safetensors");
    expect_same_checkpoint(dir, bench->whole_dir, "checkpoint_best_loss.safetensors");
    expect_same_checkpoint(dir, bench->whole_dir, "checkpoint_epoch_002.safetensors");
    assert_string_equal(listener->log.data, bench->whole.log.data);
}

/* The lines of `text` that begin with `start`. */
static char *lines_of(const char *text, const char *start) {
    struct text found = {0};
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, start, strlen(start)) == 0)
            text_add(&found, line, strcspn(line, "\n") + 1);
    }
    return text_take(&found);
}

static void expect_same_lines(const struct bench *bench, const struct listener *listener,
                              const char *start) {
    char *lines = lines_of(listener->lines.data, start);
    char *expected = lines_of(bench->whole.lines.data, start);
    assert_string_equal(lines, expected);
    free(lines);
    free(expected);
}

/* --- a run --- */

static void expect_in_order(const char *text, const char *const *parts, size_t count) {
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, parts[i]);
        if (found == NULL)
            fail_msg("\"%s\" does not follow in:\n%s", parts[i], text);
        at = found + 1;
    }
}

static void a_run_reports_epochs_checkpoints_and_four_evaluations_in_order(void **state) {
    struct bench *bench = *state;
    run_whole(bench);
    static const char *const parts[] = {
        "epoch 1 ",
        "checkpoint best 1 checkpoint_best_loss.safetensors\n",
        "checkpoint last 1 checkpoint_last.safetensors\n",
        "epoch 2 ",
        "checkpoint epoch 2 checkpoint_epoch_002.safetensors\n",
        "checkpoint last 2 ",
        "epoch 3 ",
        "checkpoint last 3 ",
        "evaluation best valid ",
        "evaluation best test ",
        "evaluation last valid 3 ",
        "evaluation last test 3 ",
    };
    expect_in_order(bench->whole.lines.data, parts, sizeof parts / sizeof parts[0]);
    assert_true(bench->whole.progresses > 0);
}

static void train_log_has_the_notebooks_lines_and_the_events_tell_it(void **state) {
    struct bench *bench = *state;
    run_whole(bench);
    char *text = read_text(bench->whole_dir, "train.log");
    assert_string_equal(text, bench->whole.log.data);
    static const char *const parts[] = {
        "small: resnet18 on cpu, 12 pictures to train on, 4 to validate, 4 to test\n",
        "epoch 1/3: loss_train ",
        " loss_valid ",
        " accuracy_valid ",
        " precision_valid ",
        " recall_valid ",
        " lr 0.001\n",
        "checkpoint_best_loss: epoch 1 loss_valid ",
        "epoch 2/3: ",
        "checkpoint_epoch_002\n",
        "epoch 3/3: ",
        "best (epoch ",
        ") on valid: TP ",
        " TN ",
        " FP ",
        " FN ",
        " accuracy ",
        " recall ",
        " precision ",
        "last (epoch 3) on test: ",
    };
    expect_in_order(text, parts, sizeof parts / sizeof parts[0]);
    free(text);
}

static void checkpoints_have_pytorchs_names_and_the_optimizer(void **state) {
    struct bench *bench = *state;
    run_whole(bench);
    struct safetensors *file = open_in(bench->whole_dir, "checkpoint_last.safetensors");
    const struct tensor *tracked = safetensors_find(file, "layer4.1.bn2.num_batches_tracked");
    assert_non_null(tracked);
    assert_int_equal(tracked->type, TENSOR_I64);
    assert_int_equal(tracked->rank, 0);
    int64_t steps;
    memcpy(&steps, tracked->data, sizeof steps);
    assert_int_equal(steps, 9);
    assert_string_equal(safetensors_metadata(file, "iteration"), "9");
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    assert_non_null(safetensors_find(file, "head.bias"));
    assert_non_null(safetensors_find(file, "optimizer.m.conv1.weight"));
    assert_non_null(safetensors_find(file, "optimizer.v.layer1.0.bn1.bias"));
    assert_null(safetensors_find(file, "optimizer.m.bn1.running_mean"));
    assert_int_equal(safetensors_find(file, "fc.weight")->shape[1], 512);
    safetensors_close(file);
}

/* --- going on --- */

static void a_run_stopped_in_every_epoch_ends_with_the_same_bits(void **state) {
    struct bench *bench = *state;
    struct listener listener = {.stop_after = 7}; /* an epoch asks 6 times */
    struct error error = {0};
    char *dir = folder(bench, "stopped");
    enum trainer_outcome outcome = TRAINER_STOPPED;
    int stops = 0;
    run_whole(bench);
    for (; stops < 20 && outcome == TRAINER_STOPPED; stops++)
        outcome = small_run(&bench->small, dir, NULL, 2, &listener, &error);
    if (outcome != TRAINER_DONE)
        fail_msg("%s", error.message);
    assert_true(stops > 3);
    expect_same_run(bench, dir, &listener);
    expect_same_lines(bench, &listener, "epoch");
    expect_same_lines(bench, &listener, "evaluation");
    listener_free(&listener);
    free(dir);
}

static void the_number_of_loader_threads_changes_no_bit(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "threads");
    run_to_the_end(bench, bench->whole_dir, NULL, 1, &bench->whole);
    run_to_the_end(bench, dir, NULL, 4, &listener);
    expect_same_run(bench, dir, &listener);
    expect_same_lines(bench, &listener, "");
    listener_free(&listener);
    free(dir);
}

static void a_finished_run_reports_everything_again(void **state) {
    struct bench *bench = *state;
    struct listener again = {0};
    run_whole(bench);
    run_to_the_end(bench, bench->whole_dir, NULL, 2, &again);
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
static void run_two_epochs(struct bench *bench, const char *dir, struct listener *listener) {
    struct error error = {0};
    listener->stop_after = 14;
    assert_int_equal(small_run(&bench->small, dir, NULL, 2, listener, &error), TRAINER_STOPPED);
    assert_non_null(strstr(listener->lines.data, "checkpoint last 2 "));
    listener->stop_after = 0;
}

static void a_run_killed_between_best_and_last_goes_on_from_best(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "killed");
    run_whole(bench);
    run_two_epochs(bench, dir, &listener);
    delete_file(dir, "checkpoint_last.safetensors");
    run_to_the_end(bench, dir, NULL, 2, &listener);
    expect_same_run(bench, dir, &listener);
    listener_free(&listener);
    free(dir);
}

static void a_damaged_last_checkpoint_is_warned_of_and_costs_no_bit(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "damaged"), *path = in(dir, "checkpoint_last.safetensors");
    char *best = in(dir, "checkpoint_best_loss.safetensors");
    run_whole(bench);
    run_two_epochs(bench, dir, &listener);
    assert_int_equal(unlink(best), 0); /* a hard link of last, it may be */
    assert_int_equal(truncate(path, 1000), 0);
    run_to_the_end(bench, dir, NULL, 2, &listener);
    assert_non_null(strstr(listener.log.data, "warning: "));
    assert_non_null(strstr(listener.log.data, "going on without it\n"));
    expect_same_lines(bench, &listener, "");
    listener_free(&listener);
    free(dir);
    free(path);
    free(best);
}

static void a_run_goes_on_in_another_folder_from_the_checkpoint_that_is_named(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *first = folder(bench, "first"), *second = folder(bench, "second");
    char *resume = in(first, "checkpoint_last.safetensors");
    run_whole(bench);
    run_two_epochs(bench, first, &listener);
    run_to_the_end(bench, second, resume, 2, &listener);
    expect_same_run(bench, second, &listener);
    expect_same_lines(bench, &listener, "epoch");
    listener_free(&listener);
    free(first);
    free(second);
    free(resume);
}

static void a_lost_train_log_is_written_again_from_the_history(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "lost");
    run_whole(bench);
    run_two_epochs(bench, dir, &listener);
    delete_file(dir, "train.log");
    listener.stop_after = 4;
    struct error error = {0};
    text_free(&listener.log);
    assert_int_equal(small_run(&bench->small, dir, NULL, 2, &listener, &error), TRAINER_STOPPED);
    listener.stop_after = 0;
    run_to_the_end(bench, dir, NULL, 2, &listener);
    char *epochs = lines_of(listener.log.data, "epoch "),
         *whole = lines_of(bench->whole.log.data, "epoch ");
    assert_string_equal(epochs, whole);
    free(epochs);
    free(whole);
    listener_free(&listener);
    free(dir);
}

static void a_checkpoint_of_another_experiment_is_an_error(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    struct error error = {0};
    cJSON *config = bench->small.experiment.config;
    run_two_epochs(bench, bench->whole_dir, &listener);
    cJSON_SetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(config, "train"), "seed"), 8);
    assert_int_equal(small_run(&bench->small, bench->whole_dir, NULL, 2, &listener, &error),
                     TRAINER_FAILED);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "another experiment"));
    cJSON_SetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(config, "train"), "seed"), 7);
    cJSON_SetValuestring(cJSON_GetObjectItem(config, "name"), "other"); /* the name is no matter */
    run_to_the_end(bench, bench->whole_dir, NULL, 2, &listener);
    listener_free(&listener);
}

/* --- what cannot be trained --- */

static void expect_failure(struct bench *bench, const char *what, const char *remedy) {
    struct listener listener = {0};
    struct error error = {0};
    assert_int_equal(small_run(&bench->small, bench->whole_dir, NULL, 2, &listener, &error),
                     TRAINER_FAILED);
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, what) == NULL || strstr(error.message, remedy) == NULL)
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error.message, what, remedy);
    listener_free(&listener);
}

static void a_loss_that_runs_away_fails_with_epoch_and_step(void **state) {
    struct bench *bench = *state;
    bench->small.experiment.train.optimizer.lr = 1e30;
    expect_failure(bench, "epoch 1, step 2: the training loss is no number",
                   "smaller train.optimizer.lr");
    char *text = read_text(bench->whole_dir, "train.log");
    assert_non_null(strstr(text, "failed: epoch 1, step 2"));
    free(text);
}

static void an_empty_validation_list_fails_before_training(void **state) {
    struct bench *bench = *state;
    bench->small.experiment.data.valid = 0;
    expect_failure(bench, "no picture to validate on", "raise data.split.valid");
}

static void a_last_batch_of_one_on_maps_of_one_pixel_fails_before_training(void **state) {
    struct bench *bench = *state;
    bench->small.experiment.train.batch_size = 11;
    expect_failure(bench, "would be 1 of 12 training pictures", "from 11 to 12");
    bench->small.experiment.train.batch_size = 1;
    expect_failure(bench, "would be 1 of 12 training pictures", "from 1 to 2");
}

static void data_outside_the_workers_data_root_is_refused(void **state) {
    struct bench *bench = *state;
    char *other = folder(bench, "fake");
    const struct trainer_options options = {
        .dir = bench->whole_dir, .backend = "cpu", .data_root = other};
    const struct trainer_events events = {0};
    struct error error = {0};
    assert_int_equal(trainer_run(&bench->small.experiment, &options, &events, &error),
                     TRAINER_FAILED);
    assert_non_null(strstr(error.message, "is not inside"));
    free(other);
}

static void an_experiment_for_another_backend_is_refused(void **state) {
    struct bench *bench = *state;
    bench->small.experiment.resources.backend = "cuda";
    expect_failure(bench, "asks for backend \"cuda\"", "resources.backend");
}

/* --- evaluation --- */

static void a_checkpoint_evaluated_again_gives_the_runs_own_numbers(void **state) {
    struct bench *bench = *state;
    run_whole(bench);
    char *path = in(bench->whole_dir, "checkpoint_last.safetensors");
    const struct trainer_options options = {.backend = "auto"};
    const struct trainer_events events = {0};
    struct listener listener = {0};
    struct evaluation_report report;
    static const char *const splits[] = {"valid", "test"};
    bench->small.experiment.train.batch_size = 3; /* sums do not depend on it */
    for (size_t i = 0; i < 2; i++) {
        struct error error = {0};
        if (!trainer_evaluate(&bench->small.experiment, &options, path, splits[i], &events, &report,
                              &error))
            fail_msg("%s", error.message);
        hear_evaluation(&listener, &report);
    }
    expect_same_lines(bench, &listener, "evaluation last");
    listener_free(&listener);
    free(path);
}

static void what_is_no_checkpoint_is_not_evaluated(void **state) {
    struct bench *bench = *state;
    const struct trainer_options options = {.backend = "cpu"};
    const struct trainer_events events = {0};
    struct evaluation_report report;
    struct error error = {0};
    assert_false(trainer_evaluate(&bench->small.experiment, &options,
                                  TEST_DATA "/safetensors/small.safetensors", "test", &events,
                                  &report, &error));
    assert_non_null(strstr(error.message, "is no checkpoint of assay"));
    assert_false(trainer_evaluate(&bench->small.experiment, &options, "x", "train", &events,
                                  &report, &error));
    assert_non_null(strstr(error.message, "split is valid or test"));
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_make, bench_free)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(a_run_reports_epochs_checkpoints_and_four_evaluations_in_order),
        ON_BENCH(train_log_has_the_notebooks_lines_and_the_events_tell_it),
        ON_BENCH(checkpoints_have_pytorchs_names_and_the_optimizer),
        ON_BENCH(a_run_stopped_in_every_epoch_ends_with_the_same_bits),
        ON_BENCH(the_number_of_loader_threads_changes_no_bit),
        ON_BENCH(a_finished_run_reports_everything_again),
        ON_BENCH(a_run_killed_between_best_and_last_goes_on_from_best),
        ON_BENCH(a_damaged_last_checkpoint_is_warned_of_and_costs_no_bit),
        ON_BENCH(a_run_goes_on_in_another_folder_from_the_checkpoint_that_is_named),
        ON_BENCH(a_lost_train_log_is_written_again_from_the_history),
        ON_BENCH(a_checkpoint_of_another_experiment_is_an_error),
        ON_BENCH(a_loss_that_runs_away_fails_with_epoch_and_step),
        ON_BENCH(an_empty_validation_list_fails_before_training),
        ON_BENCH(a_last_batch_of_one_on_maps_of_one_pixel_fails_before_training),
        ON_BENCH(data_outside_the_workers_data_root_is_refused),
        ON_BENCH(an_experiment_for_another_backend_is_refused),
        ON_BENCH(a_checkpoint_evaluated_again_gives_the_runs_own_numbers),
        ON_BENCH(what_is_no_checkpoint_is_not_evaluated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
