/* A trial with a trainer that the test is. */
#include "worker/trial.h"

#include "core/file.h"
#include "core/json.h"
#include "tests/temporary.h"
#include "worker/sweep.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* QUEUE: as many items wait at most. */
enum { QUEUE = 64, LOGS = 3 * QUEUE, PATIENCE_S = 240 };

#define SUM "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static atomic_int told; /* by the trainer, so far */
static const struct trial_supply nothing = {0};

static struct trial *start(trial_function *run, const struct trainer_options *options,
                           const struct trial_supply *supply) {
    struct experiment experiment = {0};
    struct trial *trial;
    struct error error = {0};
    atomic_store(&told, 0);
    alarm(PATIENCE_S); /* for what would wait for ever */
    if (!trial_start(run, &experiment, options, supply, "host", &trial, &error))
        fail_msg("%s", error.message);
    return trial;
}

static void wait_until_told(int count) {
    while (atomic_load(&told) < count)
        usleep(1000);
}

/* The next item, once the descriptor says that there is one. */
static struct trial_item next(struct trial *trial) {
    struct trial_item item;
    while (!trial_take(trial, &item)) {
        struct pollfd ready = {.fd = trial_fd(trial), .events = POLLIN};
        assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
    }
    return item;
}

static void expect_end(struct trial *trial, enum trainer_outcome outcome) {
    struct trial_item item = next(trial);
    assert_null(item.kind);
    assert_int_equal(item.outcome, outcome);
    trial_free(trial);
}

/* --- the queue --- */

static enum trainer_outcome tell_logs(const struct experiment *experiment,
                                      const struct trainer_options *options,
                                      const struct trainer_events *events, struct error *error) {
    (void)experiment, (void)options, (void)error;
    for (uint64_t i = 0; i < LOGS; i++) {
        events->log(events->context, i, "line\n");
        atomic_fetch_add(&told, 1);
    }
    return TRAINER_DONE;
}

static void the_trainer_waits_for_room_and_all_comes_in_order(void **state) {
    const struct trainer_options options = {0};
    struct trial *trial = start(tell_logs, &options, &nothing);
    (void)state;
    wait_until_told(QUEUE);
    usleep(20000);
    assert_int_equal(atomic_load(&told), QUEUE);
    for (int i = 0; i < LOGS; i++) {
        struct trial_item item = next(trial);
        assert_string_equal(item.kind, "log");
        assert_int_equal(json_integer(item.body, "offset"), i);
        trial_item_free(&item);
    }
    expect_end(trial, TRAINER_DONE);
}

static void one_that_is_put_down_waits_for_nobody(void **state) {
    const struct trainer_options options = {0};
    struct trial *trial = start(tell_logs, &options, &nothing);
    (void)state;
    wait_until_told(QUEUE);
    trial_free(trial);
    assert_int_equal(atomic_load(&told), LOGS);
}

/* --- what is told --- */

static enum trainer_outcome tell_progress(const struct experiment *experiment,
                                          const struct trainer_options *options,
                                          const struct trainer_events *events,
                                          struct error *error) {
    (void)experiment, (void)options, (void)error;
    const struct progress progress = {.phase = "valid", .epoch = 2, .step = 7};
    while (!events->stop(events->context))
        usleep(1000);
    events->progress(events->context, &progress);
    return TRAINER_STOPPED;
}

static void the_newest_progress_is_known_once_there_is_one(void **state) {
    const struct trainer_options options = {0};
    struct trial *trial = start(tell_progress, &options, &nothing);
    struct progress progress;
    (void)state;
    assert_false(trial_progress(trial, &progress));
    trial_stop(trial);
    struct trial_item item = next(trial);
    assert_int_equal(item.outcome, TRAINER_STOPPED);
    assert_true(trial_progress(trial, &progress));
    assert_string_equal(progress.phase, "valid");
    assert_int_equal(progress.epoch, 2);
    assert_int_equal(progress.step, 7);
    trial_free(trial);
}

static enum trainer_outcome resume(const struct experiment *experiment,
                                   const struct trainer_options *options,
                                   const struct trainer_events *events, struct error *error) {
    (void)experiment, (void)options, (void)error;
    struct epoch_report report = {.images_per_second = 50};
    metrics_add(&report.train, 1, 1, 0.5);
    metrics_add(&report.valid, 0, 1, 0.25);
    events->resume(events->context, 2);
    for (report.epoch = 1; report.epoch <= 3; report.epoch++)
        events->epoch(events->context, &report);
    return TRAINER_DONE;
}

static void people_hear_of_the_epoch_that_it_goes_on_from_and_of_none_before(void **state) {
    static const char *const lines[] = {
        NULL,
        "going on from epoch 2/0: train loss 0.5000, valid loss 0.2500, accuracy 0.0000; "
        "50.0 images/s",
        "epoch 3/0: train loss 0.5000, valid loss 0.2500, accuracy 0.0000; 50.0 images/s"};
    const struct trainer_options options = {0};
    struct trial *trial = start(resume, &options, &nothing);
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct trial_item item = next(trial);
        assert_string_equal(item.kind, "epoch");
        assert_int_equal(json_integer(item.body, "epoch"), i + 1);
        if (lines[i] == NULL)
            assert_null(item.line);
        else
            assert_string_equal(item.line, lines[i]);
        trial_item_free(&item);
    }
    expect_end(trial, TRAINER_DONE);
}

static enum trainer_outcome end_early(const struct experiment *experiment,
                                      const struct trainer_options *options,
                                      const struct trainer_events *events, struct error *error) {
    (void)experiment, (void)options, (void)error;
    if (events->stop_epoch(events->context) != 5)
        return TRAINER_FAILED;
    atomic_fetch_add(&told, 1);
    while (events->stop_epoch(events->context) != 3)
        usleep(1000);
    return TRAINER_DONE;
}

static void the_epoch_to_end_after_may_come_nearer(void **state) {
    const struct trainer_options options = {.stop_epoch = 5};
    struct trial *trial = start(end_early, &options, &nothing);
    (void)state;
    wait_until_told(1);
    trial_shorten(trial, 3);
    expect_end(trial, TRAINER_DONE);
}

static enum trainer_outcome tell_evaluations(const struct experiment *experiment,
                                             const struct trainer_options *options,
                                             const struct trainer_events *events,
                                             struct error *error) {
    (void)experiment, (void)options, (void)error;
    struct split_item picture = {.path = "a.png"};
    struct score score = {.probability = 0.25};
    const struct split_list lists[] = {{.count = 0}, {.items = &picture, .count = 1}};
    for (size_t i = 0; i < 2; i++) {
        const struct evaluation_report report = {
            .checkpoint = "best", .split = "test", .list = &lists[i], .scores = &score};
        events->evaluation(events->context, &report);
    }
    return TRAINER_DONE;
}

static void an_evaluation_comes_after_the_scores_that_there_are(void **state) {
    static const char *const kinds[] = {"evaluation", "scores", "evaluation"};
    const struct trainer_options options = {0};
    struct trial *trial = start(tell_evaluations, &options, &nothing);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct trial_item item = next(trial);
        assert_string_equal(item.kind, kinds[i]);
        assert_int_equal(item.line != NULL, i != 1);
        trial_item_free(&item);
    }
    expect_end(trial, TRAINER_DONE);
}

/* --- what it goes on from --- */

/* Fails unless what was fetched is there after "best", and after "last" where it is no fork. */
static enum trainer_outcome checkpoint_twice(const struct experiment *experiment,
                                             const struct trainer_options *options,
                                             const struct trainer_events *events,
                                             struct error *error) {
    static const char *const kinds[] = {"best", "last"};
    char fetched[600];
    (void)experiment, (void)error;
    snprintf(fetched, sizeof fetched, "%s/" SWEEP_FORK "/c", options->dir);
    for (size_t i = 0; i < 2; i++) {
        const struct checkpoint_report report = {.kind = kinds[i], .epoch = 1, .path = "/x"};
        events->checkpoint(events->context, &report);
        if ((access(fetched, F_OK) == 0) != (i == 0 || options->from.path == NULL))
            return TRAINER_FAILED;
    }
    return TRAINER_DONE;
}

static void what_a_fork_fetched_goes_with_the_first_last_checkpoint_of_its_own(void **state) {
    char *fetched = temporary_path(state, SWEEP_FORK "/c");
    cJSON *from = cJSON_CreateObject();
    for (int fork = 0; fork < 2; fork++) {
        const struct trainer_options options = {.dir = *state,
                                                .from.path = fork ? "/nowhere" : NULL};
        const struct trial_supply supply = {.from = fork ? from : NULL};
        assert_true(folder_make_of(fetched, NULL) && file_write_atomic(fetched, "c", 1, NULL));
        struct trial *trial = start(checkpoint_twice, &options, &supply);
        for (int i = 0; i < 2; i++) {
            struct trial_item item = next(trial);
            trial_item_free(&item);
        }
        expect_end(trial, TRAINER_DONE);
    }
    cJSON_Delete(from);
    free(fetched);
}

static enum trainer_outcome do_nothing(const struct experiment *experiment,
                                       const struct trainer_options *options,
                                       const struct trainer_events *events, struct error *error) {
    (void)experiment, (void)options, (void)events, (void)error;
    return TRAINER_DONE;
}

static void one_whose_files_cannot_be_fetched_is_not_done(void **state) {
    const struct dealer_keys gone = {.key = "/nowhere/key", .server = "/nowhere/server"};
    const struct trainer_options options = {.dir = *state, .from = {"/nowhere/c", "h", 2}};
    cJSON *from = cJSON_Parse("{\"file\":{\"sha256\":\"" SUM "\",\"bytes\":1}}");
    cJSON *files =
        cJSON_Parse("[{\"kind\":\"best\",\"epoch\":2,\"sha256\":\"" SUM "\",\"bytes\":1},"
                    "{\"kind\":\"last\",\"epoch\":3,\"sha256\":\"" SUM "\",\"bytes\":1}]");
    for (int fork = 0; fork < 2; fork++) {
        const struct trial_supply supply = {
            .source = {.connect = "tcp://127.0.0.1:1", .keys = &gone},
            .from = fork ? from : NULL,
            .files = fork ? NULL : files};
        expect_end(start(do_nothing, &options, &supply), TRAINER_FAILED);
    }
    cJSON_Delete(from);
    cJSON_Delete(files);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trainer_waits_for_room_and_all_comes_in_order),
        cmocka_unit_test(one_that_is_put_down_waits_for_nobody),
        cmocka_unit_test(the_newest_progress_is_known_once_there_is_one),
        cmocka_unit_test(people_hear_of_the_epoch_that_it_goes_on_from_and_of_none_before),
        cmocka_unit_test(the_epoch_to_end_after_may_come_nearer),
        cmocka_unit_test(an_evaluation_comes_after_the_scores_that_there_are),
        IN_FOLDER(what_a_fork_fetched_goes_with_the_first_last_checkpoint_of_its_own),
        IN_FOLDER(one_whose_files_cannot_be_fetched_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
