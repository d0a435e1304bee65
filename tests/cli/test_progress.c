#include "cli/progress.h"

#include "tests/values.h"

#include <stdlib.h>

static const struct label label = {.id = 3, .name = "flip", .width = 6};

/* Four epochs, one done, the second half-way through its training. */
static const char running[] =
    "{\"state\":\"running\",\"attempt\":1,\"epochs\":4,\"epochs_done\":1,\"latest\":null,"
    "\"worker\":\"w\",\"progress\":{\"phase\":\"train\",\"epoch\":2,\"epochs\":4,\"step\":15,"
    "\"steps\":30,\"loss\":0.53211,\"images_per_second\":61.24}}";

static void the_fraction_counts_epochs_and_the_part_of_the_current_one(void **state) {
    (void)state;
    cJSON *experiment = parsed(running);
    /* nine tenths of an epoch are training: (1 + 0.9 * 15 / 30) / 4 */
    assert_near(progress_fraction(experiment), 1.45 / 4, 1e-12);
    cJSON *progress = cJSON_GetObjectItem(experiment, "progress");
    cJSON_ReplaceItemInObject(progress, "phase", cJSON_CreateString("valid"));
    assert_near(progress_fraction(experiment), 1.95 / 4, 1e-12);
    cJSON_Delete(experiment);
}

static void progress_of_an_epoch_that_is_already_reported_counts_no_more(void **state) {
    (void)state;
    cJSON *experiment = parsed(running);
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "epochs_done"), 2);
    assert_near(progress_fraction(experiment), 0.5, 1e-12);
    cJSON_Delete(experiment);
}

static void the_fraction_is_within_0_and_1_of_any_number_of_epochs(void **state) {
    (void)state;
    cJSON *experiment = parsed(running);
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "epochs"), 1);
    assert_near(progress_fraction(experiment), 1, 0);
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "epochs"), 0);
    assert_near(progress_fraction(experiment), 0, 0);
    cJSON_Delete(experiment);
}

static void the_estimate_follows_the_speed_that_was_seen(void **state) {
    (void)state;
    cJSON *experiment = parsed(running);
    struct eta eta = {0};
    assert_true(eta_seconds(&eta, experiment, 1000) < 0); /* nothing to go by */
    assert_true(eta_seconds(&eta, experiment, 7000) < 0);
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "epochs_done"), 2);
    /* from 0.3625 to 0.5 in 11 s: the other half takes 40 s */
    assert_near(eta_seconds(&eta, experiment, 12000), 40, 1e-9);
    cJSON_Delete(experiment);
}

static void the_last_epoch_is_the_first_estimate(void **state) {
    (void)state;
    cJSON *experiment = parsed("{\"attempt\":1,\"epochs\":4,\"epochs_done\":2,\"progress\":null,"
                               "\"latest\":{\"seconds\":9}}");
    struct eta eta = {0};
    assert_near(eta_seconds(&eta, experiment, 0), 20, 1e-9);
    cJSON_Delete(experiment);
}

static void evaluations_after_the_last_epoch_have_no_estimate(void **state) {
    (void)state;
    cJSON *experiment = parsed(running);
    struct eta eta = {0};
    eta_seconds(&eta, experiment, 0);
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "epochs_done"), 4);
    assert_true(eta_seconds(&eta, experiment, 60000) < 0);
    cJSON_Delete(experiment);
}

static void another_attempt_begins_another_estimate(void **state) {
    (void)state;
    cJSON *experiment = parsed(running);
    struct eta eta = {0};
    eta_seconds(&eta, experiment, 0);
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "attempt"), 2);
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "epochs_done"), 2);
    assert_true(eta_seconds(&eta, experiment, 60000) < 0);
    cJSON_Delete(experiment);
}

/* What `print` writes, without the rest of this file knowing about streams. */
static char *text;
static size_t length;

static FILE *begin(void) {
    return open_memstream(&text, &length);
}

static void assert_written(FILE *stream, const char *expected) {
    fclose(stream);
    assert_string_equal(text, expected);
    free(text);
}

static void a_line_of_progress_has_bar_step_loss_speed_and_time_left(void **state) {
    (void)state;
    cJSON *experiment = parsed(running);
    FILE *stream = begin();
    progress_line(stream, &label, experiment, 80.4);
    assert_written(stream,
                   "  3 flip    2/4 [##------] train 15/30 0.5321 61.2 images/s ETA 1m 20s");
    cJSON_Delete(experiment);
}

static void what_has_said_nothing_yet_is_starting(void **state) {
    (void)state;
    cJSON *experiment =
        parsed("{\"state\":\"running\",\"epochs\":4,\"epochs_done\":1,\"progress\":null}");
    FILE *stream = begin();
    progress_line(stream, &label, experiment, 80);
    assert_written(stream, "  3 flip    1/4 [##------] starting");
    cJSON_Delete(experiment);
}

/* Six epochs are done, and the checkpoint of the fifth is evaluated. */
static void an_evaluation_of_an_earlier_epoch_takes_none_back(void **state) {
    (void)state;
    cJSON *experiment =
        parsed("{\"state\":\"running\",\"epochs\":6,\"epochs_done\":6,\"progress\":{\"phase\":"
               "\"valid\",\"epoch\":5,\"epochs\":6,\"step\":1,\"steps\":6,\"loss\":0.0281,"
               "\"images_per_second\":363.6}}");
    FILE *stream = begin();
    progress_line(stream, &label, experiment, -1);
    assert_written(stream, "  3 flip    6/6 [########] valid 1/6 (epoch 5) 0.0281 363.6 images/s");
    cJSON_Delete(experiment);
}

/* All were reported, and the checkpoints are lost. */
static void an_attempt_that_trains_again_is_as_far_as_it_has_come(void **state) {
    (void)state;
    cJSON *experiment =
        parsed("{\"state\":\"running\",\"attempt\":2,\"epochs\":4,\"epochs_done\":4,\"latest\":"
               "{\"seconds\":9},\"progress\":{\"phase\":\"train\",\"epoch\":2,\"epochs\":4,"
               "\"epochs_done\":1,\"step\":15,\"steps\":30,\"loss\":0.53211,"
               "\"images_per_second\":61.24}}");
    struct eta eta = {0};
    assert_near(progress_fraction(experiment), 1.45 / 4, 1e-12);
    assert_near(eta_seconds(&eta, experiment, 0), 25.5, 1e-9); /* 9 / 0.9 * (4 - 1.45) */
    FILE *stream = begin();
    progress_line(stream, &label, experiment, -1);
    assert_written(stream, "  3 flip    2/4 [##------] train 15/30 0.5321 61.2 images/s");
    cJSON_Delete(experiment);
}

/* Two epochs are done, and another worker, which goes on from there, fetches the pictures. */
static void fetching_pictures_takes_no_epoch_back(void **state) {
    (void)state;
    cJSON *experiment =
        parsed("{\"state\":\"running\",\"epochs\":4,\"epochs_done\":2,\"progress\":{\"phase\":"
               "\"fetch\",\"epoch\":0,\"epochs\":0,\"step\":3,\"steps\":20,\"loss\":null,"
               "\"images_per_second\":0}}");
    FILE *stream = begin();
    progress_line(stream, &label, experiment, -1);
    assert_written(stream, "  3 flip    2/4 [####----] fetch 3/20 MiB");
    cJSON_Delete(experiment);
}

static void what_is_sent_is_counted_in_mib_without_loss_and_speed(void **state) {
    (void)state;
    cJSON *experiment =
        parsed("{\"state\":\"running\",\"epochs\":4,\"epochs_done\":4,\"progress\":{\"phase\":"
               "\"send\",\"epoch\":0,\"epochs\":0,\"step\":31,\"steps\":188,\"loss\":null,"
               "\"images_per_second\":null}}");
    FILE *stream = begin();
    progress_line(stream, &label, experiment, -1);
    assert_written(stream, "  3 flip    4/4 [########] send 31/188 MiB");
    cJSON_Delete(experiment);
}

static void a_finished_epoch_is_one_line(void **state) {
    (void)state;
    cJSON *epoch = parsed("{\"epoch\":7,\"train\":{\"loss\":0.5},\"valid\":{\"loss\":0.25,"
                          "\"accuracy\":null},\"seconds\":12.2,\"best\":true}");
    FILE *stream = begin();
    progress_epoch(stream, &label, epoch, 12);
    assert_written(stream, "  3 flip     7/12 train 0.5000 valid 0.2500 accuracy n/a 12s best\n");
    cJSON_Delete(epoch);
}

static void an_end_says_what_came_of_it(void **state) {
    (void)state;
    cJSON *done = parsed("{\"state\":\"done\",\"started_ms\":1000,\"finished_ms\":251000,"
                         "\"best\":{\"epoch\":7,\"valid\":{\"accuracy\":0.97,\"loss\":0.1}}}");
    FILE *stream = begin();
    progress_state(stream, &label, done);
    assert_written(stream,
                   "  3 flip    done in 4m 10s, best epoch 7: accuracy 0.9700, loss 0.1000\n");
    cJSON_Delete(done);
    cJSON *failed = parsed("{\"state\":\"failed\",\"error\":\"cannot read a.png\"}");
    stream = begin();
    progress_state(stream, &label, failed);
    assert_written(stream, "  3 flip    failed: cannot read a.png\n");
    cJSON_Delete(failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fraction_counts_epochs_and_the_part_of_the_current_one),
        cmocka_unit_test(progress_of_an_epoch_that_is_already_reported_counts_no_more),
        cmocka_unit_test(the_fraction_is_within_0_and_1_of_any_number_of_epochs),
        cmocka_unit_test(the_estimate_follows_the_speed_that_was_seen),
        cmocka_unit_test(the_last_epoch_is_the_first_estimate),
        cmocka_unit_test(evaluations_after_the_last_epoch_have_no_estimate),
        cmocka_unit_test(another_attempt_begins_another_estimate),
        cmocka_unit_test(a_line_of_progress_has_bar_step_loss_speed_and_time_left),
        cmocka_unit_test(what_has_said_nothing_yet_is_starting),
        cmocka_unit_test(an_evaluation_of_an_earlier_epoch_takes_none_back),
        cmocka_unit_test(an_attempt_that_trains_again_is_as_far_as_it_has_come),
        cmocka_unit_test(fetching_pictures_takes_no_epoch_back),
        cmocka_unit_test(what_is_sent_is_counted_in_mib_without_loss_and_speed),
        cmocka_unit_test(a_finished_epoch_is_one_line),
        cmocka_unit_test(an_end_says_what_came_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
