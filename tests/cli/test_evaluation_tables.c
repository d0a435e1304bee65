#include "cli/evaluation_tables.h"

#include "tests/cli/capture.h"
#include "tests/values.h"

#include <string.h>

static const struct column leading[] = {{"id", COLUMN_RIGHT}, {"experiment", COLUMN_NAME}};

/* The table of one evaluation with three classes, on a screen so wide (0: no terminal). */
static char *classes_at(size_t width) {
    cJSON *evaluation =
        parsed("{\"classes\": [{\"name\": \"deepfake\", \"pictures\": 40, \"correct\": 39},"
               " {\"name\": \"face2face\", \"pictures\": 40, \"correct\": 40},"
               " {\"name\": \"real\", \"pictures\": 40, \"correct\": 30}]}");
    const struct evaluation_row row = {.first = "3", .second = "demo", .evaluation = evaluation};
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = width;
    evaluation_print_classes("Which is missed", leading, &row, 1, &capture.screen);
    cJSON_Delete(evaluation);
    return capture_end(&capture);
}

static void classes_stand_beside_each_other(void **state) {
    (void)state;
    char *narrowest = classes_at(62), *text = classes_at(0);
    assert_string_equal(text, "\nWhich is missed\n"
                              "id  experiment     deepfake    face2face          real\n"
                              " 3  demo        1/40   2.5%  0/40   0.0%  10/40  25.0%\n");
    assert_string_equal(narrowest, text);
    free(narrowest);
    free(text);
}

static void classes_without_room_stand_under_the_others(void **state) {
    (void)state;
    char *two = classes_at(61), *one = classes_at(10);
    assert_string_equal(two, "\nWhich is missed\n"
                             "id  experiment     deepfake    face2face\n"
                             " 3  demo        1/40   2.5%  0/40   0.0%\n"
                             "\n"
                             "id  experiment          real\n"
                             " 3  demo        10/40  25.0%\n");
    assert_non_null(strstr(one, "deepfake\n"));
    assert_non_null(strstr(one, "face2face\n"));
    assert_non_null(strstr(one, "real\n"));
    free(one);
    free(two);
}

static void the_class_that_is_missed_most_is_red(void **state) {
    (void)state;
    cJSON *evaluations =
        parsed("[{\"classes\": [{\"name\": \"a\", \"pictures\": 40, \"correct\": 39},"
               " {\"name\": \"b\", \"pictures\": 8, \"correct\": 7}]},"
               " {\"classes\": [{\"name\": \"a\", \"pictures\": 40, \"correct\": 40},"
               " {\"name\": \"b\", \"pictures\": 8, \"correct\": 8}]}, {\"classes\": []}]");
    const struct evaluation_row rows[] = {
        {.first = "1", .second = "x", .evaluation = cJSON_GetArrayItem(evaluations, 0)},
        {.first = "2", .second = "y", .evaluation = cJSON_GetArrayItem(evaluations, 1)},
        {.first = "3", .second = "z", .evaluation = cJSON_GetArrayItem(evaluations, 2)}};
    struct capture capture;
    capture_begin(&capture);
    capture.screen.colour = true;
    evaluation_print_classes(NULL, leading, rows, 3, &capture.screen);
    cJSON_Delete(evaluations);
    char *text = capture_end(&capture), *row = strchr(text + 1, '\n');
    /* 1 of 8 is more than 1 of 40; without a class nothing is known */
    assert_non_null(row);
    assert_string_equal(row, "\n 1  x           1/40   2.5%  \033[31m1/8  12.5%\033[0m\n"
                             " 2  y           0/40   0.0%  0/8   0.0%\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_class_that_is_missed_most_is_red),
        cmocka_unit_test(classes_stand_beside_each_other),
        cmocka_unit_test(classes_without_room_stand_under_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
