/* Whole commands, their output as it should stand on the screen. */
#include "cli/command.h"

#include "core/file.h"
#include "tests/cli/results.h"
#include "tests/temporary.h"

#include <sys/stat.h>

/* The output is the file of that name beside details.json. */
static void assert_output(struct run run, int status, const char *name) {
    char path[512], *expected;
    size_t length;
    snprintf(path, sizeof path, TEST_DATA "/cli/%s", name);
    assert_true(file_read(path, 1 << 20, &expected, &length, NULL));
    assert_run(run, status, expected, "");
    free(expected);
}

static void show_tells_everything_about_a_finished_experiment(void **state) {
    (void)state;
    assert_output(RUN(command_show, "show", "1"), 0, "show_done.txt");
}

static void show_of_a_failed_one_tells_why_and_exits_4(void **state) {
    (void)state;
    assert_output(RUN(command_show, "show", "3"), 4, "show_failed.txt");
}

static void show_of_a_running_one_has_its_progress_and_undefined_ratios(void **state) {
    (void)state;
    assert_output(RUN(command_show, "show", "4"), 0, "show_running.txt");
}

static void show_of_one_that_is_evaluated_takes_no_epoch_back(void **state) {
    (void)state;
    finishing = "valid";
    struct run run = RUN(command_show, "show", "4");
    finishing = NULL;
    assert_non_null(strstr(run.out, "  state        running, 3 of 3 epochs, attempt 1\n"
                                    "  progress     epoch 3, valid of epoch 2: step 15 of 30, "));
    /* it has told of one alone, as the coordinator does of those before the last 10,000 */
    assert_string_equal(run.err, "assay: warning: of experiment 4 the last 1 of 3 epochs; all are "
                                 "in the database (docs/export.md)\n");
    free(run.out);
    free(run.err);
}

static void show_of_one_whose_files_are_sent_counts_their_mib(void **state) {
    (void)state;
    finishing = "send";
    struct run run = RUN(command_show, "show", "4");
    finishing = NULL;
    assert_non_null(strstr(run.out, "  progress     epoch 3, send 15/30 MiB\n"));
    free(run.out);
    free(run.err);
}

static void show_names_the_weights_that_training_began_with(void **state) {
    (void)state;
    moved_weights = "/w/r18.safetensors";
    struct run run = RUN(command_show, "show", "1");
    moved_weights = NULL;
    assert_non_null(
        strstr(run.out, "\n  model        resnet18, head relu, from /w/r18.safetensors\n"));
    free(run.out);
    free(run.err);
}

static void show_json_is_the_whole_answer(void **state) {
    (void)state;
    struct run run = RUN(command_show, "show", "4", "--json");
    cJSON *shown = parsed(run.out), *answer = details();
    const cJSON *fourth = cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "experiments"), 3);
    assert_true(cJSON_Compare(shown, fourth, true));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(
        cJSON_GetObjectItem(cJSON_GetObjectItem(fourth, "latest"), "valid"), "precision")));
    cJSON_Delete(shown);
    cJSON_Delete(answer);
    free(run.out);
    free(run.err);
}

static void compare_shows_counts_the_choice_the_classes_and_the_repeats(void **state) {
    (void)state;
    assert_output(RUN(command_compare, "compare"), 0, "compare.txt");
}

static void compare_json_has_the_promised_names(void **state) {
    (void)state;
    assert_output(RUN(command_compare, "compare", "1", "2", "--json"), 0, "compare.json");
}

static void compare_of_a_named_failure_exits_4(void **state) {
    (void)state;
    struct run run = RUN(command_compare, "compare", "1", "3", "--json");
    assert_int_equal(run.status, 4);
    free(run.out);
    free(run.err);
}

static void compare_arranges_its_rows(void **state) {
    (void)state;
    struct run run = RUN(command_compare, "compare", "--filter", "accuracy > 0.86 and seed = 1",
                         "--sort=-accuracy", "--columns", "id,checkpoint,split,seed,accuracy,loss");
    static const char rows[] = "id  checkpoint  split  seed  accuracy    loss\n"
                               " 2  best        valid  1       0.9375  0.2000\n"
                               " 2  best        test   1       0.8993  0.2500\n"
                               " 2  last        valid  1       0.8681  0.4000\n"
                               "\n";
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, rows));
    assert_null(strstr(run.out, "demo/flip,seed=0"));
    free(run.out);
    free(run.err);
}

static void compare_takes_those_of_a_tag(void **state) {
    (void)state;
    struct run run = RUN(command_compare, "compare", "--filter", "tag = paper and split = valid",
                         "--columns", "id,tags,checkpoint");
    static const char rows[] = "id  tags             checkpoint\n"
                               " 1  baseline, paper  best\n"
                               " 1  baseline, paper  last\n"
                               "\n";
    assert_memory_equal(run.out, rows, strlen(rows));
    free(run.out);
    free(run.err);
}

static void compare_json_follows_filter_and_sort(void **state) {
    (void)state;
    struct run run = RUN(command_compare, "compare", "--json", "--sort=loss", "--filter",
                         "split = test and state = done and accuracy > 0.84");
    static const struct {
        int id;
        const char *checkpoint;
    } expected[] = {{2, "best"}, {1, "last"}, {2, "last"}};
    cJSON *document = parsed(run.out);
    const cJSON *rows = field_at(document, "rows"), *left = field_at(document, "experiments");
    assert_int_equal(cJSON_GetArraySize(rows), 3);
    for (int i = 0; i < 3; i++) {
        const cJSON *row = cJSON_GetArrayItem(rows, i);
        assert_int_equal(cJSON_GetObjectItem(row, "id")->valueint, expected[i].id);
        assert_string_equal(field_text(row, "checkpoint", ""), expected[i].checkpoint);
    }
    assert_int_equal(cJSON_GetArraySize(left), 2);
    assert_int_equal(cJSON_GetObjectItem(left->child, "id")->valueint, 2);
    assert_int_equal(cJSON_GetObjectItem(left->child->next, "id")->valueint, 1);
    cJSON_Delete(document);
    free(run.out);
    free(run.err);
}

static void compare_sorted_alone_leaves_nobody_out(void **state) {
    (void)state;
    struct run run = RUN(command_compare, "compare", "--json", "--sort", "-id");
    cJSON *document = parsed(run.out);
    static const int expected[] = {2, 1, 3, 4}; /* 3 and 4 have no row */
    const cJSON *left = field_at(document, "experiments");
    assert_int_equal(cJSON_GetArraySize(left), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(left, i), "id")->valueint,
                         expected[i]);
    cJSON_Delete(document);
    free(run.out);
    free(run.err);
}

static void compare_refuses_an_unknown_column_with_the_nearest(void **state) {
    (void)state;
    assert_run(RUN(command_compare, "compare", "--columns", "id,acuracy"), 2, "",
               "assay: there is no column \"acuracy\"; did you mean \"accuracy\"?\n");
    assert_run(RUN(command_compare, "compare", "--sort=-los"), 2, "",
               "assay: there is no column \"los\"; did you mean \"loss\"?\n");
    assert_run(RUN(command_compare, "compare", "--filter", "splt = test"), 2, "",
               "assay: there is no column \"splt\"; did you mean \"split\"?\n");
    assert_run(RUN(command_compare, "compare", "--filter", "id > 9"), 0,
               "no experiment is like that\n", "");
}

static void ls_has_a_line_for_each(void **state) {
    (void)state;
    assert_output(RUN(command_ls, "ls"), 0, "ls.txt");
}

static void ls_can_show_one_state_alone(void **state) {
    (void)state;
    struct run run = RUN(command_ls, "ls", "demo", "--state", "failed", "--json");
    cJSON *listed = parsed(run.out);
    assert_int_equal(cJSON_GetArraySize(listed), 1);
    assert_string_equal(field_text(listed->child, "state", ""), "failed");
    assert_int_equal(run.status, 0);
    cJSON_Delete(listed);
    free(run.out);
    free(run.err);
}

static void ls_shows_chosen_columns_filtered_and_sorted(void **state) {
    (void)state;
    assert_run(RUN(command_ls, "ls", "--columns", "id,state,accuracy", "--sort=-accuracy",
                   "--filter", "accuracy > 0 and not state = failed"),
               0,
               "id  state    accuracy\n"
               " 1  done       0.8632\n"
               " 2  done       0.8632\n"
               " 4  running    0.6597\n",
               "");
}

static void ls_refuses_what_is_no_column_or_no_filter(void **state) {
    (void)state;
    assert_run(RUN(command_ls, "ls", "--sort", "acuracy"), 2, "",
               "assay: there is no column \"acuracy\"; did you mean \"accuracy\"?\n");
    struct run run = RUN(command_ls, "ls", "--filter", "accuracy >");
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.err, "filter, at character 11: a value should stand here"));
    free(run.out);
    free(run.err);
}

static void data_ls_says_what_is_there_and_who_needs_it(void **state) {
    (void)state;
    assert_run(RUN(command_data, "data", "ls"), 0,
               "name   listing       files     size  here           pushed  needed  named by\n"
               "fake   0123456789ab     41  1.4 MiB  2 missing  3h 07m ago       0\n"
               "re?al  fedcba987654     21    700 B  all        3h 07m ago       3  19 18 17 16 15 "
               "14 13 12 "
               "and 2 more\n",
               "");
}

static void ages_are_those_of_the_coordinators_clock(void **state) {
    static const double an_hour_ms = 3600000;
    static const double wrong_by[] = {an_hour_ms, -an_hour_ms, -5 * an_hour_ms};
    (void)state;
    for (size_t i = 0; i < sizeof wrong_by / sizeof wrong_by[0]; i++) {
        ahead_ms = wrong_by[i];
        assert_output(RUN(command_ls, "ls"), 0, "ls.txt");
        assert_run(RUN(command_workers, "workers"), 0,
                   "worker  state  trains        seen  threads  backend  labels  device\n"
                   "a       lost           3h 07m ago        2  cpu              a CPU\n",
                   "");
        data_ls_says_what_is_there_and_who_needs_it(state);
    }
    ahead_ms = 0;
}

static void workers_say_what_they_train_and_what_they_are_for(void **state) {
    (void)state;
    one_trains = true;
    assert_run(RUN(command_workers, "workers"), 0,
               "worker  state  trains        seen  threads  backend  labels   device\n"
               "a       busy        4  3h 07m ago        2  cpu      big,lab  a CPU\n",
               "");
    struct run run = RUN(command_workers, "workers", "--json");
    one_trains = false;
    cJSON *workers = parsed(run.out);
    assert_int_equal(cJSON_GetArraySize(workers), 1);
    assert_near(field_number(workers->child, "experiment", 0), 4, 0);
    cJSON_Delete(workers);
    free(run.out);
    free(run.err);
    nobody_trains = true;
    assert_run(RUN(command_workers, "workers"), 0,
               "no workers; assay worker --connect ENDPOINT --dir DIR starts one\n", "");
    nobody_trains = false;
}

static void data_refuses_what_it_does_not_do(void **state) {
    (void)state;
    assert_run(RUN(command_data, "data", "ls", "a.json"), 2, "",
               "assay: data ls takes no FILE; see assay data --help\n");
    assert_run(RUN(command_data, "data", "push"), 2, "",
               "assay: data push needs a FILE; see assay data --help\n");
    assert_run(RUN(command_data, "data", "pull", "a.json"), 2, "",
               "assay: data has no \"pull\"; it has check, push and ls\n");
}

static void test_names_the_checkpoints_that_are_missing(void **state) {
    (void)state;
    assert_run(RUN(command_test, "test", "4", "--checkpoint", "best", "--split", "test"), 2, "",
               "assay: experiment 4 has no checkpoint best; assay show 4 lists those it has\n");
    assert_run(RUN(command_test, "test", "1", "--checkpoint", "1", "--split", "test"), 2, "",
               "assay: experiment 1 has no checkpoint 1; assay show 1 lists those it has\n");
}

static void test_names_the_host_that_has_the_checkpoint(void **state) {
    (void)state;
    assert_run(
        RUN(command_test, "test", "1", "--checkpoint", "best", "--split", "test"), 1, "",
        "assay: the checkpoint /w/1/checkpoint_best_loss.safetensors is on node, not on this "
        "machine, and was not sent to the coordinator\n");
}

/* How the event file says that its run ended (tests/core/test_tensorboard.c has the bytes): 1 done,
 * 2 otherwise; 0 when it does not. */
static int end_in(const char *path) {
    static const char ends[2][5] = {"\x22\x0b\x08\x01\x11", "\x22\x0b\x08\x02\x11"};
    char *data;
    size_t length;
    int end = 0;
    assert_true(file_read(path, 1 << 20, &data, &length, NULL));
    for (int i = 0; i < 2; i++)
        if (memmem(data, length, ends[i], sizeof ends[i]) != NULL)
            end = i + 1;
    free(data);
    return end;
}

/* tests/core/test_board.c has what is in the files. */
static void tensorboard_writes_a_file_an_experiment(void **state) {
    (void)state;
    void *folder = NULL;
    char expected[400];
    struct stat status;
    assert_int_equal(temporary_make(&folder), 0);
    struct run run =
        RUN(command_tensorboard, "tensorboard", "1", "3", "4", "--out", folder, "--json");
    assert_int_equal(run.status, 0);
    cJSON *written = parsed(run.out);
    const cJSON *failed = written->child->next;
    assert_int_equal(cJSON_GetArraySize(written), 3);
    assert_int_equal(end_in(field_text(written->child, "path", "")), 1);
    assert_int_equal(end_in(field_text(failed, "path", "")), 2);
    assert_int_equal(end_in(field_text(failed->next, "path", "")), 0);
    snprintf(expected, sizeof expected, "%s/1_demo_flip,seed=0/events.out.tfevents.assay",
             (char *)folder);
    assert_string_equal(field_text(written->child, "path", ""), expected);
    assert_int_equal(stat(expected, &status), 0);
    assert_true(status.st_size > 500);
    cJSON_Delete(written);
    free(run.out);
    free(run.err);
    strcat(expected, "\n");
    assert_run(RUN(command_tensorboard, "tensorboard", "1", "--out", folder), 0, expected, "");
    assert_run(RUN(command_tensorboard, "tensorboard", "1"), 2, "",
               "assay: tensorboard needs --out DIR; see assay tensorboard --help\n");
    assert_int_equal(temporary_remove(&folder), 0);
}

/* What no terminal shows is left out of no file: a tab, a soft hyphen. */
static void tensorboard_writes_the_settings_as_they_are_with_json_and_without(void **state) {
    static const char weights[] = "/we\tights\xc2\xad.pth";
    static char *const ends[] = {"--json", NULL};
    (void)state;
    void *folder = NULL;
    char path[400];
    assert_int_equal(temporary_make(&folder), 0);
    snprintf(path, sizeof path, "%s/1_demo_flip,seed=0/events.out.tfevents.assay", (char *)folder);
    moved_weights = weights;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char *data;
        size_t length;
        struct run run = RUN(command_tensorboard, "tensorboard", "1", "--out", folder, ends[i]);
        assert_int_equal(run.status, 0);
        free(run.out);
        free(run.err);
        assert_true(file_read(path, 1 << 20, &data, &length, NULL));
        assert_non_null(memmem(data, length, weights, sizeof weights - 1));
        free(data);
    }
    moved_weights = NULL;
    assert_int_equal(temporary_remove(&folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(show_tells_everything_about_a_finished_experiment),
        cmocka_unit_test(show_of_a_failed_one_tells_why_and_exits_4),
        cmocka_unit_test(show_of_a_running_one_has_its_progress_and_undefined_ratios),
        cmocka_unit_test(show_of_one_that_is_evaluated_takes_no_epoch_back),
        cmocka_unit_test(show_of_one_whose_files_are_sent_counts_their_mib),
        cmocka_unit_test(show_names_the_weights_that_training_began_with),
        cmocka_unit_test(show_json_is_the_whole_answer),
        cmocka_unit_test(compare_shows_counts_the_choice_the_classes_and_the_repeats),
        cmocka_unit_test(compare_json_has_the_promised_names),
        cmocka_unit_test(compare_of_a_named_failure_exits_4),
        cmocka_unit_test(compare_arranges_its_rows),
        cmocka_unit_test(compare_takes_those_of_a_tag),
        cmocka_unit_test(compare_json_follows_filter_and_sort),
        cmocka_unit_test(compare_sorted_alone_leaves_nobody_out),
        cmocka_unit_test(compare_refuses_an_unknown_column_with_the_nearest),
        cmocka_unit_test(ls_has_a_line_for_each),
        cmocka_unit_test(ls_can_show_one_state_alone),
        cmocka_unit_test(ls_shows_chosen_columns_filtered_and_sorted),
        cmocka_unit_test(ls_refuses_what_is_no_column_or_no_filter),
        cmocka_unit_test(data_ls_says_what_is_there_and_who_needs_it),
        cmocka_unit_test(ages_are_those_of_the_coordinators_clock),
        cmocka_unit_test(workers_say_what_they_train_and_what_they_are_for),
        cmocka_unit_test(data_refuses_what_it_does_not_do),
        cmocka_unit_test(test_names_the_checkpoints_that_are_missing),
        cmocka_unit_test(test_names_the_host_that_has_the_checkpoint),
        cmocka_unit_test(tensorboard_writes_a_file_an_experiment),
        cmocka_unit_test(tensorboard_writes_the_settings_as_they_are_with_json_and_without),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
