#include "worker/report.h"

#include "core/json.h"
#include "worker/evaluation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Takes the report over. */
static void expect(cJSON *report, const char *text) {
    cJSON *expected = json_parse(text, strlen(text), "expected", NULL);
    char *found = json_text(report);
    assert_non_null(expected);
    if (!cJSON_Compare(report, expected, true))
        fail_msg("%s is not %s", found, text);
    free(found);
    cJSON_Delete(expected);
    cJSON_Delete(report);
}

static const struct metrics right = {.true_positive = 3, .true_negative = 1, .loss_sum = 2};
static const struct metrics half = {1, 1, 1, 1, 1};

#define RIGHT                                                                                      \
    "{\"true_positive\":3,\"true_negative\":1,\"false_positive\":0,\"false_negative\":0,"          \
    "\"accuracy\":1,\"precision\":1,\"recall\":1,\"loss\":0.5}"
#define HALF_COUNTS                                                                                \
    "\"true_positive\":1,\"true_negative\":1,\"false_positive\":1,\"false_negative\":1,"           \
    "\"accuracy\":0.5,\"precision\":0.5,\"recall\":0.5"
#define HALF "{" HALF_COUNTS ",\"loss\":0.25}"

static void progress_says_where_it_is(void **state) {
    (void)state;
    const struct progress progress = {"train", 2, 5, 3, 7, NAN, 12.5};
    expect(report_progress(&progress),
           "{\"phase\":\"train\",\"epoch\":2,\"epochs\":5,\"step\":3,\"steps\":7,\"loss\":null,"
           "\"images_per_second\":12.5}");
}

static void an_epoch_has_what_was_trained_and_what_was_validated(void **state) {
    (void)state;
    struct epoch_report report = {4, right, half, 0.125, 8, 0.5, true};
    expect(report_epoch(&report),
           "{\"epoch\":4,\"train\":" RIGHT ",\"valid\":" HALF ",\"learning_rate\":0.125,"
           "\"seconds\":8,\"images_per_second\":0.5,\"best\":true}");
    report.best = false;
    report.images_per_second = INFINITY;
    expect(report_epoch(&report),
           "{\"epoch\":4,\"train\":" RIGHT ",\"valid\":" HALF ",\"learning_rate\":0.125,"
           "\"seconds\":8,\"images_per_second\":null,\"best\":false}");
}

#define EVALUATION                                                                                 \
    "{" HALF_COUNTS ",\"loss\":0.25,\"checkpoint\":\"best\",\"split\":\"test\",\"epoch\":3,"       \
    "\"roc_auc\":0.75,\"average_precision\":0.625,\"equal_error_rate\":0.375,"

static void an_evaluation_says_null_of_what_is_undefined(void **state) {
    (void)state;
    struct split_class classes[] = {{"fake", 0, 1}, {"real", 1, 1}, {"new", 1, 1}};
    struct class_result by_class[] = {{4, 3, 2}, {0, 0, 0}, {1, 1, 0}};
    struct evaluation_report report = {.checkpoint = "best",
                                       .split = "test",
                                       .epoch = 3,
                                       .metrics = half,
                                       .roc_auc = {true, 0.75},
                                       .average_precision = {true, 0.625},
                                       .equal_error_rate = {true, 0.375},
                                       .threshold = {true, 0.875},
                                       .at_threshold = {.true_positive = 2, .false_positive = 2},
                                       .classes = classes,
                                       .by_class = by_class,
                                       .class_count = 3};
    expect(report_evaluation(&report), EVALUATION
           "\"threshold\":0.875,\"at_threshold\":{\"true_positive\":2,\"true_negative\":0,"
           "\"false_positive\":2,\"false_negative\":0,\"accuracy\":0.5,\"precision\":0.5,"
           "\"recall\":1},\"classes\":["
           "{\"name\":\"fake\",\"label\":0,\"pictures\":4,\"correct\":3,\"accuracy\":0.75,"
           "\"correct_at_threshold\":2},"
           "{\"name\":\"real\",\"label\":1,\"pictures\":0,\"correct\":0,\"accuracy\":null,"
           "\"correct_at_threshold\":0},"
           "{\"name\":\"new\",\"label\":1,\"pictures\":1,\"correct\":1,\"accuracy\":1,"
           "\"correct_at_threshold\":0}]}");
    report.threshold.defined = false;
    report.class_count = 1;
    expect(report_evaluation(&report),
           EVALUATION "\"threshold\":null,\"at_threshold\":null,\"classes\":["
                      "{\"name\":\"fake\",\"label\":0,\"pictures\":4,\"correct\":3,"
                      "\"accuracy\":0.75,\"correct_at_threshold\":null}]}");
}

static void files_and_ends_are_told_as_the_protocol_has_them(void **state) {
    (void)state;
    const struct checkpoint_report checkpoint = {"last", 6, "/runs/7/checkpoint_last.safetensors"};
    expect(report_checkpoint(&checkpoint, "h"),
           "{\"kind\":\"last\",\"epoch\":6,\"path\":\"/runs/7/checkpoint_last.safetensors\","
           "\"host\":\"h\"}");
    expect(report_log(4294967297, "line\n"), "{\"offset\":4294967297,\"text\":\"line\\n\"}");
    expect(report_end("done"), "{\"outcome\":\"done\"}");
    expect(report_hindered("no room"), "{\"outcome\":\"given_back\",\"error\":\"no room\"}");
    expect(report_failure("a picture", true),
           "{\"outcome\":\"failed\",\"error\":\"a picture\",\"retry\":true}");
    expect(report_failure("a picture", false),
           "{\"outcome\":\"failed\",\"error\":\"a picture\",\"retry\":false}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_says_where_it_is),
        cmocka_unit_test(an_epoch_has_what_was_trained_and_what_was_validated),
        cmocka_unit_test(an_evaluation_says_null_of_what_is_undefined),
        cmocka_unit_test(files_and_ends_are_told_as_the_protocol_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
