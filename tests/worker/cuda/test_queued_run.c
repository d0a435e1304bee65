/* Whole runs on the GPU's engine, with the host in place of a GPU: whether batches are queued
 * ahead, and their results read for several at once, and evaluation goes in larger ones, or each is
 * waited for and as large as training's, a run writes the same bytes. */
#define SMALL_BACKEND "cuda"
#include "tests/worker/cuda/offered.h"
#include "tests/worker/small_run.h"

static bool queues; /* else each step is waited for */
static bool stuck;  /* nothing can be queued */
static size_t most; /* pictures of a batch to evaluate; 0: as many as there are */

static bool queue_few(struct model *model, const struct batch *batch, const struct update *update,
                      struct error *error) {
    if (stuck || (update == NULL && most > 0 && batch->count > most))
        return error_set(error, ERROR_FAILED, "GPU 0 has no memory left");
    return backend_host.queue(model, batch, update, error);
}

static bool model_new_and_tell(const struct network *network, const struct model_options *options,
                               struct model **model, struct error *error) {
    options->tell(options->tell_context, "the host stands in for a GPU");
    return backend_host.model_new(network, options, model, error);
}

const struct backend *module_backend(char *why, size_t size) {
    (void)why, (void)size;
    offer();
    offered.model_new = model_new_and_tell;
    offered.queue = queue_few;
    if (!queues) {
        offered.queue = NULL;
        offered.take = NULL;
        offered.prefetch = NULL;
        offered.evaluation_batch = 0;
    }
    return &offered;
}

static void a_queued_run_writes_what_one_step_by_step_writes(void **state) {
    const struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "queued");
    queues = true;
    run_to_the_end(&bench->small, dir, NULL, 2, &listener);
    assert_string_equal(listener.lines.data, bench->whole.lines.data);
    expect_same_run(bench, dir, &listener);
    listener_free(&listener);
    folder_end(dir);
}

static void evaluation_goes_in_batches_that_a_backend_is_fast_by(void **state) {
    (void)state;
    struct backend backend = {.evaluation_batch = 256};
    assert_int_equal(backend_evaluation_size(&backend, 1), 4);
    assert_int_equal(backend_evaluation_size(&backend, 32), 128);
    assert_int_equal(backend_evaluation_size(&backend, 100), 256);
    assert_int_equal(backend_evaluation_size(&backend, 256), 256);
    assert_int_equal(backend_evaluation_size(&backend, 400), 400);
    backend.evaluation_batch = 0;
    assert_int_equal(backend_evaluation_size(&backend, 32), 32);
}

static void what_the_model_tells_stands_in_the_log(void **state) {
    const struct bench *bench = *state;
    static const char line[] = "the host stands in for a GPU\n";
    const char *first = strchr(bench->whole.log.data, '\n') + 1; /* behind what runs, and where */
    assert_memory_equal(first, line, strlen(line));
    assert_null(strstr(first + 1, line));
}

/* And then goes on as it would have with smaller ones from the beginning. */
static void evaluation_in_larger_batches_that_fails_goes_in_smaller_ones(void **state) {
    const struct bench *bench = *state;
    struct small small = bench->small;
    struct listener plain = {0}, listener = {0};
    char *dir = folder(bench, "plain"), *other = folder(bench, "fallen_back");
    small.experiment.train.batch_size = 3;
    queues = false;
    run_to_the_end(&small, dir, NULL, 2, &plain);
    queues = true;
    most = 3;
    run_to_the_end(&small, other, NULL, 2, &listener);
    most = 0;
    assert_string_equal(listener.lines.data, plain.lines.data);
    const char *line = strstr(listener.log.data, "\nevaluation goes in batches of 3, since in "
                                                 "batches of 12: GPU 0 has no memory left\n");
    assert_non_null(line);
    assert_null(strstr(line + 2, "evaluation goes")); /* it does not try again */
    assert_true(line < strstr(listener.log.data, "\nepoch 1/3: "));
    listener_free(&plain);
    listener_free(&listener);
    folder_end(dir);
    folder_end(other);
}

/* Where all epochs are done already, and where the run fails. */
static void what_is_told_behind_the_last_epoch_stands_in_the_log(void **state) {
    const struct bench *bench = *state;
    static const char line[] = "\nevaluation goes in batches of 3, since in batches of 12: ";
    struct small small = bench->small;
    struct listener listener = {0};
    struct error error = {0};
    char *dir = folder(bench, "told"), *other = folder(bench, "told_and_failed");
    small.experiment.train.batch_size = 3;
    queues = true;
    run_to_the_end(&small, dir, NULL, 2, &listener);
    most = 3;
    run_to_the_end(&small, dir, NULL, 2, &listener);
    assert_non_null(strstr(listener.log.data, line));
    most = 1;
    listener.log.length = 0;
    assert_int_equal(small_run(&small, other, NULL, 2, &listener, &error), TRAINER_FAILED);
    most = 0;
    assert_non_null(strstr(listener.log.data, line));
    assert_non_null(strstr(listener.log.data, "\nfailed: GPU 0 has no memory left\n"));
    listener_free(&listener);
    folder_end(dir);
    folder_end(other);
}

static void a_device_that_cannot_record_is_named_in_the_log(void **state) {
    const struct bench *bench = *state;
    struct listener listener = {0};
    char *dir = folder(bench, "unrecorded");
    queues = true;
    host_device_refuses = true;
    run_to_the_end(&bench->small, dir, NULL, 2, &listener);
    host_device_refuses = false;
    assert_non_null(strstr(listener.log.data, "\nsteps are queued launch by launch: "));
    assert_string_equal(listener.lines.data, bench->whole.lines.data);
    listener_free(&listener);
    folder_end(dir);
}

/* Steps are under way when it is stopped, in the second epoch; they count for nothing. (The log has
 * a line more: another model was made.) */
static void a_run_stopped_with_steps_under_way_goes_on_as_if_it_had_not_been(void **state) {
    const struct bench *bench = *state;
    struct listener listener = {.stop_after = bench->whole.asked_first + 2};
    struct error error = {0};
    char *dir = folder(bench, "stopped");
    queues = true;
    assert_int_equal(small_run(&bench->small, dir, NULL, 2, &listener, &error), TRAINER_STOPPED);
    listener.stop_after = 0;
    run_to_the_end(&bench->small, dir, NULL, 2, &listener);
    expect_same_board(dir, bench->whole_dir);
    assert_string_equal(listener.lines.data, bench->whole.lines.data);
    listener_free(&listener);
    folder_end(dir);
}

/* Steps are under way when it hears, in the third epoch, that it is to end after the second; they
 * count for nothing. */
static void a_run_that_ends_with_steps_under_way_is_evaluated_without_them(void **state) {
    const struct bench *bench = *state;
    struct listener expected = {.stop_epoch = 2};
    struct listener listener = {.stop_epoch = 2,
                                .stop_epoch_after = 2 * bench->whole.asked_first + 2};
    char *dir = folder(bench, "ended"), *other = folder(bench, "short");
    queues = true;
    run_to_the_end(&bench->small, dir, NULL, 2, &listener);
    run_to_the_end(&bench->small, other, NULL, 2, &expected);
    assert_string_equal(listener.lines.data, expected.lines.data);
    listener_free(&listener);
    listener_free(&expected);
    folder_end(dir);
    folder_end(other);
}

/* The second batch's are on their way when the first cannot be queued. (The address sanitizer sees
 * it.) */
static void pictures_are_there_until_the_model_that_reads_them_is_gone(void **state) {
    const struct bench *bench = *state;
    struct listener listener = {0};
    struct error error = {0};
    char *dir = folder(bench, "stuck");
    queues = stuck = true;
    assert_int_equal(small_run(&bench->small, dir, NULL, 2, &listener, &error), TRAINER_FAILED);
    stuck = false;
    assert_non_null(strstr(error.message, "GPU 0 has no memory left"));
    listener_free(&listener);
    folder_end(dir);
}

/* The input is as good as it was: the experiment must not fail for good. */
static void a_gpu_that_works_no_more_is_the_machine_s_fault(void **state) {
    const struct bench *bench = *state;
    struct listener listener = {0};
    struct error error = {0};
    char *dir = folder(bench, "broken");
    broken = true;
    assert_int_equal(small_run(&bench->small, dir, NULL, 2, &listener, &error), TRAINER_FAILED);
    broken = false;
    assert_int_equal(error.cause, CAUSE_MACHINE);
    assert_non_null(strstr(error.message, "an illegal memory access was encountered"));
    listener_free(&listener);
    folder_end(dir);
}

static int bench_make_step_by_step(void **state) {
    queues = false;
    return bench_make(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_run_writes_what_one_step_by_step_writes),
        cmocka_unit_test(evaluation_goes_in_batches_that_a_backend_is_fast_by),
        cmocka_unit_test(evaluation_in_larger_batches_that_fails_goes_in_smaller_ones),
        cmocka_unit_test(what_is_told_behind_the_last_epoch_stands_in_the_log),
        cmocka_unit_test(a_device_that_cannot_record_is_named_in_the_log),
        cmocka_unit_test(what_the_model_tells_stands_in_the_log),
        cmocka_unit_test(a_run_stopped_with_steps_under_way_goes_on_as_if_it_had_not_been),
        cmocka_unit_test(a_run_that_ends_with_steps_under_way_is_evaluated_without_them),
        cmocka_unit_test(pictures_are_there_until_the_model_that_reads_them_is_gone),
        cmocka_unit_test(a_gpu_that_works_no_more_is_the_machine_s_fault),
    };
    return cmocka_run_group_tests(tests, bench_make_step_by_step, bench_free);
}
