/* What a run shows in TensorBoard. That the real TensorBoard reads it: tests/read_tensorboard.py.
 */
#include "core/board.h"
#include "core/json.h"
#include "tests/event_tags.h"
#include "tests/temporary.h"
#include "tests/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- hparams --- */

static void expect_hparams(const char *config_text, const char *variant_text,
                           const char *expected) {
    cJSON *config = parsed(config_text), *variant = parsed(variant_text);
    cJSON *hparams = board_hparams(config, variant);
    char *text = json_text(hparams);
    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(hparams);
    cJSON_Delete(variant);
    cJSON_Delete(config);
}

static const char config[] =
    "{\"name\":\"x\",\"data\":{\"root\":\"/p\",\"split\":{\"seed\":3},\"upsample\":{\"real\":2}},"
    "\"augmentations\":[{\"op\":\"resize\",\"size\":8},{\"op\":\"normalize\"}],"
    "\"model\":{\"arch\":\"resnet18\",\"weights\":null,\"fresh\":[\"layer4\",\"fc\"]},"
    "\"train\":{\"deterministic\":true,\"optimizer\":{\"lr\":0.5,\"betas\":[0.9,0.999]}},"
    "\"priority\":4}";

static void hparams_are_the_settings_of_model_and_training(void **state) {
    (void)state;
    expect_hparams(config, "{}",
                   "{\"data.upsample.real\":2,\"augmentations\":\"resize, normalize\","
                   "\"model.arch\":\"resnet18\",\"model.weights\":\"none\","
                   "\"model.fresh\":\"layer4, fc\",\"train.deterministic\":true,"
                   "\"train.optimizer.lr\":0.5,\"train.optimizer.betas\":\"0.9, 0.999\"}");
}

static void what_varies_comes_first_with_its_value_or_its_label(void **state) {
    (void)state;
    expect_hparams(config,
                   "{\"data.upsample\":\"real x2\",\"data.split.seed\":\"3\","
                   "\"augmentations\":\"plain\",\"model.weights\":\"scratch\"}",
                   "{\"data.split.seed\":3,\"data.upsample\":\"real x2\","
                   "\"augmentations\":\"plain\",\"model.weights\":\"scratch\","
                   "\"model.arch\":\"resnet18\",\"model.fresh\":\"layer4, fc\","
                   "\"train.deterministic\":true,\"train.optimizer.lr\":0.5,"
                   "\"train.optimizer.betas\":\"0.9, 0.999\"}");
}

static void settings_beyond_what_the_page_takes_are_left_out(void **state) {
    (void)state;
    cJSON *many = cJSON_CreateObject(), *train = cJSON_AddObjectToObject(many, "train");
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        cJSON_AddNumberToObject(train, key, i);
    }
    cJSON *variant = parsed("{\"train.k99\":\"99\"}"), *hparams = board_hparams(many, variant);
    assert_int_equal(cJSON_GetArraySize(hparams), TENSORBOARD_HPARAMS_MAX);
    assert_non_null(json_member(hparams, "train.k99"));
    cJSON_Delete(hparams);
    cJSON_Delete(variant);
    cJSON_Delete(many);
}

/* --- files --- */

static void a_name_becomes_one_folder(void **state) {
    (void)state;
    char longest[400];
    char *path = board_path("/d", "a/b\nc");
    assert_string_equal(path, "/d/a_b_c/events.out.tfevents.assay");
    free(path);
    path = board_path("/d", "..");
    assert_string_equal(path, "/d/_./events.out.tfevents.assay");
    free(path);
    memset(longest, 'x', sizeof longest);
    memcpy(longest + 199, "\xc3\xa4", 2); /* a character that the 200th byte would cut */
    longest[399] = '\0';
    path = board_path("/d", longest);
    assert_int_equal(strlen(path), strlen("/d//events.out.tfevents.assay") + 199);
    free(path);
}

#define METRICS                                                                                    \
    "{\"true_positive\":3,\"true_negative\":2,\"false_positive\":0,\"false_negative\":4,"          \
    "\"accuracy\":0.5,\"precision\":%s,\"recall\":0.4,\"loss\":0.6}"

static void an_epoch_is_its_defined_numbers_at_its_step(void **state) {
    char report_text[1024], *folder = temporary_path(state, "board");
    char *path = board_path(folder, "x");
    struct tensorboard *board = NULL;
    struct error error = {0};
    snprintf(report_text, sizeof report_text,
             "{\"epoch\":2,\"train\":" METRICS ",\"valid\":" METRICS
             ",\"learning_rate\":0.1,\"seconds\":1,\"images_per_second\":null,\"best\":false}",
             "1", "null");
    cJSON *report = parsed(report_text);
    assert_true(tensorboard_open(path, 0, &board, &error));
    board_step(board, 5, 0.5);
    board_epoch(board, report);
    cJSON *evaluation = parsed("{\"checkpoint\":\"best\",\"split\":\"test\",\"epoch\":2,"
                               "\"accuracy\":0.5,\"precision\":null,\"recall\":1,\"loss\":0.1}");
    board_evaluation(board, evaluation);
    cJSON_ReplaceItemInObjectCaseSensitive(evaluation, "split", cJSON_CreateString("valid"));
    board_evaluation(board, evaluation);
    assert_true(tensorboard_sync(board, &error));
    tensorboard_close(board);
    char *tags = event_tags(path);
#define EPOCH                                                                                      \
    "loss_train_epoch 2\naccuracy_train 2\nprecision_train 2\nrecall_train 2\n"                    \
    "loss_valid 2\naccuracy_valid 2\nrecall_valid 2\nlearning_rate 2\n"
    assert_string_equal(tags, "loss_train 5\n" EPOCH
                              "loss_test_best 2\naccuracy_test_best 2\nrecall_test_best 2\n");
    free(tags);
    cJSON_Delete(evaluation);
    cJSON_Delete(report);
    free(path);
    free(folder);
}

/* What is in the file of three past epochs, of 9, 9 and 4 pictures in batches of 4, so far as it is
 * loss_train. */
static char *past_steps(void **state, uint64_t iteration) {
    char *folder = temporary_path(state, "past"), *path = board_path(folder, "x"), *steps = NULL;
    cJSON *settings = parsed("{\"train\":{\"batch_size\":4}}"), *reports = cJSON_CreateArray();
    struct tensorboard *board = NULL;
    size_t size;
    for (int i = 1; i <= 3; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{\"epoch\":%d,\"train\":{\"true_positive\":%d,\"true_negative\":0,"
                 "\"false_positive\":2,\"false_negative\":0,\"loss\":0.6}}",
                 i, i < 3 ? 7 : 2);
        cJSON_AddItemToArray(reports, parsed(text));
    }
    assert_true(tensorboard_open(path, 0, &board, NULL));
    board_history(board, settings, reports, iteration);
    assert_true(tensorboard_sync(board, NULL));
    tensorboard_close(board);
    char *tags = event_tags(path), *at = tags;
    FILE *stream = open_memstream(&steps, &size);
    while ((at = strstr(at, "loss_train ")) != NULL) {
        at += strlen("loss_train ");
        fprintf(stream, "%ld ", strtol(at, NULL, 10));
    }
    fclose(stream);
    free(tags);
    cJSON_Delete(reports);
    cJSON_Delete(settings);
    free(path);
    free(folder);
    return steps;
}

static void past_epochs_end_where_the_steps_that_are_known_go_on(void **state) {
    static const struct {
        uint64_t iteration;
        const char *steps;
    } cases[] = {
        {0, "3 6 7 "}, /* 3, 3 and 1 */
        {7, "3 6 7 "},
        {70, "30 60 70 "}, /* batches were smaller */
        {3, "1 3 3 "},     /* and larger */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *steps = past_steps(state, cases[i].iteration);
        assert_string_equal(steps, cases[i].steps);
        free(steps);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hparams_are_the_settings_of_model_and_training),
        cmocka_unit_test(what_varies_comes_first_with_its_value_or_its_label),
        cmocka_unit_test(settings_beyond_what_the_page_takes_are_left_out),
        cmocka_unit_test(a_name_becomes_one_folder),
        cmocka_unit_test_setup_teardown(an_epoch_is_its_defined_numbers_at_its_step, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(past_epochs_end_where_the_steps_that_are_known_go_on,
                                        temporary_make, temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
