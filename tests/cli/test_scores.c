/* assay scores against a coordinator that has three pictures and gives two of them a page. */
#include "cli/command.h"

#include "cli/field.h"
#include "tests/cli/fake.h"

static const char *const pages[] = {
    "{\"position\": 0, \"next\": 2, \"classes\": [{\"name\": \"fake, smooth\", \"label\": 0},"
    " {\"name\": \"real\", \"label\": 1}], \"pictures\": ["
    "{\"path\": \"fake/a \\\"b\\\".png\", \"class\": 0, \"probability\": 0.1},"
    "{\"path\": \"real/c.png\", \"class\": 1, \"probability\": 1}]}",
    "{\"position\": 2, \"next\": null, \"classes\": [{\"name\": \"fake, smooth\", \"label\": 0},"
    " {\"name\": \"real\", \"label\": 1}], \"pictures\": ["
    "{\"path\": \"real/d.png\", \"class\": 1, \"probability\": 0.30000000000000004}]}",
    "{\"position\": 0, \"next\": null, \"classes\": [], \"pictures\": []}"};

/* Of `best` there are the pages, of `last` is nothing. */
static cJSON *answer_scores(void *context, size_t nth, const char *request, const cJSON *body,
                            const char **name) {
    (void)context;
    (void)nth;
    (void)request;
    *name = "score_list";
    bool last = strcmp(field_text(body, "checkpoint", ""), "last") == 0;
    return parsed(pages[last ? 2 : field_number(body, "position", -1) > 0 ? 1 : 0]);
}

static struct fake fake;

static int start(void **state) {
    (void)state;
    fake_start(&fake, answer_scores, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    fake_stop(&fake);
    return 0;
}

static void scores_are_csv_with_one_line_of_titles(void **state) {
    (void)state;
    assert_run(RUN(command_scores, "scores", "3", "--checkpoint", "best", "--split", "test"), 0,
               "path,class,label,probability\n"
               "\"fake/a \"\"b\"\".png\",\"fake, smooth\",0,0.10000000000000001\n"
               "real/c.png,real,1,1\n"
               "real/d.png,real,1,0.30000000000000004\n",
               "");
}

static void scores_json_is_one_array(void **state) {
    (void)state;
    assert_run(
        RUN(command_scores, "scores", "3", "--checkpoint", "best", "--split", "test", "--json"), 0,
        "[{\"path\":\"fake/a \\\"b\\\".png\",\"class\":\"fake, smooth\",\"label\":0,"
        "\"probability\":0.1},"
        "{\"path\":\"real/c.png\",\"class\":\"real\",\"label\":1,\"probability\":1},"
        "{\"path\":\"real/d.png\",\"class\":\"real\",\"label\":1,"
        "\"probability\":0.30000000000000004}]\n",
        "");
}

static void where_nothing_was_scored_it_says_so(void **state) {
    (void)state;
    assert_run(RUN(command_scores, "scores", "3", "--checkpoint", "last", "--split", "valid"), 2,
               "",
               "assay: experiment 3 has no scores of last on valid; assay show 3 tells what was "
               "evaluated\n");
}

static void a_checkpoint_that_is_not_scored_is_a_mistake(void **state) {
    (void)state;
    struct run run = RUN(command_scores, "scores", "3", "--checkpoint", "7", "--split", "test");
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.err, "--checkpoint is best or last, not \"7\""));
    free(run.out);
    free(run.err);
}

static void a_split_that_is_not_scored_is_a_mistake(void **state) {
    (void)state;
    struct run run = RUN(command_scores, "scores", "3", "--checkpoint", "last", "--split", "train");
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.err, "--split is valid or test, not \"train\""));
    free(run.out);
    free(run.err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_csv_with_one_line_of_titles),
        cmocka_unit_test(scores_json_is_one_array),
        cmocka_unit_test(where_nothing_was_scored_it_says_so),
        cmocka_unit_test(a_checkpoint_that_is_not_scored_is_a_mistake),
        cmocka_unit_test(a_split_that_is_not_scored_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
