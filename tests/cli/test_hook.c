/* --on-finish against a coordinator that answers `show` from tests/data/cli/details.json. */
#include "cli/hook.h"

#include "cli/field.h"
#include "core/file.h"
#include "tests/cli/details.h"
#include "tests/cli/fake.h"
#include "tests/few_descriptors.h"
#include "tests/temporary.h"

#include <fcntl.h>

#define EVIL "\033[31mx\n; touch evil $(touch evil) `touch evil` \xe2\x80\xae"

/* The one that is asked for; as experiment 3 it has a hostile name and error. */
static cJSON *answer_show(void *context, size_t nth, const char *request, const cJSON *body,
                          const char **name) {
    *name = "details";
    if (*(const bool *)context)
        return NULL;
    cJSON *all = details(), *answer = cJSON_CreateObject();
    cJSON *experiments = cJSON_AddArrayToObject(answer, "experiments");
    int id = (int)cJSON_GetArrayItem(field_at(body, "ids"), 0)->valuedouble;
    (void)nth;
    assert_string_equal(request, "show");
    cJSON *one = cJSON_DetachItemFromArray(cJSON_GetObjectItem(all, "experiments"), id - 1);
    if (id == 3) {
        cJSON_SetValuestring(cJSON_GetObjectItem(one, "name"), EVIL);
        cJSON_SetValuestring(cJSON_GetObjectItem(one, "error"), EVIL);
    }
    cJSON_AddItemToArray(experiments, one);
    cJSON_AddNullToObject(answer, "next");
    cJSON_Delete(all);
    return answer;
}

struct fixture {
    struct fake fake;
    struct command_input input;
    struct hook *hook;
    bool mute;  /* the coordinator does not answer */
    char *file; /* that the command may write to, as $OUT */
    int open;   /* so many descriptors before all */
};

static int count_descriptors(void) {
    int count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

static void begin(struct fixture *fixture, void **state, const char *command, bool all) {
    struct error error = {0};
    fixture->open = count_descriptors();
    fake_start(&fixture->fake, answer_show, &fixture->mute);
    fixture->input = (struct command_input){.connect = getenv("ASSAY_CONNECT"),
                                            .timeout_ms = fixture->mute ? 100 : 5000};
    fixture->file = temporary_path(state, "out");
    setenv("OUT", fixture->file, 1);
    assert_true(hook_open(command, &fixture->input, all, &fixture->hook, &error));
}

static void see(struct fixture *fixture, const char *experiments) {
    struct error error = {0};
    cJSON *list = parsed(experiments);
    assert_true(hook_see(fixture->hook, list, &error));
    cJSON_Delete(list);
}

/* What the command wrote to $OUT, and what was said of it; the caller frees them. */
static char *end(struct fixture *fixture, char **said) {
    char *text = NULL;
    size_t length;
    FILE *err = stderr;
    stderr = open_memstream(said, &length);
    hook_close(fixture->hook);
    fclose(stderr);
    stderr = err;
    fake_stop(&fixture->fake);
    assert_int_equal(count_descriptors(), fixture->open);
    if (!file_read(fixture->file, 1 << 20, &text, &length, NULL))
        text = strdup("");
    unsetenv("OUT");
    free(fixture->file);
    return text;
}

static void check(struct fixture *fixture, const char *wrote, const char *saying) {
    char *said, *text = end(fixture, &said);
    assert_string_equal(text, wrote);
    assert_string_equal(said, saying);
    free(text);
    free(said);
}

static void it_runs_once_for_each_that_finishes_in_their_order(void **state) {
    struct fixture fixture = {.mute = false};
    begin(&fixture, state, "echo $ASSAY_ID >>$OUT", false);
    see(&fixture, "[{\"id\": 1, \"state\": \"running\"}, {\"id\": 2, \"state\": \"queued\"},"
                  " {\"id\": 4, \"state\": \"running\"}]");
    see(&fixture, "[{\"id\": 1, \"state\": \"running\"},"
                  " {\"id\": 2, \"state\": \"cancelled\", \"finished_ms\": 5}]");
    for (int i = 0; i < 2; i++)
        see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 6},"
                      " {\"id\": 2, \"state\": \"cancelled\", \"finished_ms\": 5}]");
    check(&fixture, "2\n1\n", "");
}

static void one_that_had_finished_before_counts_only_where_it_is_asked_to(void **state) {
    for (int all = 0; all <= 1; all++) {
        struct fixture fixture = {.mute = false};
        begin(&fixture, state, "echo $ASSAY_ID >>$OUT", all == 1);
        see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 6}]");
        check(&fixture, all == 1 ? "1\n" : "", "");
    }
}

static void those_that_finish_between_two_looks_come_as_they_finished(void **state) {
    struct fixture fixture = {.mute = false};
    begin(&fixture, state, "echo $ASSAY_ID >>$OUT", false);
    see(&fixture, "[{\"id\": 1, \"state\": \"running\"}, {\"id\": 2, \"state\": \"running\"},"
                  " {\"id\": 3, \"state\": \"running\"}, {\"id\": 4, \"state\": \"queued\"}]");
    see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 9},"
                  " {\"id\": 2, \"state\": \"done\", \"finished_ms\": 7},"
                  " {\"id\": 3, \"state\": \"failed\", \"finished_ms\": 9},"
                  " {\"id\": 4, \"state\": \"cancelled\", \"finished_ms\": 6}]");
    check(&fixture, "4\n2\n1\n3\n", "");
}

/* Submitted and over between two looks, while the coordinator was away from here, say. */
static void one_that_came_after_the_first_look_counts_however_late_it_is_seen(void **state) {
    struct fixture fixture = {.mute = false};
    begin(&fixture, state, "echo $ASSAY_ID >>$OUT", false);
    see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 6}]");
    see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 6},"
                  " {\"id\": 2, \"state\": \"failed\", \"finished_ms\": 8}]");
    check(&fixture, "2\n", "");
}

static void one_that_was_retried_finishes_again(void **state) {
    struct fixture fixture = {.mute = false};
    begin(&fixture, state, "echo $ASSAY_ID >>$OUT", false);
    see(&fixture, "[{\"id\": 1, \"state\": \"running\"}, {\"id\": 2, \"state\": \"running\"}]");
    see(&fixture, "[{\"id\": 1, \"state\": \"failed\", \"finished_ms\": 6},"
                  " {\"id\": 2, \"state\": \"failed\", \"finished_ms\": 6}]");
    /* the second's second attempt was over before anybody looked */
    see(&fixture, "[{\"id\": 1, \"state\": \"queued\"},"
                  " {\"id\": 2, \"state\": \"failed\", \"finished_ms\": 9}]");
    see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 10},"
                  " {\"id\": 2, \"state\": \"failed\", \"finished_ms\": 9}]");
    check(&fixture, "1\n2\n2\n1\n", "");
}

static void the_result_is_in_its_environment(void **state) {
    struct fixture fixture = {.mute = false};
    setenv("ASSAY_STATE", "an older one", 1);
    begin(&fixture, state,
          "echo \"$ASSAY_ID|$ASSAY_NAME|$ASSAY_GROUP|$ASSAY_STATE|$ASSAY_ERROR|$ASSAY_SECONDS|"
          "$ASSAY_EPOCHS|$ASSAY_EPOCHS_DONE|$ASSAY_BEST_EPOCH|$ASSAY_BEST_TEST_ACCURACY|"
          "$ASSAY_LAST_VALID_LOSS|$ASSAY_LAST_TEST_RECALL|$ASSAY_CONNECT\" >$OUT",
          true);
    char expected[256];
    snprintf(expected, sizeof expected,
             "1|demo/flip,seed=0|demo|done||50|3|3|2|0.833333|0.350001|0.785047|%s\n",
             fixture.input.connect);
    see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 6}]");
    check(&fixture, expected, "");
    unsetenv("ASSAY_STATE");
}

static void what_the_coordinator_says_is_never_part_of_the_command(void **state) {
    struct fixture fixture = {.mute = false};
    char *evil = temporary_path(state, "evil");
    begin(&fixture, state,
          "cd \"$(dirname $OUT)\"; printf %s \"$ASSAY_NAME|$ASSAY_ERROR\" >$OUT; wc -l <$OUT",
          true);
    see(&fixture, "[{\"id\": 3, \"state\": \"failed\", \"finished_ms\": 6}]");
    char *said, *text = end(&fixture, &said);
    assert_string_equal(said, "0\n");
    assert_non_null(strstr(text, "; touch evil $(touch evil) `touch evil`"));
    assert_null(strchr(text, '\033'));
    assert_int_not_equal(access(evil, F_OK), 0);
    free(evil);
    free(text);
    free(said);
}

static void what_it_prints_comes_whole_and_a_failure_is_said(void **state) {
    struct fixture fixture = {.mute = false};
    begin(&fixture, state, "echo out; echo err >&2; printf cut; exit 3", true);
    see(&fixture, "[{\"id\": 1, \"state\": \"done\", \"finished_ms\": 6}]");
    check(&fixture, "", "out\nerr\ncut\nassay: --on-finish for experiment 1 exited with 3\n");
    begin(&fixture, state, "kill -KILL $$", true);
    see(&fixture, "[{\"id\": 2, \"state\": \"done\", \"finished_ms\": 6}]");
    check(&fixture, "", "assay: --on-finish for experiment 2 was ended by signal 9\n");
}

static void without_an_answer_it_has_what_the_list_said(void **state) {
    struct fixture fixture = {.mute = true};
    begin(&fixture, state, "echo $ASSAY_ID $ASSAY_NAME $ASSAY_STATE >$OUT", true);
    see(&fixture,
        "[{\"id\": 9, \"name\": \"gone\", \"state\": \"cancelled\", \"finished_ms\": 6}]");
    check(&fixture, "9 gone cancelled\n", "");
}

/* The fourth is running by now. */
static void one_that_was_retried_before_its_turn_has_what_the_list_said(void **state) {
    struct fixture fixture = {.mute = false};
    begin(&fixture, state, "echo $ASSAY_ID $ASSAY_STATE $ASSAY_ERROR >$OUT", true);
    see(&fixture,
        "[{\"id\": 4, \"state\": \"failed\", \"finished_ms\": 6, \"error\": \"it broke\"}]");
    check(&fixture, "4 failed it broke\n", "");
}

static void one_that_cannot_be_run_is_said(void **state) {
    struct fixture fixture = {.mute = true};
    begin(&fixture, state, "echo $ASSAY_ID >$OUT", true);
    see(&fixture, "[{\"id\": 9, \"state\": \"done\", \"finished_ms\": 6}]");
    struct rlimit before = leave_descriptors(0);
    struct hook_end end;
    assert_true(hook_turn(fixture.hook, &end));
    give_back_descriptors(before);
    assert_int_equal(end.status, 127);
    assert_string_equal(end.output, "Too many open files");
    free(end.output);
    check(&fixture, "", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_runs_once_for_each_that_finishes_in_their_order,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(
            one_that_had_finished_before_counts_only_where_it_is_asked_to, temporary_make,
            temporary_remove),
        IN_FOLDER(those_that_finish_between_two_looks_come_as_they_finished),
        IN_FOLDER(one_that_came_after_the_first_look_counts_however_late_it_is_seen),
        cmocka_unit_test_setup_teardown(one_that_was_retried_finishes_again, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(the_result_is_in_its_environment, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(what_the_coordinator_says_is_never_part_of_the_command,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(what_it_prints_comes_whole_and_a_failure_is_said,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(without_an_answer_it_has_what_the_list_said, temporary_make,
                                        temporary_remove),
        IN_FOLDER(one_that_was_retried_before_its_turn_has_what_the_list_said),
        IN_FOLDER(one_that_cannot_be_run_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
