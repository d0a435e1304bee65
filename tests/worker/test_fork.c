/* Runs that begin from another experiment's checkpoint: the same bits as if it had never stopped.
 */
#include "tests/event_tags.h"
#include "tests/worker/small_run.h"
#include "worker/fork.h"

#include <errno.h>

/* Gives the experiment a complete config, as a fork is checked by. Its tensors and numbers are
 * those of the bench's, whose config says less. */
static void set_config(struct small *small, const char *arch, double lr, int epochs) {
    struct experiment decoded;
    struct faults faults = {0};
    char text[500];
    snprintf(text, sizeof text,
             "{\"name\":\"small\",\"data\":{\"classes\":["
             "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
             "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]},\"model\":{\"arch\":\"%s\"},"
             "\"train\":{\"optimizer\":{\"name\":\"adam\",\"lr\":%g},\"epochs\":%d}}",
             arch, lr, epochs);
    small->experiment.config = cJSON_Parse(text);
    assert_true(experiment_from_json(small->experiment.config, &decoded, &faults));
    experiment_free(&decoded);
    small->experiment.train.epochs = (uint32_t)epochs;
    small->experiment.train.optimizer.lr = lr;
}

static enum trainer_outcome fork_run(const struct small *small, const char *dir, const char *from,
                                     uint32_t epoch, struct listener *listener,
                                     struct error *error) {
    listener->dir = dir;
    listener->asked = 0;
    text_free(&listener->lines);
    const struct trainer_events events = listener_events(listener);
    const struct trainer_options options = {
        .dir = dir, .backend = "cpu", .threads = 2, .from = {from, "elsewhere", epoch}};
    return trainer_run(&small->experiment, &options, &events, error);
}

static void fork_to_the_end(const struct small *small, const char *dir, const char *from,
                            uint32_t epoch, struct listener *listener) {
    struct error error = {0};
    if (fork_run(small, dir, from, epoch, listener, &error) != TRAINER_DONE)
        fail_msg("%s", error.message);
}

/* The bench's run again, under the config of set_config, two epochs long or three. Caller ends it.
 */
static char *parent(struct bench *bench, int epochs, struct small *small) {
    struct listener listener = {0};
    char *dir = folder(bench, "parent");
    *small = bench->small;
    set_config(small, "resnet18", 3e-3, epochs);
    run_to_the_end(small, dir, NULL, 2, &listener);
    listener_free(&listener);
    return dir;
}

/* A run of two epochs, and an experiment of three that goes on from its last checkpoint. */
struct forking {
    struct small small;
    struct listener listener;
    char *from_dir, *dir, *from;
};

static void forking_begin(struct bench *bench, double lr, struct forking *forking) {
    *forking = (struct forking){0};
    forking->from_dir = parent(bench, 2, &forking->small);
    forking->dir = folder(bench, "fork");
    forking->from = in(forking->from_dir, "checkpoint_last.safetensors");
    small_free(&forking->small);
    set_config(&forking->small, "resnet18", lr, 3);
}

static void forking_end(struct forking *forking) {
    small_free(&forking->small);
    listener_free(&forking->listener);
    free(forking->from);
    folder_end(forking->dir);
    folder_end(forking->from_dir);
}

static void a_fork_from_the_middle_ends_with_the_bits_of_the_run_it_left(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    struct small small;
    char *from_dir = parent(bench, 3, &small), *dir = folder(bench, "fork");
    char *from = in(from_dir, "checkpoint_epoch_002.safetensors");
    fork_to_the_end(&small, dir, from, 2, &listener);
    expect_same_state(dir, from_dir, "checkpoint_last.safetensors");
    expect_same_state(dir, from_dir, "checkpoint_best_loss.safetensors");
    expect_same_lines(bench, &listener, "epoch"); /* all three of them */
    expect_same_lines(bench, &listener, "evaluation");
    assert_non_null(strstr(listener.log.data, "going on from epoch 2 of /"));
    small_free(&small);
    listener_free(&listener);
    free(from);
    folder_end(dir);
    folder_end(from_dir);
}

static void a_fork_with_more_epochs_is_the_longer_run_and_takes_the_best_along(void **state) {
    struct bench *bench = *state;
    struct forking forking;
    forking_begin(bench, 3e-3, &forking);
    forking.listener.stop_after = 2; /* the first epoch is the best so far: its file came along */
    struct error error = {0};
    assert_int_equal(
        fork_run(&forking.small, forking.dir, forking.from, 2, &forking.listener, &error),
        TRAINER_STOPPED);
    expect_same_state(forking.dir, forking.from_dir, "checkpoint_best_loss.safetensors");
    forking.listener.stop_after = 0;
    fork_to_the_end(&forking.small, forking.dir, forking.from, 2, &forking.listener);
    expect_same_state(forking.dir, bench->whole_dir, "checkpoint_last.safetensors");
    expect_same_state(forking.dir, bench->whole_dir, "checkpoint_best_loss.safetensors");
    expect_same_lines(bench, &forking.listener, "epoch");
    forking_end(&forking);
}

static void a_fork_from_the_best_checkpoint_is_the_run_it_left_too(void **state) {
    struct bench *bench = *state;
    struct forking forking;
    forking_begin(bench, 3e-3, &forking);
    char *best = in(forking.from_dir, "checkpoint_best_loss.safetensors");
    fork_to_the_end(&forking.small, forking.dir, best, 1, &forking.listener);
    expect_same_state(forking.dir, bench->whole_dir, "checkpoint_last.safetensors");
    expect_same_state(forking.dir, bench->whole_dir, "checkpoint_best_loss.safetensors");
    expect_same_lines(bench, &forking.listener, "epoch");
    free(best);
    forking_end(&forking);
}

static bool is_there(const char *from, uint32_t epoch, bool with_best) {
    struct error error = {0};
    bool there;
    if (!fork_is_there(from, epoch, with_best, &there, &error))
        fail_msg("%s", error.message);
    return there;
}

static void
a_best_checkpoint_counts_under_either_name_and_of_the_same_experiment_alone(void **state) {
    struct forking forking;
    struct error error = {0};
    forking_begin(*state, 3e-3, &forking);
    char *best = in(forking.from_dir, "checkpoint_best_loss.safetensors"),
         *first = in(forking.from_dir, "checkpoint_epoch_001.safetensors"),
         *others = in(forking.dir, "checkpoint_best_loss.safetensors");
    assert_true(is_there(forking.from, 2, true));
    assert_false(is_there(forking.from, 1, true));
    assert_true(is_there(best, 1, true));     /* its own */
    assert_int_equal(rename(best, first), 0); /* as when another was best since */
    assert_true(is_there(forking.from, 2, true));
    forking.listener.stop_after = 2;
    assert_int_equal(
        fork_run(&forking.small, forking.dir, forking.from, 2, &forking.listener, &error),
        TRAINER_STOPPED);
    assert_int_equal(rename(others, first), 0); /* epoch 1 of what trains an epoch more */
    assert_false(is_there(forking.from, 2, true));
    assert_true(is_there(forking.from, 2, false));
    assert_int_equal(unlink(first), 0);
    assert_false(is_there(forking.from, 2, true));
    free(others);
    free(first);
    free(best);
    forking_end(&forking);
}

static void a_fork_killed_before_its_first_last_checkpoint_begins_again(void **state) {
    struct bench *bench = *state;
    struct forking forking;
    struct error error = {0};
    forking_begin(bench, 3e-3, &forking);
    forking.listener.stop_after = 2;
    assert_int_equal(
        fork_run(&forking.small, forking.dir, forking.from, 2, &forking.listener, &error),
        TRAINER_STOPPED);
    /* best, of epoch 1, was written before */
    delete_file(forking.dir, "checkpoint_last.safetensors");
    forking.listener.stop_after = 0;
    fork_to_the_end(&forking.small, forking.dir, forking.from, 2, &forking.listener);
    expect_same_state(forking.dir, bench->whole_dir, "checkpoint_last.safetensors");
    forking_end(&forking);
}

static void a_fork_that_was_stopped_goes_on_without_the_other_runs_files(void **state) {
    struct bench *bench = *state;
    struct listener listener = {.stop_after = 2};
    struct small small;
    struct error error = {0};
    char *from_dir = parent(bench, 3, &small), *dir = folder(bench, "fork");
    char *from = in(from_dir, "checkpoint_epoch_002.safetensors");
    assert_int_equal(fork_run(&small, dir, from, 2, &listener, &error), TRAINER_STOPPED);
    struct safetensors *best = open_head_in(dir, "checkpoint_best_loss.safetensors");
    /* epoch 1's, the best so far, is gone: what is gone on from is the best that there is */
    assert_string_equal(safetensors_metadata(best, "best_epoch"), "2");
    assert_string_equal(safetensors_metadata(best, "best_loss"),
                        safetensors_metadata(best, "loss"));
    safetensors_close(best);
    folder_end(from_dir);
    listener.stop_after = 0;
    fork_to_the_end(&small, dir, from, 2, &listener);
    expect_same_state(dir, bench->whole_dir, "checkpoint_last.safetensors");
    small_free(&small);
    listener_free(&listener);
    free(from);
    folder_end(dir);
}

static void a_rate_that_was_changed_counts_at_once(void **state) {
    struct bench *bench = *state;
    struct forking forking;
    forking_begin(bench, 1e-4, &forking);
    fork_to_the_end(&forking.small, forking.dir, forking.from, 2, &forking.listener);
    assert_non_null(strstr(forking.listener.lines.data, " lr 0.0030000000000000001"));
    assert_non_null(strstr(strstr(forking.listener.lines.data, "epoch 3 "), " lr 0.0001"));
    forking_end(&forking);
}

/* 3 steps an epoch before and 6 since: the curve goes on where it was. */
static void a_fork_with_other_batches_counts_its_steps_on(void **state) {
    struct bench *bench = *state;
    struct forking forking;
    forking_begin(bench, 3e-3, &forking);
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(forking.small.experiment.config, "train"),
                              "batch_size", cJSON_CreateNumber(2));
    forking.small.experiment.train.batch_size = 2;
    fork_to_the_end(&forking.small, forking.dir, forking.from, 2, &forking.listener);
    char *board = in(forking.dir, "tensorboard/small/events.out.tfevents.assay");
    char *tags = event_tags(board), *at = tags;
    for (int step = 3; step <= 12; step += step < 6 ? 3 : 1) {
        at = strstr(at, "loss_train ");
        assert_non_null(at);
        at += strlen("loss_train ");
        assert_int_equal(strtol(at, NULL, 10), step);
    }
    assert_null(strstr(at, "loss_train "));
    free(tags);
    free(board);
    forking_end(&forking);
}

/* In the config, and in what is trained by. */
static void set_sgd(struct small *small, double momentum) {
    cJSON *train = cJSON_GetObjectItem(small->experiment.config, "train");
    cJSON *sgd = cJSON_CreateObject();
    cJSON_AddStringToObject(sgd, "name", "sgd");
    cJSON_AddNumberToObject(sgd, "lr", 3e-3);
    cJSON_AddNumberToObject(sgd, "momentum", momentum);
    cJSON_ReplaceItemInObject(train, "optimizer", sgd);
    small->experiment.train.optimizer =
        (struct optimizer){.name = OPTIMIZER_SGD, .lr = 3e-3, .momentum = momentum};
}

/* As PyTorch's: the buffer is the first gradient, what a buffer of zeros becomes. */
static void a_fork_with_momentum_may_go_on_from_a_run_without(void **state) {
    struct bench *bench = *state;
    struct listener listener = {0};
    struct small small = bench->small;
    char *from_dir = folder(bench, "parent"), *dir = folder(bench, "fork");
    char *from = in(from_dir, "checkpoint_last.safetensors");
    set_config(&small, "resnet18", 3e-3, 2);
    set_sgd(&small, 0);
    run_to_the_end(&small, from_dir, NULL, 2, &listener);
    small_free(&small);
    set_config(&small, "resnet18", 3e-3, 3);
    set_sgd(&small, 0.9);
    fork_to_the_end(&small, dir, from, 2, &listener);
    struct safetensors *last = open_in(dir, "checkpoint_last.safetensors");
    assert_non_null(safetensors_find(last, "optimizer.m.conv1.weight"));
    safetensors_close(last);
    small_free(&small);
    listener_free(&listener);
    free(from);
    folder_end(dir);
    folder_end(from_dir);
}

static void expect_refusal(const struct small *small, const char *dir, const char *from,
                           uint32_t epoch, const char *what) {
    struct listener listener = {0};
    struct error error = {0};
    assert_int_equal(fork_run(small, dir, from, epoch, &listener, &error), TRAINER_FAILED);
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, what);
    listener_free(&listener);
}

static void what_a_fork_cannot_go_on_from_is_refused(void **state) {
    struct bench *bench = *state;
    struct small small;
    char *from_dir = parent(bench, 2, &small), *dir = folder(bench, "fork");
    char *from = in(from_dir, "checkpoint_last.safetensors");
    small_free(&small);
    set_config(&small, "resnet34", 3e-3, 3);
    expect_refusal(&small, dir, from, 2,
                   "model.arch is \"resnet34\" and the checkpoint's is \"resnet18\"");
    small_free(&small);
    set_config(&small, "resnet18", 3e-3, 3);
    expect_refusal(&small, dir, from, 1, "is of epoch 2 now and was of 1");
    expect_refusal(&small, dir, "/nowhere/x", 2, "cannot read /nowhere/x on elsewhere");
    small_free(&small);
    set_config(&small, "resnet18", 3e-3, 2);
    expect_refusal(&small, dir, from, 2, "train.epochs is 2; raise it");
    small_free(&small);
    free(from);
    folder_end(dir);
    folder_end(from_dir);
}

/* A file on a mount whose server is gone. */
static const char *lost;
int __wrap_access(const char *path, int mode);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode) {
    if (lost == NULL || strcmp(path, lost) != 0)
        return __real_access(path, mode);
    errno = ESTALE;
    return -1;
}

static void that_the_machine_cannot_get_at_the_checkpoint_is_no_fault_of_the_fork(void **state) {
    const struct bench *bench = *state;
    const struct trainer_options options = {.from = {"/lost/x", "here", 2}};
    struct error error = {0};
    struct fork fork;
    lost = "/lost/x";
    assert_false(fork_open(&options, &bench->small.experiment, &fork, &error));
    lost = NULL;
    assert_int_equal(error.cause, CAUSE_MACHINE);
    assert_string_equal(error.message, "cannot read /lost/x on here, the checkpoint to go on from: "
                                       "Stale file handle");
    fork_close(&fork);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_from_the_middle_ends_with_the_bits_of_the_run_it_left),
        cmocka_unit_test(a_fork_with_more_epochs_is_the_longer_run_and_takes_the_best_along),
        cmocka_unit_test(a_fork_from_the_best_checkpoint_is_the_run_it_left_too),
        cmocka_unit_test(
            a_best_checkpoint_counts_under_either_name_and_of_the_same_experiment_alone),
        cmocka_unit_test(a_fork_killed_before_its_first_last_checkpoint_begins_again),
        cmocka_unit_test(a_fork_that_was_stopped_goes_on_without_the_other_runs_files),
        cmocka_unit_test(a_rate_that_was_changed_counts_at_once),
        cmocka_unit_test(a_fork_with_other_batches_counts_its_steps_on),
        cmocka_unit_test(a_fork_with_momentum_may_go_on_from_a_run_without),
        cmocka_unit_test(what_a_fork_cannot_go_on_from_is_refused),
        cmocka_unit_test(that_the_machine_cannot_get_at_the_checkpoint_is_no_fault_of_the_fork),
    };
    return cmocka_run_group_tests(tests, bench_make_with_setback, bench_free);
}
