#include "worker/report.h"

#include "core/wire.h"
#include "tests/worker/small_run.h"

#include <math.h>

/* A list of pictures of two classes in turn, `real` the odd ones, and a report on it. */
struct made {
    struct split split;
    struct split_class classes[2];
    struct split_list list;
    struct evaluation_report report;
};

static void make(struct made *made, size_t count, const char *folder) {
    struct error error = {0};
    *made = (struct made){
        .classes = {{"fake, smooth", 0, 1}, {"real", 1, 1}},
        .list = {calloc(count + 1, sizeof(struct split_item)), count},
    };
    made->split.classes = made->classes;
    made->split.class_count = 2;
    if (!evaluation_begin(&made->split, &made->list, &made->report, &error))
        fail_msg("%s", error.message);
    made->report.checkpoint = "best";
    made->report.split = "test";
    made->report.epoch = 3;
    for (size_t i = 0; i < count; i++) {
        struct split_item *item = &made->list.items[i];
        assert_true(asprintf(&item->path, "%s/%zu.png", folder, i) > 0);
        item->class_index = i % 2;
        item->label = (int)(i % 2);
        made->report.scores[i] = (struct score){(double)(i % 8) / 8, item->label, i % 2};
        metrics_add(&made->report.metrics, item->label, i % 8 > 4, 0.5);
    }
}

static void made_free(struct made *made) {
    evaluation_free(&made->report);
    for (size_t i = 0; i < made->list.count; i++)
        free(made->list.items[i].path);
    free(made->list.items);
}

static void finish(struct made *made, const struct evaluation_report *chosen) {
    struct error error = {0};
    if (!evaluation_finish(&made->report, chosen, &error))
        fail_msg("%s", error.message);
}

/* The body (taken) has the shape that the protocol promises of the kind; it is given back. */
static cJSON *checked(const char *kind, cJSON *of_kind) {
    struct wire_packet packet;
    struct wire_frame frames[WIRE_FRAMES];
    struct wire_message message;
    struct error error = {0};
    enum wire_code code;
    cJSON *report = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "worker", "w");
    cJSON_AddStringToObject(report, "kind", kind);
    cJSON_AddNumberToObject(report, "experiment", 1);
    cJSON_AddNumberToObject(report, "attempt", 1);
    cJSON_AddNumberToObject(report, "sequence", 1);
    cJSON_AddItemToObject(report, "body", of_kind);
    if (!wire_encode("report", 1, report, &packet, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < WIRE_FRAMES; i++)
        frames[i] = wire_packet_frame(&packet, i);
    if (!wire_decode(frames, WIRE_FRAMES, &message, &code, &error))
        fail_msg("%s", error.message);
    wire_packet_free(&packet);
    cJSON_Delete(report);
    of_kind = cJSON_DetachItemFromObjectCaseSensitive(message.body, "body");
    wire_message_free(&message);
    return of_kind;
}

static double number(const cJSON *object, const char *key) {
    if (!cJSON_IsNumber(json_member(object, key)))
        fail_msg("no number \"%s\"", key);
    return json_member(object, key)->valuedouble;
}

/* Of each 8: fakes 0, 2/8, 4/8, 6/8 and real ones 1/8, 3/8, 5/8, 7/8. 10 of 16 pairs are in order.
 */
static void an_evaluation_reports_ranking_threshold_and_classes(void **state) {
    (void)state;
    struct made made;
    make(&made, 16, "p");
    finish(&made, NULL);
    cJSON *body = checked("evaluation", report_evaluation(&made.report));
    assert_true(number(body, "roc_auc") == 0.625);
    /* the precision at each real one that is found, of the first: 2/2, 4/6, 6/10, 8/14 */
    assert_true(fabs(number(body, "average_precision") - (1 + 2.0 / 3 + 3.0 / 5 + 4.0 / 7) / 4) <
                1e-12);
    assert_true(number(body, "equal_error_rate") == 0.5);
    assert_true(number(body, "threshold") == 0.5);
    const cJSON *classes = json_member(body, "classes"), *there = json_member(body, "at_threshold");
    assert_int_equal(cJSON_GetArraySize(classes), 2);
    assert_string_equal(json_member(classes->child, "name")->valuestring, "fake, smooth");
    assert_int_equal(number(classes->child, "label"), 0);
    assert_int_equal(number(classes->child->next, "label"), 1);
    assert_int_equal(number(classes->child, "pictures"), 8);
    assert_int_equal(number(classes->child, "correct"), 6);
    assert_true(number(classes->child, "accuracy") == 0.75);
    assert_int_equal(number(classes->child->next, "correct"), 4);
    assert_int_equal(number(there, "true_positive"), 4);
    assert_int_equal(number(there, "true_negative"), 6);
    assert_null(json_member(there, "loss"));
    cJSON_Delete(body);
    made_free(&made);
}

static void the_threshold_of_the_validation_split_is_taken_over(void **state) {
    (void)state;
    struct made made;
    const struct evaluation_report valid = {.threshold = {true, 0.25}};
    make(&made, 16, "p");
    finish(&made, &valid);
    assert_true(made.report.threshold.value == 0.25);
    assert_int_equal(made.report.at_threshold.true_positive, 6);
    assert_int_equal(made.report.at_threshold.false_positive, 4);
    assert_int_equal(made.report.by_class[0].correct_at_threshold, 4);
    assert_int_equal(made.report.by_class[0].correct, 6);
    made_free(&made);
}

static void of_no_pictures_everything_is_undefined(void **state) {
    (void)state;
    struct made made;
    make(&made, 0, "p");
    finish(&made, NULL);
    cJSON *body = checked("evaluation", report_evaluation(&made.report));
    static const char *const keys[] = {"roc_auc", "average_precision", "equal_error_rate",
                                       "threshold", "at_threshold"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_true(cJSON_IsNull(json_member(body, keys[i])));
    const cJSON *class = json_member(body, "classes")->child;
    assert_true(cJSON_IsNull(json_member(class, "accuracy")));
    assert_true(cJSON_IsNull(json_member(class, "correct_at_threshold")));
    cJSON_Delete(body);
    made_free(&made);
}

/* All pieces one after the other; how many there were. */
static size_t pieces(const struct made *made) {
    size_t count = 0;
    for (size_t position = 0; position < made->list.count; count++) {
        size_t first = position;
        cJSON *body = checked("scores", report_scores(&made->report, &position));
        assert_int_equal(number(body, "position"), first);
        const cJSON *picture;
        cJSON_ArrayForEach(picture, json_member(body, "pictures")) {
            assert_string_equal(json_member(picture, "path")->valuestring,
                                made->list.items[first].path);
            assert_int_equal(number(picture, "class"), first % 2);
            assert_true(number(picture, "probability") == made->report.scores[first].probability);
            first++;
        }
        assert_int_equal(first, position);
        cJSON_Delete(body);
    }
    return count;
}

static void scores_are_reported_a_thousand_at_a_time(void **state) {
    (void)state;
    struct made made;
    make(&made, 3000, "p");
    assert_int_equal(pieces(&made), 3);
    made_free(&made);
}

static void very_long_paths_make_smaller_pieces(void **state) {
    (void)state;
    struct made made;
    char folder[4001];
    memset(folder, '\x1f', sizeof folder - 1); /* six bytes each on the wire */
    folder[sizeof folder - 1] = '\0';
    make(&made, 1000, folder);
    assert_int_equal(pieces(&made), 4);
    made_free(&made);
}

static void the_scores_file_is_csv_as_other_programs_read_it(void **state) {
    struct made made;
    make(&made, 3, "with \"quotes\", and comma");
    struct error error = {0};
    if (!evaluation_write_scores(&made.report, *state, &error))
        fail_msg("%s", error.message);
    char *text = read_text(*state, "scores_best_test.csv");
    assert_string_equal(text, "path,class,label,probability\n"
                              "\"with \"\"quotes\"\", and comma/0.png\",\"fake, smooth\",0,0\n"
                              "\"with \"\"quotes\"\", and comma/1.png\",real,1,0.125\n"
                              "\"with \"\"quotes\"\", and comma/2.png\",\"fake, smooth\",0,0.25\n");
    free(text);
    made_free(&made);
}

static void a_score_that_is_no_number_is_refused(void **state) {
    (void)state;
    struct made made;
    make(&made, 4, "p");
    made.report.scores[2].probability = (double)NAN;
    struct error error = {0};
    assert_false(evaluation_finish(&made.report, NULL, &error));
    assert_non_null(strstr(error.message, "picture 2"));
    made_free(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evaluation_reports_ranking_threshold_and_classes),
        cmocka_unit_test(the_threshold_of_the_validation_split_is_taken_over),
        cmocka_unit_test(of_no_pictures_everything_is_undefined),
        cmocka_unit_test(scores_are_reported_a_thousand_at_a_time),
        cmocka_unit_test(very_long_paths_make_smaller_pieces),
        cmocka_unit_test_setup_teardown(the_scores_file_is_csv_as_other_programs_read_it,
                                        temporary_make, temporary_remove),
        cmocka_unit_test(a_score_that_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
