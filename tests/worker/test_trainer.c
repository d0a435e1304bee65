#include "tests/event_tags.h"
#include "tests/worker/small_run.h"
#include "worker/examine.h"
#include "worker/nn/network.h"

#include <math.h>

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
    static const char *const parts[] = {
        "epoch 1 ",
        "checkpoint best 1 checkpoint_best_loss.safetensors\n",
        "checkpoint last 1 checkpoint_last.safetensors\n",
        "epoch 2 ",
        "checkpoint epoch 2 checkpoint_epoch_002.safetensors\n",
        "checkpoint last 2 ",
        "epoch 3 ",
        "checkpoint best 3 ",
        "checkpoint last 3 ",
        "evaluation best valid 3 ",
        "evaluation best test 3 ",
        "evaluation last valid 3 ",
        "evaluation last test 3 ",
    };
    expect_in_order(bench->whole.lines.data, parts, sizeof parts / sizeof parts[0]);
    assert_null(strstr(bench->whole.lines.data, "checkpoint epoch 1 "));
    assert_null(strstr(bench->whole.lines.data, "checkpoint epoch 3 "));
    assert_null(strstr(bench->whole.lines.data, "checkpoint best 2 "));
    assert_true(bench->whole.progresses > 0);
}

static void train_log_has_the_notebooks_lines_and_the_events_tell_it(void **state) {
    struct bench *bench = *state;
    char *text = read_text(bench->whole_dir, "train.log");
    assert_string_equal(text, bench->whole.log.data);
    assert_null(strstr(text, "checkpoint_best_loss: epoch 2 "));
    static const char *const parts[] = {
        "small: resnet18 on cpu, 12 pictures to train on, 4 to validate, 4 to test\n",
        "epoch 1/3: loss_train ",
        " loss_valid ",
        " accuracy_valid ",
        " precision_valid ",
        " recall_valid ",
        " lr 0.003\n",
        "checkpoint_best_loss: epoch 1 loss_valid ",
        "epoch 2/3: ",
        "checkpoint_epoch_002\n",
        "epoch 3/3: ",
        " lr 0.0015\n",
        "checkpoint_best_loss: epoch 3 loss_valid ",
        "best (epoch 3",
        ") on valid: TP ",
        " TN ",
        " FP ",
        " FN ",
        " accuracy ",
        " recall ",
        " precision ",
        ") on valid: roc_auc ",
        " average_precision ",
        " equal_error_rate ",
        " threshold ",
        " accuracy_at_threshold ",
        ") on valid: right of fake ",
        "/2, real ",
        "last (epoch 3) on test: ",
    };
    expect_in_order(text, parts, sizeof parts / sizeof parts[0]);
    free(text);
}

/* Epochs, and what the end was worth on the test pictures. */
static void tensorboard_is_told_of_epochs_and_of_the_test(void **state) {
    const struct bench *bench = *state;
    char *board = in(bench->whole_dir, "tensorboard/small/events.out.tfevents.assay");
    char *tags = event_tags(board);
    static const char *const parts[] = {
        "loss_train 1\n",         "loss_train 3\n",         "loss_train_epoch 1\n",
        "loss_valid 1\n",         "recall_valid 3\n",       "loss_test_best 3\n",
        "accuracy_test_best 3\n", "accuracy_test_last 3\n",
    };
    expect_in_order(tags, parts, sizeof parts / sizeof parts[0]);
    free(tags);
    free(board);
}

static void train_log_has_every_hundredth_step_of_all_epochs(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    struct listener listener = {0};
    struct error error = {0};
    char *dir = folder(bench, "hundred");
    struct experiment_class classes[] = {small.classes[0], small.classes[1]};
    classes[1].repeat = 20; /* 6 + 20 x 6 pictures by twos: 63 steps an epoch */
    small.experiment.data.classes = classes;
    small.experiment.train.batch_size = 2;
    small.experiment.train.epochs = 2;
    if (small_run(&small, dir, NULL, 2, &listener, &error) != TRAINER_DONE)
        fail_msg("%s", error.message);
    char *text = read_text(dir, "train.log");
    assert_non_null(strstr(text, "epoch 2/2 step 37/63 loss_train "));
    assert_ptr_equal(strstr(text, " step "), strstr(text, " step 37/63 ")); /* the first line */
    free(text);
    listener_free(&listener);
    folder_end(dir);
}

/* An epoch of one step, of which progress says the same. */
static void progress_has_the_mean_loss_and_the_speed(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    struct listener listener = {0};
    char *dir = folder(bench, "progress");
    small.experiment.train.batch_size = 12;
    small.experiment.train.epochs = 1;
    run_to_the_end(&small, dir, NULL, 2, &listener);
    assert_true(fabs(listener.told_loss - listener.epoch_loss) < 1e-9);
    assert_true(listener.told_rate >= listener.epoch_rate / 2 &&
                listener.told_rate < listener.epoch_rate * 100);
    listener_free(&listener);
    folder_end(dir);
}

static void told_to_stop_while_it_looks_at_the_pictures_it_has_not_failed(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    struct listener listener = {.stop_after = 1};
    struct error error = {0};
    char *dir = folder(bench, "looks");
    small.experiment.config = cJSON_Parse("{\"data\":{\"fingerprint\":{}}}");
    if (small_run(&small, dir, NULL, 2, &listener, &error) != TRAINER_STOPPED)
        fail_msg("%s", error.message);
    assert_int_equal(listener.asked, 2);
    small_free(&small);
    listener_free(&listener);
    folder_end(dir);
}

static void checkpoints_have_pytorchs_names_and_the_optimizer(void **state) {
    struct bench *bench = *state;
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
    assert_int_equal(safetensors_find(file, "fc.weight")->shape[1],
                     8 * (size_t)network_stem_channels);
    safetensors_close(file);
}

/* --- what cannot be trained --- */

static void expect_failure(const struct small *small, const char *dir, const char *what,
                           const char *remedy) {
    struct listener listener = {0};
    struct error error = {0};
    assert_int_equal(small_run(small, dir, NULL, 2, &listener, &error), TRAINER_FAILED);
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, what) == NULL || strstr(error.message, remedy) == NULL)
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error.message, what, remedy);
    listener_free(&listener);
}

static void a_loss_that_runs_away_fails_with_epoch_and_step(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    char *dir = folder(bench, "runs away");
    small.experiment.train.optimizer.lr = 1e30;
    expect_failure(&small, dir, "epoch 1, step 2: the training loss is no number",
                   "smaller train.optimizer.lr");
    char *text = read_text(dir, "train.log");
    assert_non_null(strstr(text, "failed: epoch 1, step 2"));
    free(text);
    small.experiment.train.batch_size = 12; /* one step, and what that has made of it */
    expect_failure(&small, dir, "epoch 1, step 1: the valid loss is no number",
                   "smaller train.optimizer.lr");
    folder_end(dir);
}

static void an_empty_list_fails_before_training(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    char *dir = folder(bench, "empty");
    small.experiment.data.valid = 0;
    expect_failure(&small, dir, "no picture to validate on", "raise data.split.valid");
    small.experiment.data.train = 0;
    expect_failure(&small, dir, "no picture to train on", "raise data.split.train");
    folder_end(dir);
}

static void a_last_batch_of_one_on_maps_of_one_pixel_fails_before_training(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    char *dir = folder(bench, "one");
    small.experiment.train.batch_size = 11;
    expect_failure(&small, dir, "would be 1 of 12 training pictures", "from 11 to 12");
    small.experiment.train.batch_size = 1;
    expect_failure(&small, dir, "would be 1 of 12 training pictures", "from 1 to 2");
    char *frozen[] = {"layer4"}; /* whose statistics are not a batch's */
    struct listener listener = {.stop_after = 1};
    struct error error = {0};
    small.experiment.model.freeze = frozen;
    small.experiment.model.freeze_count = 1;
    if (small_run(&small, dir, NULL, 2, &listener, &error) != TRAINER_STOPPED)
        fail_msg("%s", error.message);
    listener_free(&listener);
    folder_end(dir);
}

/* Its loss is divided by its weight alone. */
static void a_last_batch_of_one_on_larger_maps_trains(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    struct listener listener = {0};
    char *dir = folder(bench, "one");
    small.augmentations[0].height = small.augmentations[0].width = 2 * SMALL_SIDE;
    small.evaluation[0].height = small.evaluation[0].width = 2 * SMALL_SIDE;
    small.experiment.augmentations.ops = small.augmentations;
    small.experiment.evaluation.ops = small.evaluation;
    small.experiment.train.batch_size = 11;
    small.experiment.train.epochs = 1;
    run_to_the_end(&small, dir, NULL, 2, &listener);
    listener_free(&listener);
    folder_end(dir);
}

/* Breaks the first fake that is validated on, or trained on, and no other. Which that is the whole
 * run's scores tell. */
static void break_picture(const struct bench *bench, bool validated) {
    char *valid = read_text(bench->whole_dir, "scores_last_valid.csv"),
         *test = read_text(bench->whole_dir, "scores_last_test.csv"), name[32];
    int i = 0;
    do
        snprintf(name, sizeof name, "fake/%03d.png", i++);
    while ((strstr(valid, name) != NULL) != validated || strstr(test, name) != NULL);
    char *path = folder(bench, name);
    assert_true(file_write_atomic(path, "no picture", 10, NULL));
    free(path);
    free(test);
    free(valid);
}

static void a_picture_that_broke_fails_training_and_evaluation_with_its_name(void **state) {
    const struct bench *bench = *state;
    const struct trainer_options options = {.backend = "cpu"};
    const struct trainer_events events = {0};
    char *dir = folder(bench, "broke"), *fake = folder(bench, "fake"),
         *last = in(bench->whole_dir, "checkpoint_last.safetensors");
    void *root = bench->root;
    struct evaluation_report report;
    struct error error = {0};
    break_picture(bench, false);
    expect_failure(&bench->small, dir, ".png: not a PNG", "");
    break_picture(bench, true);
    assert_false(examine_checkpoint(&bench->small.experiment, &options, last, "valid", &events,
                                    &report, &error));
    assert_non_null(strstr(error.message, ".png: not a PNG"));
    folder_end(fake);
    small_pictures(&root, "fake", 10, 110); /* the same ones again */
    free(last);
    folder_end(dir);
}

static void an_experiment_for_another_backend_is_refused(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    char *dir = folder(bench, "backend");
    small.experiment.resources.backend = "cuda";
    expect_failure(&small, dir, "asks for backend \"cuda\"", "resources.backend");
    folder_end(dir);
}

static void data_outside_the_workers_data_root_is_refused(void **state) {
    const struct bench *bench = *state;
    char *dir = folder(bench, "root"), *other = folder(bench, "fake");
    const struct trainer_options options = {.dir = dir, .backend = "cpu", .data_root = other};
    const struct trainer_events events = {0};
    struct error error = {0};
    assert_int_equal(trainer_run(&bench->small.experiment, &options, &events, &error),
                     TRAINER_FAILED);
    assert_non_null(strstr(error.message, "is not inside"));
    free(other);
    folder_end(dir);
}

/* The checkpoint of the second epoch is written while the third trains. */
static void a_checkpoint_that_cannot_be_written_ends_the_run(void **state) {
    const struct bench *bench = *state;
    struct listener listener = {0};
    struct error error = {0};
    char *dir = folder(bench, "unwritten"), *path = in(dir, "checkpoint_epoch_002.safetensors");
    assert_int_equal(mkdir(dir, 0777), 0);
    assert_int_equal(mkdir(path, 0777), 0); /* no file can take its place */
    assert_int_equal(small_run(&bench->small, dir, NULL, 2, &listener, &error), TRAINER_FAILED);
    if (strstr(error.message, path) == NULL)
        fail_msg("\"%s\" does not name %s", error.message, path);
    assert_non_null(strstr(listener.lines.data, "checkpoint last 1 "));
    assert_null(strstr(listener.lines.data, "epoch 2 "));
    assert_null(strstr(listener.lines.data, "epoch 3 "));
    assert_int_equal(rmdir(path), 0);
    run_to_the_end(&bench->small, dir, NULL, 2, &listener); /* nothing is lost */
    expect_same_run(bench, dir, &listener);
    listener_free(&listener);
    free(path);
    folder_end(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_reports_epochs_checkpoints_and_four_evaluations_in_order),
        cmocka_unit_test(train_log_has_the_notebooks_lines_and_the_events_tell_it),
        cmocka_unit_test(tensorboard_is_told_of_epochs_and_of_the_test),
        cmocka_unit_test(train_log_has_every_hundredth_step_of_all_epochs),
        cmocka_unit_test(progress_has_the_mean_loss_and_the_speed),
        cmocka_unit_test(told_to_stop_while_it_looks_at_the_pictures_it_has_not_failed),
        cmocka_unit_test(checkpoints_have_pytorchs_names_and_the_optimizer),
        cmocka_unit_test(a_loss_that_runs_away_fails_with_epoch_and_step),
        cmocka_unit_test(an_empty_list_fails_before_training),
        cmocka_unit_test(a_last_batch_of_one_on_maps_of_one_pixel_fails_before_training),
        cmocka_unit_test(a_last_batch_of_one_on_larger_maps_trains),
        cmocka_unit_test(a_picture_that_broke_fails_training_and_evaluation_with_its_name),
        cmocka_unit_test(an_experiment_for_another_backend_is_refused),
        cmocka_unit_test(data_outside_the_workers_data_root_is_refused),
        cmocka_unit_test(a_checkpoint_that_cannot_be_written_ends_the_run),
    };
    return cmocka_run_group_tests(tests, bench_make_with_setback, bench_free);
}
