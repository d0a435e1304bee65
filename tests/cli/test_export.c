/* assay export against a coordinator that hands out one experiment a page. */
#include "cli/command.h"

#include "cli/field.h"
#include "core/file.h"
#include "tests/cli/details.h"
#include "tests/cli/fake.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

/* So many more are given. */
static atomic_int answers = INT_MAX;

/* Experiments 1 (done) and 4 (in its second epoch) of tests/data/cli/details.json. The first has
 * upsampled, so that only some have that leaf. */
static cJSON *answer_pages(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name) {
    (void)context, (void)nth, (void)request;
    if (atomic_load(&answers) == 0)
        return NULL;
    atomic_fetch_sub(&answers, 1);
    bool second = field_number(body, "after", 0) > 0;
    cJSON *answer = details(), *experiments = cJSON_GetObjectItem(answer, "experiments");
    cJSON *taken = cJSON_DetachItemFromArray(experiments, second ? 3 : 0);
    if (second) {
        cJSON *data = cJSON_GetObjectItem(cJSON_GetObjectItem(taken, "config"), "data");
        cJSON_ReplaceItemInObject(data, "upsample", cJSON_CreateObject());
        cJSON_ReplaceItemInObject(taken, "variant", cJSON_CreateObject());
    }
    cJSON_ReplaceItemInObject(answer, "experiments", cJSON_CreateArray());
    cJSON_AddItemToArray(cJSON_GetObjectItem(answer, "experiments"), taken);
    cJSON_ReplaceItemInObject(answer, "next", second ? cJSON_CreateNull() : cJSON_CreateNumber(1));
    *name = "details";
    return answer;
}

static struct fake fake;

static int start(void **state) {
    (void)state;
    fake_start(&fake, answer_pages, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    fake_stop(&fake);
    return 0;
}

/* The rows of `assay export --json ...`. */
static cJSON *exported(struct run run) {
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    cJSON *rows = parsed(run.out);
    free(run.out);
    free(run.err);
    return rows;
}

static const cJSON *cell(const cJSON *rows, int row, const char *column) {
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows, row), column);
}

static void every_page_has_the_columns_that_differ_over_all_pages(void **state) {
    (void)state;
    cJSON *rows = exported(RUN(command_export, "export", "g", "--json"));
    assert_int_equal(cJSON_GetArraySize(rows), 2);
    assert_string_equal(cell(rows, 0, "variant.train.seed")->valuestring, "0");
    assert_true(cJSON_IsNull(cell(rows, 1, "variant.train.seed")));
    assert_near(cell(rows, 1, "config.train.seed")->valuedouble, 1, 0);
    assert_near(cell(rows, 0, "config.data.upsample.real")->valuedouble, 2, 0);
    assert_true(cJSON_IsNull(cell(rows, 1, "config.data.upsample.real")));
    assert_null(cell(rows, 0, "config.train.epochs")); /* the same in both */
    assert_null(cell(rows, 0, "config.name"));
    assert_string_equal(cell(rows, 0, "keep")->valuestring, "last");
    assert_int_equal(cJSON_GetArraySize(cell(rows, 0, "tags")), 2);
    assert_int_equal(cJSON_GetArraySize(cell(rows, 0, "notes")), 2);
    assert_true(cJSON_IsNull(cell(rows, 1, "tags")));
    assert_near(cell(rows, 0, "last_valid_roc_auc")->valuedouble, 0.93, 0);
    assert_near(cell(rows, 0, "best_test_accuracy")->valuedouble, 240.0 / 288, 1e-15);
    assert_true(cJSON_IsNull(cell(rows, 1, "best_test_accuracy")));
    cJSON_Delete(rows);
}

static void csv_has_titles_quotes_and_nothing_for_null(void **state) {
    (void)state;
    struct run run = RUN(command_export, "export", "g");
    const char *titles =
        "id,name,group,state,person,submit_host,submit_version,worker,error,attempt,submitted_ms,"
        "started_ms,"
        "finished_ms,epochs,epochs_done,stopped,tags,notes,variant.train.seed,config.data.upsample."
        "real,config.train.seed,config.train.flip,keep,best_epoch,";
    const char *first = "\n1,\"demo/flip,seed=0\",demo,done,ann@node,node,0.1.0,,,1,1795493707000,"
                        "1795493708000,1795493758000,3,3,,\"[\"\"baseline\"\",\"\"paper\"\"]\",\"[{"
                        "\"\"number\"\":1,";
    const char *rest = "had all been there, and 4\"\"}]\",0,2,0,flip,last,2,82,164,20,22,";
    const char *second =
        "\n4,\"demo/none,seed=1\",demo,running,ann@node,node,0.1.0,node-1,,1,1795493707000,"
        "1795493708000,,3,1,,,,,,1,none,,,,";
    assert_memory_equal(run.out, titles, strlen(titles));
    assert_non_null(strstr(run.out, first));
    assert_non_null(strstr(run.out, rest));
    assert_non_null(strstr(run.out, second));
    free(run.out);
    free(run.err);
}

static void epochs_are_a_row_each(void **state) {
    (void)state;
    cJSON *rows = exported(RUN(command_export, "export", "g", "--json", "--epochs"));
    assert_int_equal(cJSON_GetArraySize(rows), 4);
    assert_near(cell(rows, 3, "id")->valuedouble, 4, 0);
    assert_string_equal(cell(rows, 3, "name")->valuestring, "demo/none,seed=1");
    assert_string_equal(cell(rows, 3, "group")->valuestring, "demo");
    assert_near(cell(rows, 3, "config.train.seed")->valuedouble, 1, 0);
    assert_near(cell(rows, 1, "epoch")->valuedouble, 2, 0);
    assert_near(cell(rows, 1, "learning_rate")->valuedouble, 1e-4, 0);
    assert_near(cell(rows, 0, "train_loss")->valuedouble, 0.488895, 0);
    assert_near(cell(rows, 2, "valid_loss")->valuedouble, 0.350001, 0);
    assert_true(cJSON_IsNull(cell(rows, 3, "valid_precision"))); /* nothing was called real */
    assert_true(cJSON_IsTrue(cell(rows, 0, "best")));
    cJSON_Delete(rows);
}

/* The file has what went to stdout. Takes both. */
static void assert_written(char *path, struct run plain) {
    char *text;
    size_t length;
    assert_true(file_read(path, 1 << 20, &text, &length, NULL));
    assert_string_equal(text, plain.out);
    free(text);
    free(plain.out);
    free(plain.err);
    free(path);
}

static void a_file_has_what_stdout_would_have(void **state) {
    char *path = temporary_path(state, "g.csv"), expected[600];
    struct run plain = RUN(command_export, "export", "g", "--csv");
    snprintf(expected, sizeof expected, "%s\n", path);
    assert_run(RUN(command_export, "export", "g", "--csv", "--out", path), 0, expected, "");
    assert_written(path, plain);
}

/* stdout and the file are one then. */
static void a_file_that_is_stdout_is_the_export_alone(void **state) {
    char *path = temporary_path(state, "g.csv");
    struct run plain = RUN(command_export, "export", "g", "--csv");
    int before = dup(STDOUT_FILENO), file = open(path, O_WRONLY | O_CREAT, 0600);
    fflush(stdout);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    struct run run = RUN(command_export, "export", "g", "--csv", "--out", "/dev/stdout");
    dup2(before, STDOUT_FILENO);
    close(before);
    close(file);
    assert_run(run, 0, "", "");
    assert_written(path, plain);
}

static void a_dash_is_stdout(void **state) {
    (void)state;
    struct run plain = RUN(command_export, "export", "g", "--csv");
    assert_run(RUN(command_export, "export", "g", "--csv", "--out", "-"), 0, plain.out, "");
    free(plain.out);
    free(plain.err);
}

/* By the program itself, while the coordinator is silent after the pages that tell the columns. */
static void an_export_that_is_ended_leaves_no_file(void **state) {
    char *path = temporary_path(state, "g.csv"), *temporary = temporary_path(state, "g.csv.tmp");
    int status;
    atomic_store(&answers, 2);
    pid_t pid = fork();
    if (pid == 0) {
        execl(BIN_DIR "/assay", "assay", "export", "g", "--out", path, (char *)NULL);
        _exit(127);
    }
    while (access(temporary, F_OK) != 0 && waitpid(pid, &status, WNOHANG) == 0)
        usleep(1000);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_int_not_equal(access(temporary, F_OK), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    atomic_store(&answers, INT_MAX);
    free(path);
    free(temporary);
}

static void export_says_what_is_wrong_in_one_line(void **state) {
    char *path = temporary_path(state, "no/g.csv"), expected[600];
    assert_run(RUN(command_export, "export", "g", "--csv", "--json"), 2, "",
               "assay: --csv and --json together: choose one\n");
    snprintf(expected, sizeof expected, "assay: cannot write %s.tmp: No such file or directory\n",
             path);
    assert_run(RUN(command_export, "export", "g", "--out", path), 1, "", expected);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_has_the_columns_that_differ_over_all_pages),
        cmocka_unit_test(csv_has_titles_quotes_and_nothing_for_null),
        cmocka_unit_test(epochs_are_a_row_each),
        cmocka_unit_test_setup_teardown(a_file_has_what_stdout_would_have, temporary_make,
                                        temporary_remove),
        IN_FOLDER(a_file_that_is_stdout_is_the_export_alone),
        cmocka_unit_test(a_dash_is_stdout),
        IN_FOLDER(an_export_that_is_ended_leaves_no_file),
        cmocka_unit_test_setup_teardown(export_says_what_is_wrong_in_one_line, temporary_make,
                                        temporary_remove),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
