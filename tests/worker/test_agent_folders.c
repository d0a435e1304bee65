/* What an agent has in its folder: whose it is, what it goes on from, and what it may read. */
#include "core/file.h"
#include "core/safetensors.h"
#include "tests/worker/agent_stage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

static void
what_belongs_to_one_database_waits_until_its_coordinator_is_back_and_never_reaches_another(
    void **state) {
    struct stage *stage = *state;
    char path[160];
    start_worker(stage);
    greet_as(stage, DATABASE_A, HISTORY_1);
    assign(stage, "one");
    history_is(stage, HISTORY_1);
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    next_request(stage); /* so the answer before it has arrived */
    atomic_store(&epochs_allowed, 0);
    zmq_close(stage->router);
    coordinator_bind(stage);
    greet_as(stage, DATABASE_B, HISTORY_2);
    assign(stage, "one"); /* of the same numbers: 7, attempt 2 */
    history_is(stage, HISTORY_2);
    atomic_store(&epochs_allowed, EPOCHS);
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        expect_epoch(stage, epoch);
        history_is(stage, HISTORY_2);
    }
    expect_end(stage, "done");
    acknowledge(stage, false);
    replace_coordinator(stage, DATABASE_A, HISTORY_1);
    expect_end(stage, "given_back"); /* all that the first one has still to hear */
    history_is(stage, HISTORY_1);
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 2);
    snprintf(path, sizeof path, "%s/experiments/7/experiment.json", stage->folder);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/databases/" DATABASE_B "/experiments/7/experiment.json",
             stage->folder);
    assert_int_equal(access(path, F_OK), 0);
    assert_non_null(strstr(last_said, "another database: what is of that is in "));
    assert_null(strstr(last_said, "restored"));
}

static void after_a_backup_was_restored_work_begins_anew_from_what_is_on_the_disk(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet_as(stage, DATABASE_A, HISTORY_1);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_report(stage, "epoch");
    zmq_close(stage->router); /* lost with all it knew, and a backup is restored */
    coordinator_bind(stage);
    greet_as(stage, DATABASE_A, HISTORY_2);
    assign(stage, "one"); /* to whom it was assigned when the backup was made */
    history_is(stage, HISTORY_2);
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 1);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 2);
    assert_int_equal(left_in_spool(stage), 0);
    assert_non_null(strstr(last_said, "restored from a backup"));
    assert_null(strstr(last_said, "another database"));
}

/* Written to two days ago, or today. */
static void put_part(const struct stage *stage, const char *name, bool old, char path[128]) {
    const struct timespec times[2] = {{time(NULL), 0}, {time(NULL) - (old ? 2 : 0) * 86400, 0}};
    snprintf(path, 128, "%s/%s", stage->folder, name);
    assert_true(folder_make_of(path, NULL) && file_write_atomic(path, "x", 1, NULL));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void what_nobody_went_on_fetching_is_gone_when_a_worker_has_begun(void **state) {
    struct stage *stage = *state;
    char cache[128], old[128], young[128], old_picture[128], young_picture[128];
    snprintf(cache, sizeof cache, "%s/cache", stage->folder);
    stage->options.data_cache = cache;
    put_part(stage, "experiments/7/a.part", true, old);
    put_part(stage, "experiments/7/b.part", false, young);
    put_part(stage, "cache/incoming/a.part", true, old_picture);
    put_part(stage, "cache/incoming/b.part", false, young_picture);
    start_worker(stage);
    greet(stage);
    let_go(stage);
    assert_true(access(old, F_OK) != 0 && access(old_picture, F_OK) != 0);
    assert_true(access(young, F_OK) == 0 && access(young_picture, F_OK) == 0);
}

static void an_answer_of_before_it_moved_acknowledges_nothing(void **state) {
    struct stage *stage = *state;
    char late[64];
    start_worker(stage);
    greet_as(stage, DATABASE_A, HISTORY_1);
    assign(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_report(stage, "epoch");
    uint64_t number = stage->request.request;
    snprintf(late, sizeof late, "{\"sequence\":%d,\"fenced\":false}",
             cJSON_GetObjectItem(stage->request.body, "sequence")->valueint);
    zmq_close(stage->router);
    coordinator_bind(stage);
    greet_as(stage, DATABASE_B, HISTORY_2);
    assign(stage, "one");
    expect_report(stage, "epoch"); /* the first of this spool: the same sequence */
    uint64_t newer = stage->request.request;
    stage->request.request = number;
    answer(stage, "ack", late);
    stage->request.request = newer;
    answer(stage, "error", "{\"code\":\"internal\",\"message\":\"later\"}");
    expect_epoch(stage, 1);
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 2);
    let_go(stage);
}

static void put_old_checkpoint(const struct stage *stage, char path[128]) {
    struct error error = {0};
    snprintf(path, 128, "%s/experiments/7", stage->folder);
    assert_true(folder_make(path, &error));
    strcat(path, "/checkpoint_last.safetensors");
    assert_true(file_write_atomic(path, "old", 3, &error));
}

static void the_folder_of_another_experiment_is_set_aside(void **state) {
    struct stage *stage = *state;
    char path[128];
    put_old_checkpoint(stage, path);
    start_work(stage, "breaks");
    expect_end(stage, "failed");
    acknowledge(stage, false);
    let_go(stage);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/experiments/7.1/checkpoint_last.safetensors", stage->folder);
    assert_int_equal(access(path, F_OK), 0);
}

static void the_folder_of_a_fork_of_another_checkpoint_is_set_aside(void **state) {
    struct stage *stage = *state;
    static const char *const from[] = {"1", "1", "2"};
    char kept[128], aside[128];
    snprintf(aside, sizeof aside, "%s/experiments/7.1", stage->folder);
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < 3; i++) {
        char member[256];
        snprintf(member, sizeof member,
                 "\"from\":{\"experiment\":3,\"checkpoint\":\"%s\",\"epoch\":%s,"
                 "\"path\":\"/nowhere/3\",\"host\":\"h\"},",
                 from[i], from[i]);
        assign_from(stage, "breaks", member);
        expect_end(stage, "failed");
        acknowledge(stage, false);
        assert_int_equal(access(aside, F_OK), i < 2 ? -1 : 0);
        put_old_checkpoint(stage, kept);
    }
    assign(stage, "breaks"); /* it is no fork at all */
    expect_end(stage, "failed");
    acknowledge(stage, false);
    let_go(stage);
    snprintf(aside, sizeof aside, "%s/experiments/7.2", stage->folder);
    assert_int_equal(access(aside, F_OK), 0);
}

#define SUM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void the_folder_of_a_fork_is_kept_when_its_file_has_come(void **state) {
    struct stage *stage = *state;
    static const char *const files[] = {"", ",\"file\":{\"sha256\":\"" SUM_A "\",\"bytes\":1}",
                                        ",\"file\":{\"sha256\":\"" SUM_B "\",\"bytes\":1}"};
    char kept[128], aside[128];
    snprintf(aside, sizeof aside, "%s/experiments/7.1", stage->folder);
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < 3;
         i++) { /* the last is of other content, and so of another checkpoint */
        char member[256];
        snprintf(member, sizeof member,
                 "\"from\":{\"experiment\":3,\"checkpoint\":\"1\",\"epoch\":1,"
                 "\"path\":\"/nowhere/3\",\"host\":\"h\"%s},",
                 files[i]);
        assign_from(stage, "breaks", member);
        if (i > 0) {
            expect_of_anybody(stage, "fetch");
            answer(stage, "error", "{\"code\":\"not_found\",\"message\":\"no such file\"}");
        }
        expect_end(stage, "failed");
        acknowledge(stage, false);
        assert_int_equal(access(aside, F_OK), i < 2 ? -1 : 0);
        put_old_checkpoint(stage, kept);
    }
    let_go(stage);
}

static void the_folder_of_an_earlier_attempt_is_kept(void **state) {
    struct stage *stage = *state;
    char path[128];
    start_work(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    put_old_checkpoint(stage, path);
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 2);
    assign(stage, "one");
    expect_epoch(stage, 1);
    assert_int_equal(access(path, F_OK), 0);
    tell_to_leave(stage);
    for (;;) {
        expect(stage, "report");
        bool end =
            strcmp(cJSON_GetObjectItem(stage->request.body, "kind")->valuestring, "end") == 0;
        acknowledge(stage, false);
        if (end)
            break;
    }
    send_off(stage);
}

/* What the folder says of its experiment, the one of assign(stage, "breaks") but for `train`. */
static void put_config(const struct stage *stage, const char *train) {
    struct error error = {0};
    char path[160], config[512];
    snprintf(path, sizeof path, "%s/experiments/7/experiment.json", stage->folder);
    snprintf(config, sizeof config,
             "{\"name\":\"breaks\",\"train\":%s,\"data\":{\"classes\":["
             "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
             "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}",
             train);
    assert_true(file_write_atomic(path, config, strlen(config), &error));
}

static void the_folder_of_a_version_that_knew_other_keys_is_kept(void **state) {
    struct stage *stage = *state;
    static const char *const trains[] = {"{}", "{\"epochs\":200}", "{\"epochs\":7}"};
    char kept[128], aside[128];
    snprintf(aside, sizeof aside, "%s/experiments/7.1", stage->folder);
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < 3; i++) { /* the first two say the same, the default */
        put_old_checkpoint(stage, kept);
        put_config(stage, trains[i]);
        assign(stage, "breaks");
        expect_end(stage, "failed");
        acknowledge(stage, false);
        assert_int_equal(access(kept, F_OK), i < 2 ? 0 : -1);
        assert_int_equal(access(aside, F_OK), i < 2 ? -1 : 0);
    }
    let_go(stage);
}

/* A database that was begun anew counts from 1 again: of an experiment that nobody has tried yet
 * there is no folder, however like it the one that stands there is. */
static void the_folder_that_stands_there_before_the_first_attempt_is_set_aside(void **state) {
    struct stage *stage = *state;
    char kept[128], aside[128];
    snprintf(aside, sizeof aside, "%s/experiments/7.1/checkpoint_last.safetensors", stage->folder);
    put_old_checkpoint(stage, kept);
    put_config(stage, "{}");
    start_worker(stage);
    greet(stage);
    expect(stage, "request");
    answer(stage, "assignment",
           "{\"experiment\":7,\"attempt\":1,\"name\":\"breaks\",\"variant\":{},\"resume\":null,"
           "\"files\":[],\"config\":{\"name\":\"breaks\",\"data\":{\"classes\":["
           "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
           "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}}");
    expect_end(stage, "failed");
    acknowledge(stage, false);
    let_go(stage);
    assert_int_not_equal(access(kept, F_OK), 0);
    assert_int_equal(access(aside, F_OK), 0);
}

/* A file that is nothing else of a checkpoint than which experiment it is of: assign_files's with
 * these weights. */
static void put_checkpoint_of(const char *path, const char *weights) {
    struct error error = {0};
    char config[512];
    snprintf(config, sizeof config,
             "{\"name\":\"n\",\"model\":{\"weights\":\"%s\"},\"data\":{\"classes\":["
             "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
             "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}",
             weights);
    const struct metadata metadata = {"config", config};
    assert_true(safetensors_write(path, NULL, 0, &metadata, 1, &error));
}

/* Answers with an assignment of these weights and, unless NULL, this checkpoint to go on from. */
static void assign_files(struct stage *stage, const char *weights, const char *resume) {
    char body[1024], checkpoint[512] = "null";
    if (resume != NULL)
        snprintf(checkpoint, sizeof checkpoint, "{\"epoch\":1,\"path\":\"%s\",\"host\":\"h\"}",
                 resume);
    snprintf(
        body, sizeof body,
        "{\"experiment\":7,\"attempt\":2,\"name\":\"n\",\"variant\":{},\"resume\":%s,\"files\":[],"
        "\"config\":{\"name\":\"n\",\"model\":{\"weights\":\"%s\"},\"data\":{\"classes\":["
        "{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"
        "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]}}}",
        checkpoint, weights);
    expect(stage, "request");
    answer(stage, "assignment", body);
}

/* Makes FOLDER/data and FOLDER/more, the roots, and FOLDER/work, the worker's own folder. */
static void limit_reading(struct stage *stage, char data[80], char more[80], char work[80]) {
    struct error error = {0};
    snprintf(data, 80, "%s/data", stage->folder);
    snprintf(more, 80, "%s/more", stage->folder);
    snprintf(work, 80, "%s/work", stage->folder);
    assert_true(folder_make(data, &error) && folder_make(more, &error) &&
                folder_make(work, &error));
    stage->options.data_root = data;
    stage->options.weights_root = more;
    stage->options.dir = work;
}

static void weights_outside_what_a_worker_may_read_are_refused_there_or_not(void **state) {
    struct stage *stage = *state;
    char data[80], more[80], work[80], link[128], climbing[128];
    limit_reading(stage, data, more, work);
    snprintf(link, sizeof link, "%s/link", data);
    snprintf(climbing, sizeof climbing, "%s/../../../etc/passwd", data);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    const char *const paths[] = {"/etc/passwd", "/etc/shadow", "/nowhere/at/all",
                                 "etc/passwd",  climbing,      link};
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assign_files(stage, paths[i], NULL);
        expect_end(stage, "failed");
        const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
        const char *said = cJSON_GetObjectItem(body, "error")->valuestring;
        if (strstr(said, "is not inside") == NULL)
            fail_msg("%s: %s", paths[i], said);
        acknowledge(stage, false);
    }
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 0);
}

static void weights_and_checkpoints_in_a_workers_roots_and_its_folder_are_read(void **state) {
    struct stage *stage = *state;
    char data[80], more[80], work[80];
    limit_reading(stage, data, more, work);
    const char *const folders[] = {data, more, work};
    atomic_store(&epochs_allowed, EPOCHS);
    start_worker(stage);
    greet(stage);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/w.safetensors", folders[i]);
        put_checkpoint_of(path, path);
        assign_files(stage, path, path);
        expect_rest(stage, 1);
        assert_resumed_from(path);
    }
    let_go(stage);
}

/* A run from the beginning to its end, after which the worker leaves. */
static void expect_all_of_it(struct stage *stage) {
    expect_epoch(stage, 1);
    assert_resumed_from("");
    expect_rest(stage, 2);
    let_go(stage);
}

static void a_checkpoint_outside_what_a_worker_may_read_is_as_one_that_is_not_there(void **state) {
    struct stage *stage = *state;
    char data[80], more[80], work[80], weights[128], outside[128];
    struct error error = {0};
    limit_reading(stage, data, more, work);
    snprintf(weights, sizeof weights, "%s/w.safetensors", data);
    snprintf(outside, sizeof outside, "%s/checkpoint_last.safetensors", stage->folder);
    assert_true(file_write_atomic(weights, "x", 1, &error));
    put_checkpoint_of(outside, weights);
    atomic_store(&epochs_allowed, EPOCHS);
    start_worker(stage);
    greet(stage);
    assign_files(stage, weights, outside);
    expect_all_of_it(stage);
}

static void a_checkpoint_of_another_experiment_is_as_one_that_is_not_there(void **state) {
    struct stage *stage = *state;
    char other[128];
    snprintf(other, sizeof other, "%s/checkpoint_last.safetensors", stage->folder);
    put_checkpoint_of(other, "/its/own/weights");
    atomic_store(&epochs_allowed, EPOCHS);
    start_worker(stage);
    greet(stage);
    assign_files(stage, "/no/such/weights", other);
    expect_all_of_it(stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(
            what_belongs_to_one_database_waits_until_its_coordinator_is_back_and_never_reaches_another),
        ON_STAGE(after_a_backup_was_restored_work_begins_anew_from_what_is_on_the_disk),
        ON_STAGE(what_nobody_went_on_fetching_is_gone_when_a_worker_has_begun),
        ON_STAGE(an_answer_of_before_it_moved_acknowledges_nothing),
        ON_STAGE(the_folder_of_another_experiment_is_set_aside),
        ON_STAGE(the_folder_of_a_fork_of_another_checkpoint_is_set_aside),
        ON_STAGE(the_folder_of_a_fork_is_kept_when_its_file_has_come),
        ON_STAGE(the_folder_of_an_earlier_attempt_is_kept),
        ON_STAGE(the_folder_of_a_version_that_knew_other_keys_is_kept),
        ON_STAGE(the_folder_that_stands_there_before_the_first_attempt_is_set_aside),
        ON_STAGE(weights_outside_what_a_worker_may_read_are_refused_there_or_not),
        ON_STAGE(weights_and_checkpoints_in_a_workers_roots_and_its_folder_are_read),
        ON_STAGE(a_checkpoint_outside_what_a_worker_may_read_is_as_one_that_is_not_there),
        ON_STAGE(a_checkpoint_of_another_experiment_is_as_one_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
