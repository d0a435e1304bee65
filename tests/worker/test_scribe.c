#include "tests/temporary.h"
#include "tests/worker/fake_backend.h"
#include "worker/scribe.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *context);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *context) {
    return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, work, context);
}

/* A network whose weights all are `value`, and the state of a run after its first epoch. */
struct bench {
    struct network network;
    struct model *model;
    struct epoch_report report;
    struct checkpoint_state state;
};

static void set_weights(struct bench *bench, float value) {
    for (size_t i = 0; i < bench->network.parameter_count; i++) {
        size_t count = bench->network.parameters[i].count;
        float *values = calloc(count, sizeof *values);
        for (size_t j = 0; j < count; j++)
            values[j] = value;
        assert_true(fake_set(bench->model, MODEL_VALUE, i, values, NULL));
        free(values);
    }
}

static void bench_open(struct bench *bench) {
    struct error error = {0};
    const struct model_options options = {0};
    size_t means = 0;
    assert_true(network_build("resnet18", HEAD_RELU, 0, &bench->network, &error));
    assert_true(fake_new(&bench->network, &options, &bench->model, &error));
    for (size_t i = 0; i < bench->network.parameter_count; i++)
        means += bench->network.parameters[i].kind == PARAMETER_MEAN;
    bench->report = (struct epoch_report){.epoch = 1, .seconds = 1, .images_per_second = 1};
    bench->state = (struct checkpoint_state){.epoch = 1,
                                             .iteration = 3,
                                             .best_loss = 0.5,
                                             .best_epoch = 1,
                                             .history = &bench->report,
                                             .batches_tracked = calloc(means, sizeof(int64_t))};
    set_weights(bench, 1);
}

static void bench_close(struct bench *bench) {
    free(bench->state.batches_tracked);
    fake_free(bench->model);
    network_free(&bench->network);
}

static struct draft *draft_of(const struct bench *bench) {
    struct draft *draft;
    struct error error = {0};
    if (!checkpoint_draft(&bench->network, &fake_backend, bench->model, &bench->state, "{}", &draft,
                          &error))
        fail_msg("%s", error.message);
    return draft;
}

static char *path_in(const char *folder, const char *name) {
    char *path;
    assert_true(asprintf(&path, "%s/%s", folder, name) >= 0);
    return path;
}

static char *read_all(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    fclose(file);
    return bytes;
}

static void assert_same_file(const char *a, const char *b) {
    size_t length, other_length;
    char *bytes = read_all(a, &length), *others = read_all(b, &other_length);
    assert_int_equal(length, other_length);
    assert_memory_equal(bytes, others, length);
    free(bytes);
    free(others);
}

static void what_is_written_is_what_was_when_the_draft_was_made(void **state) {
    struct bench bench;
    struct scribe *scribe;
    struct error error = {0};
    char *then = path_in(*state, "then"), *best = path_in(*state, "best"),
         *last = path_in(*state, "last");
    const char *const paths[] = {best, last};
    bench_open(&bench);
    assert_true(checkpoint_write(then, &bench.network, &fake_backend, bench.model, &bench.state,
                                 "{}", &error));
    struct draft *draft = draft_of(&bench);
    set_weights(&bench, 2); /* training goes on */
    bench.state.iteration = 6;
    bench.report.epoch = 2;
    bench.state.batches_tracked[0] = 6;
    assert_true(scribe_begin(draft, paths, 2, &scribe, &error));
    if (!scribe_end(scribe, &error))
        fail_msg("%s", error.message);
    assert_same_file(best, then);
    assert_same_file(last, then);
    bench_close(&bench);
    free(then);
    free(best);
    free(last);
}

static void it_can_be_waited_for_by_asking(void **state) {
    struct bench bench;
    struct scribe *scribe;
    char *path = path_in(*state, "asked");
    bench_open(&bench);
    assert_true(scribe_begin(draft_of(&bench), (const char *const *)&path, 1, &scribe, NULL));
    while (!scribe_finished(scribe))
        usleep(1000);
    assert_int_equal(access(path, R_OK), 0);
    assert_true(scribe_end(scribe, NULL));
    bench_close(&bench);
    free(path);
}

static void what_cannot_be_written_is_an_error_and_leaves_the_old_file(void **state) {
    struct bench bench;
    struct scribe *scribe;
    struct error error = {0};
    char *last = path_in(*state, "kept"), *nowhere = path_in(*state, "no/such");
    const char *const paths[] = {nowhere, last};
    bench_open(&bench);
    assert_true(scribe_begin(draft_of(&bench), (const char *const *)&last, 1, &scribe, NULL));
    assert_true(scribe_end(scribe, NULL));
    size_t length, after_length;
    char *before = read_all(last, &length);
    set_weights(&bench, 3);
    assert_true(scribe_begin(draft_of(&bench), paths, 2, &scribe, NULL));
    assert_false(scribe_end(scribe, &error));
    assert_non_null(strstr(error.message, "no/such"));
    char *after = read_all(last, &after_length);
    assert_int_equal(after_length, length);
    assert_memory_equal(after, before, length);
    free(before);
    free(after);
    bench_close(&bench);
    free(last);
    free(nowhere);
}

static void no_thread_is_an_error_and_leaves_nothing(void **state) {
    struct bench bench;
    struct scribe *scribe;
    struct error error = {0};
    char *path = path_in(*state, "unwritten");
    bench_open(&bench);
    struct draft *draft = draft_of(&bench);
    no_threads = true;
    bool begun = scribe_begin(draft, (const char *const *)&path, 1, &scribe, &error);
    no_threads = false;
    assert_false(begun);
    assert_null(scribe);
    assert_int_equal(error.cause, CAUSE_MACHINE);
    assert_int_not_equal(access(path, F_OK), 0);
    bench_close(&bench);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_what_was_when_the_draft_was_made,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(it_can_be_waited_for_by_asking, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_an_error_and_leaves_the_old_file,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(no_thread_is_an_error_and_leaves_nothing, temporary_make,
                                        temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
