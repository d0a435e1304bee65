/* What the agent asks, reports and answers for, over one assignment after the other. */
#include "core/file.h"
#include "core/json.h"
#include "tests/worker/agent_stage.h"
#include "worker/luggage.h"

#include <sqlite3.h>
#include <sys/statvfs.h>

static atomic_uint room_mib = 100, blocks = 1000; /* on every disk */

int __wrap_statvfs(const char *path, struct statvfs *status);

int __wrap_statvfs(const char *path, struct statvfs *status) {
    (void)path;
    const unsigned room = atomic_load(&room_mib);
    *status = (struct statvfs){
        .f_blocks = blocks, .f_bfree = room, .f_bavail = room, .f_frsize = 1 << 20};
    return 0;
}

static void every_report_of_an_assignment_arrives_in_order_before_the_next_request(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 1);
    let_go(stage);
    assert_int_equal(left_in_spool(stage), 0);
}

static void what_cannot_be_sent_with_a_run_is_said(void **state) {
    struct stage *stage = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/experiments/7/train.log", stage->folder);
    start_work(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    assert_true(file_write_atomic(path, "", 0, NULL));
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 2);
    let_go(stage);
    assert_non_null(strstr(last_said, "train.log is empty"));
}

static void a_worker_says_what_it_is_and_its_share_of_the_machine(void **state) {
    struct stage *stage = *state;
    stage->options.memory_bytes = 3000;
    stage->options.slots = 3;
    stage->options.threads = 5;
    stage->options.labels[0] = "big";
    stage->options.labels[1] = "quiet";
    stage->options.label_count = 2;
    start_worker(stage);
    expect(stage, "hello");
    const cJSON *body = stage->request.body, *told = cJSON_GetObjectItem(body, "labels");
    assert_int_equal(cJSON_GetObjectItem(body, "memory_bytes")->valueint, 1000);
    assert_int_equal(cJSON_GetObjectItem(body, "threads")->valueint, 5);
    assert_int_equal(cJSON_GetObjectItem(body, "pid")->valueint, getpid());
    assert_int_equal(cJSON_GetArraySize(told), 2);
    assert_string_equal(cJSON_GetArrayItem(told, 0)->valuestring, "big");
    assert_string_equal(cJSON_GetArrayItem(told, 1)->valuestring, "quiet");
    answer(stage, "welcome", "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\"}");
    let_go(stage);
}

/* Whatever becomes of a GPU meanwhile: the coordinator was told what this worker computes on. */
static void all_runs_are_on_the_backend_that_was_found_at_the_start(void **state) {
    struct stage *stage = *state;
    char told[sizeof last_backend];
    stage->options.backend = "auto";
    stage->options.device = 1;
    stage->options.threads = 5;
    start_worker(stage);
    expect(stage, "hello");
    snprintf(told, sizeof told, "%s",
             cJSON_GetStringValue(cJSON_GetObjectItem(stage->request.body, "backend")));
    answer(stage, "welcome", "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\"}");
    assign(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 1);
    let_go(stage);
    assert_string_equal(last_backend, told);
    assert_int_equal(last_device, 1);
    assert_int_equal(last_threads, 5);
}

static void
training_goes_on_without_the_coordinator_and_its_reports_arrive_when_it_is_back(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    next_request(stage); /* so the answer before it has arrived */
    assert_string_equal(stage->request.name, "heartbeat");
    zmq_close(stage->router);
    atomic_store(&epochs_allowed, EPOCHS);
    coordinator_bind(stage);
    greet(stage);
    expect_rest(stage, 2);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 1);
}

/* An assignment where none was asked for would be trained beside the one in hand. */
static void what_is_no_answer_to_its_question_is_passed_over(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    do
        next_request(stage);
    while (cJSON_GetObjectItem(stage->request.body, "experiment") == NULL);
    assert_string_equal(stage->request.name, "heartbeat");
    answer_assignment(stage, "two", "");
    answer(stage, "beat", "{\"stop\":null}");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 1);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 1);
}

static size_t times_said(const char *what) {
    size_t times = 0;
    for (const char *at = last_said; (at = strstr(at, what)) != NULL; at++)
        times++;
    return times;
}

/* An answer to the request of that number, which acknowledges; and one to the last, which does not.
 */
static void acknowledge_late(struct stage *stage, uint64_t number, int sequence) {
    const uint64_t last = stage->request.request;
    char body[64];
    snprintf(body, sizeof body, "{\"sequence\":%d,\"fenced\":false}", sequence);
    stage->request.request = number;
    answer(stage, "ack", body);
    stage->request.request = last;
    answer(stage, "error", "{\"code\":\"internal\",\"message\":\"not now\"}");
}

static void an_unanswered_report_is_sent_again_with_the_same_sequence(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_report(stage, "epoch");
    int sequence = cJSON_GetObjectItem(stage->request.body, "sequence")->valueint;
    uint64_t number = stage->request.request;
    zmq_close(stage->router); /* it dies before it answers */
    coordinator_bind(stage);
    greet(stage);
    expect_report(stage, "epoch");
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "sequence")->valueint, sequence);
    acknowledge_late(stage, number, sequence);
    expect_report(stage, "epoch");
    acknowledge_late(stage, number, sequence); /* which says nothing of the next one */
    expect_rest(stage, 2);
    let_go(stage);
    assert_int_equal(times_said("not now; trying again"), 1);
}

static void
an_answer_that_comes_after_the_patience_is_over_still_acknowledges_a_report(void **state) {
    struct stage *stage = *state;
    char body[64];
    start_work(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_report(stage, "epoch");
    uint64_t report = stage->request.request;
    snprintf(body, sizeof body, "{\"sequence\":%d,\"fenced\":false}",
             cJSON_GetObjectItem(stage->request.body, "sequence")->valueint);
    zmq_close(stage->router); /* so that the worker says hello again */
    coordinator_bind(stage);
    expect(stage, "hello");
    uint64_t hello = stage->request.request;
    stage->request.request = report;
    answer(stage, "ack", body);
    stage->request.request = hello;
    answer(stage, "welcome", "{\"lease_ms\":3000,\"heartbeat_ms\":50,\"version\":\"0\"}");
    expect_rest(stage, 2);
    let_go(stage);
}

static void a_cancelled_experiment_is_stopped_and_not_reported_any_more(void **state) {
    struct stage *stage = *state;
    start_work(stage, "ends late");
    do
        next_request(stage);
    while (strcmp(stage->request.name, "heartbeat") != 0);
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "experiment")->valueint, 7);
    answer(stage, "beat", "{\"stop\":\"cancelled\"}");
    let_go(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
    assert_int_equal(atomic_load(&epochs_told), 1); /* when nobody would hear of it */
    assert_int_equal(left_in_spool(stage), 0);
}

static void a_worker_that_is_told_to_drain_gives_its_experiment_back(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    do
        next_request(stage);
    while (strcmp(stage->request.name, "heartbeat") != 0);
    answer(stage, "beat", "{\"stop\":\"drain\"}");
    expect_end(stage, "given_back");
    acknowledge(stage, false);
    send_off(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
}

/* One epoch, and then a heartbeat is told that it was the last. */
static void work_one_epoch(struct stage *stage) {
    start_work(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    do
        next_request(stage);
    while (strcmp(stage->request.name, "heartbeat") != 0);
    answer(stage, "beat", "{\"stop\":null,\"stop_epoch\":1}");
    expect(stage, "heartbeat"); /* so it has taken that */
    answer(stage, "beat", "{\"stop\":null}");
}

static void an_experiment_ends_early_when_a_heartbeat_is_told_so(void **state) {
    struct stage *stage = *state;
    work_one_epoch(stage);
    atomic_store(&epochs_allowed, EPOCHS);
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

/* A request that is answered behind others. */
struct held {
    struct wire_message request;
    struct frames peer;
};

/* The last one; that there is none then. */
static struct held hold_request(struct stage *stage) {
    struct held held = {stage->request, stage->peer};
    stage->request = (struct wire_message){0};
    stage->peer = (struct frames){0};
    return held;
}

static void answer_held(struct stage *stage, struct held held, const char *name, const char *body) {
    wire_message_free(&stage->request);
    frames_free(&stage->peer);
    stage->request = held.request;
    stage->peer = held.peer;
    answer(stage, name, body);
}

/* Whether so many MiB had arrived by this heartbeat; it is answered. */
static bool beat_tells(struct stage *stage, const char *phase, int step, int steps) {
    const cJSON *progress = cJSON_GetObjectItem(stage->request.body, "progress");
    bool told = strcmp(json_string(progress, "phase"), phase) == 0 &&
                json_integer(progress, "step") == step && json_integer(progress, "steps") == steps;
    assert_string_equal(stage->request.name, "heartbeat");
    answer(stage, "beat", "{\"stop\":null}");
    return told;
}

static bool has_said(const char *line) {
    pthread_mutex_lock(&last_lock);
    bool said = strstr(last_said, line) != NULL;
    pthread_mutex_unlock(&last_lock);
    return said;
}

static void how_much_of_its_files_has_arrived_is_told_when_a_run_is_done(void **state) {
    struct stage *stage = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/experiments/7/train.log", stage->folder);
    work_one_epoch(stage);
    assert_true(file_write_atomic(path, "", 0, NULL));
    assert_int_equal(truncate(path, (2 << 20) + 1), 0);
    atomic_store(&epochs_allowed, EPOCHS);
    expect_of_anybody(stage, "offer");
    answer(stage, "want", "{\"offset\":2097152,\"credit\":1,\"piece\":1}");
    expect_of_anybody(stage, "send");
    struct held piece = hold_request(stage);
    do
        next_request(stage);
    while (!beat_tells(stage, "send", 2, 3) || !has_said("7: 2 of 3 MiB of files sent\n"));
    answer_held(stage, piece, "have", "{}");
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

static void beat(struct stage *stage) {
    next_request(stage);
    assert_string_equal(stage->request.name, "heartbeat");
    answer(stage, "beat", "{\"stop\":null}");
}

/* The next to get the experiment has its files arrive. */
static void a_run_whose_files_cannot_leave_with_the_worker_is_given_back(void **state) {
    struct stage *stage = *state;
    char path[128];
    struct spool *spool;
    struct spooled report = {0};
    snprintf(path, sizeof path, "%s/experiments/7/train.log", stage->folder);
    start_work(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    assert_true(file_write_atomic(path, "epoch\n", 6, NULL));
    zmq_close(stage->router);
    stage->router = NULL;
    atomic_store(&epochs_allowed, EPOCHS);
    while (atomic_load(&epochs_told) < EPOCHS)
        usleep(1000);
    const int64_t told_ms = clock_steady_ms();
    tell_to_leave(stage);
    pthread_join(stage->thread, NULL);
    assert_true(clock_steady_ms() <
                told_ms + LUGGAGE_PATIENCE_MS); /* there is nobody to wait for */
    assert_int_equal(last_outcome, TRAINER_DONE);
    assert_true(spool_open(stage->folder, &spool, NULL));
    while (spool_count(spool) > 1) {
        assert_true(spool_first(spool, &report, NULL));
        assert_true(spool_delete(spool, report.sequence, NULL));
        spooled_free(&report);
    }
    assert_true(spool_first(spool, &report, NULL));
    assert_string_equal(report.body, "{\"outcome\":\"given_back\"}");
    spooled_free(&report);
    spool_close(spool);
}

/* Lets the run in hand end, all but the end reported; the offer of its train.log. */
static struct held end_run_with_an_offer(struct stage *stage) {
    char path[128];
    struct held offer = {0};
    snprintf(path, sizeof path, "%s/experiments/7/train.log", stage->folder);
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    assert_true(file_write_atomic(path, "epoch\n", 6, NULL));
    atomic_store(&epochs_allowed, EPOCHS);
    for (int reports = 1; reports < EPOCHS || offer.request.name[0] == '\0';) {
        next_request(stage);
        if (strcmp(stage->request.name, "heartbeat") == 0)
            answer(stage, "beat", "{\"stop\":null}");
        if (strcmp(stage->request.name, "report") == 0) {
            acknowledge(stage, false);
            reports++;
        }
        if (strcmp(stage->request.name, "offer") == 0)
            offer = hold_request(stage);
    }
    return offer;
}

static void a_worker_that_is_told_to_leave_waits_for_files_that_are_under_way(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    struct held offer = end_run_with_an_offer(stage);
    beat(stage);
    tell_to_leave(stage);
    beat(stage);
    beat(stage);
    answer_held(stage, offer, "have", "{}");
    expect_end(stage, "done");
    acknowledge(stage, false);
    send_off(stage);
}

static void a_run_ends_as_soon_as_its_files_have_arrived(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    expect(stage, "hello");
    answer(stage, "welcome", "{\"lease_ms\":3600000,\"heartbeat_ms\":600000,\"version\":\"0\"}");
    assign(stage, "one");
    struct held offer = end_run_with_an_offer(stage);
    usleep(100000); /* nothing else wakes it by now, most likely */
    answer_held(stage, offer, "have", "{}");
    expect_end(stage, "done");
    acknowledge(stage, false);
    let_go(stage);
}

static void a_fenced_report_stops_the_trainer_and_empties_the_spool(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    atomic_store(&epochs_allowed, 2);
    expect_report(stage, "epoch");
    acknowledge(stage, true);
    let_go(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
    assert_int_equal(left_in_spool(stage), 0);
}

/* It would be sent for ever, and whatever is behind it never. */
static void a_report_that_is_not_understood_is_dropped_and_the_next_one_sent(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_report(stage, "epoch");
    answer(stage, "error", "{\"code\":\"invalid\",\"message\":\"why\"}");
    expect_rest(stage, 2);
    let_go(stage);
    assert_int_equal(left_in_spool(stage), 0);
}

static void what_is_assigned_to_a_worker_that_leaves_is_given_back_untouched(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    expect(stage, "request");
    tell_to_leave(stage);
    answer_assignment(stage, "one", "");
    expect_end(stage, "given_back");
    acknowledge(stage, false);
    send_off(stage);
    assert_int_equal(atomic_load(&trainings), 0);
}

static void told_to_leave_it_gives_the_experiment_back_and_says_goodbye(void **state) {
    struct stage *stage = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/experiments/7/train.log", stage->folder);
    start_work(stage, "one");
    atomic_store(&epochs_allowed, 1);
    expect_epoch(stage, 1);
    assert_true(file_write_atomic(path, "epoch\n", 6, NULL)); /* who goes on with it sends that */
    tell_to_leave(stage);
    expect_end(stage, "given_back");
    acknowledge(stage, false);
    send_off(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
}

static void a_fault_of_the_input_ends_failed_with_its_message_and_no_retry(void **state) {
    struct stage *stage = *state;
    start_work(stage, "breaks");
    expect_end(stage, "failed");
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_string_equal(cJSON_GetObjectItem(body, "error")->valuestring,
                        "real/0007.png: not a PNG file");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(body, "retry")));
    acknowledge(stage, false);
    let_go(stage);
}

static void what_may_go_well_another_time_ends_failed_with_a_retry(void **state) {
    struct stage *stage = *state;
    start_work(stage, "fails");
    expect_end(stage, "failed");
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(body, "retry")));
    acknowledge(stage, false);
    let_go(stage);
}

static void
what_the_machine_cannot_do_is_given_back_with_the_reason_and_no_more_is_asked_for(void **state) {
    struct stage *stage = *state;
    start_work(stage, "has no memory");
    expect_end(stage, "given_back");
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_string_equal(cJSON_GetObjectItem(body, "error")->valuestring,
                        "out of memory for a plan");
    acknowledge(stage, false);
    next_request(stage);
    assert_string_equal(stage->request.name, "heartbeat");
    answer(stage, "beat", "{\"stop\":null}");
    tell_to_leave(stage);
    send_off(stage); /* which takes no `request` */
}

/* 16 MiB more than when there was none: else what was asked for would fail again. */
static void one_whose_disk_was_full_asks_as_soon_as_there_is_room(void **state) {
    struct stage *stage = *state;
    int beats = 0;
    start_work(stage, "has no room");
    expect_end(stage, "given_back");
    acknowledge(stage, false);
    atomic_store(&room_mib, 115);
    beat(stage);
    beat(stage);
    atomic_store(&room_mib, 116);
    for (next_request(stage); strcmp(stage->request.name, "request") != 0; next_request(stage)) {
        assert_true(++beats < 10);
        answer(stage, "beat", "{\"stop\":null}");
    }
    answer(stage, "nothing", "{\"retry_ms\":60000}");
    beat(stage); /* it asks once */
    beat(stage);
    tell_to_leave(stage);
    send_off(stage);
}

static void no_run_begins_on_a_full_disk(void **state) {
    struct stage *stage = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/experiments", stage->folder);
    atomic_store(&room_mib, 0);
    start_work(stage, "one");
    const cJSON *body = expect_report(stage, "end");
    assert_string_equal(json_string(body, "outcome"), "given_back");
    assert_non_null(strstr(json_string(body, "error"), "No space left on device"));
    acknowledge(stage, false);
    assert_int_not_equal(access(path, F_OK), 0);
    tell_to_leave(stage);
    send_off(stage);
    atomic_store(&room_mib, 100);
}

static void where_nobody_knows_the_room_a_run_begins(void **state) {
    struct stage *stage = *state;
    atomic_store(&room_mib, 0);
    atomic_store(&blocks, 0);
    start_work(stage, "one");
    atomic_store(&epochs_allowed, EPOCHS);
    expect_rest(stage, 1);
    let_go(stage);
    atomic_store(&room_mib, 100);
    atomic_store(&blocks, 1000);
}

static void a_configuration_that_is_not_understood_ends_failed_without_training(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    greet(stage);
    expect(stage, "request");
    answer(stage, "assignment",
           "{\"experiment\":7,\"attempt\":1,\"name\":\"x\",\"variant\":{},\"resume\":null,"
           "\"files\":[],"
           "\"config\":{\"name\":\"x\",\"brightness\":3}}");
    expect_end(stage, "failed");
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_non_null(strstr(cJSON_GetObjectItem(body, "error")->valuestring, "brightness"));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(body, "retry")));
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(atomic_load(&trainings), 0);
}

static void what_a_killed_worker_left_is_sent_first_and_its_attempt_ended_as_failed(void **state) {
    struct stage *stage = *state;
    struct spool *spool = NULL;
    struct error error = {0};
    assert_true(spool_open(stage->folder, &spool, &error));
    assert_true(spool_hold(spool, 7, 1, &error));
    assert_true(spool_put(spool, 7, 1, "log", "{\"offset\":0,\"text\":\"a\"}", &error));
    spool_close(spool);
    start_worker(stage);
    greet(stage);
    expect_report(stage, "log");
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "attempt")->valueint, 1);
    acknowledge(stage, false);
    expect_end(stage, "failed");
    assert_int_equal(cJSON_GetObjectItem(stage->request.body, "attempt")->valueint, 1);
    const cJSON *body = cJSON_GetObjectItem(stage->request.body, "body");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(body, "retry")));
    acknowledge(stage, false);
    let_go(stage);
    assert_int_equal(left_in_spool(stage), 0);
}

static void break_spool(const struct stage *stage) {
    char path[128];
    sqlite3 *file;
    snprintf(path, sizeof path, "%s/spool.db", stage->folder);
    assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
    sqlite3_busy_timeout(file, PATIENCE_MS);
    assert_int_equal(
        sqlite3_exec(file, "UPDATE worker SET attempt = 2 WHERE experiment = 7 AND attempt = 2",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_changes(file),
                     1); /* for the next worker to end, if this were killed */
    assert_int_equal(sqlite3_exec(file, "DROP TABLE reports", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(file);
}

static void a_worker_that_its_spool_ends_says_goodbye_so_that_it_costs_no_attempt(void **state) {
    struct stage *stage = *state;
    start_work(stage, "one");
    expect(stage, "heartbeat"); /* so it trains */
    answer(stage, "beat", "{\"stop\":null}");
    break_spool(stage);
    last_outcome = TRAINER_DONE;
    atomic_store(&epochs_allowed, 1);
    say_farewell(stage);
    assert_int_equal(last_outcome, TRAINER_STOPPED);
    assert_false(stage->ok);
    assert_non_null(strstr(stage->error.message, "spool.db"));
}

static void a_folder_in_use_is_an_error(void **state) {
    struct stage *stage = *state;
    struct spool *spool = NULL;
    struct error error = {0};
    assert_true(spool_open(stage->folder, &spool, &error));
    assert_false(agent_run(&stage->options, &stage->code, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    spool_close(spool);
}

static void a_worker_that_its_coordinator_does_not_understand_ends_and_says_why(void **state) {
    struct stage *stage = *state;
    start_worker(stage);
    expect(stage, "hello");
    assert_true(cJSON_GetObjectItem(stage->request.body, "threads")->valueint > 0);
    stage->request.request = 0; /* it cannot read that either */
    answer(stage, "error", "{\"code\":\"version\",\"message\":\"mine\\nis 9\"}");
    pthread_join(stage->thread, NULL);
    assert_true(stage->ok);
    assert_int_equal(stage->code, 1);
    assert_non_null(strstr(last_said, "mine?is 9\n"));
    assert_null(strstr(last_said, "--idle-exit"));
}

static void idle_time_without_a_coordinator_ends_with_code_3(void **state) {
    struct stage *stage = *state;
    zmq_close(stage->router);
    stage->router = NULL;
    stage->options.idle_exit_ms = 200;
    assert_true(agent_run(&stage->options, &stage->code, &stage->error));
    assert_int_equal(stage->code, 3);
    assert_non_null(strstr(last_said, "the time of --idle-exit is up"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(every_report_of_an_assignment_arrives_in_order_before_the_next_request),
        ON_STAGE(what_cannot_be_sent_with_a_run_is_said),
        ON_STAGE(a_worker_says_what_it_is_and_its_share_of_the_machine),
        ON_STAGE(all_runs_are_on_the_backend_that_was_found_at_the_start),
        ON_STAGE(training_goes_on_without_the_coordinator_and_its_reports_arrive_when_it_is_back),
        ON_STAGE(what_is_no_answer_to_its_question_is_passed_over),
        ON_STAGE(an_unanswered_report_is_sent_again_with_the_same_sequence),
        ON_STAGE(an_answer_that_comes_after_the_patience_is_over_still_acknowledges_a_report),
        ON_STAGE(a_cancelled_experiment_is_stopped_and_not_reported_any_more),
        ON_STAGE(a_worker_that_is_told_to_drain_gives_its_experiment_back),
        ON_STAGE(an_experiment_ends_early_when_a_heartbeat_is_told_so),
        ON_STAGE(how_much_of_its_files_has_arrived_is_told_when_a_run_is_done),
        ON_STAGE(a_run_whose_files_cannot_leave_with_the_worker_is_given_back),
        ON_STAGE(a_worker_that_is_told_to_leave_waits_for_files_that_are_under_way),
        ON_STAGE(a_run_ends_as_soon_as_its_files_have_arrived),
        ON_STAGE(a_fenced_report_stops_the_trainer_and_empties_the_spool),
        ON_STAGE(a_report_that_is_not_understood_is_dropped_and_the_next_one_sent),
        ON_STAGE(what_is_assigned_to_a_worker_that_leaves_is_given_back_untouched),
        ON_STAGE(told_to_leave_it_gives_the_experiment_back_and_says_goodbye),
        ON_STAGE(a_fault_of_the_input_ends_failed_with_its_message_and_no_retry),
        ON_STAGE(what_may_go_well_another_time_ends_failed_with_a_retry),
        ON_STAGE(what_the_machine_cannot_do_is_given_back_with_the_reason_and_no_more_is_asked_for),
        ON_STAGE(one_whose_disk_was_full_asks_as_soon_as_there_is_room),
        ON_STAGE(no_run_begins_on_a_full_disk),
        ON_STAGE(where_nobody_knows_the_room_a_run_begins),
        ON_STAGE(a_configuration_that_is_not_understood_ends_failed_without_training),
        ON_STAGE(what_a_killed_worker_left_is_sent_first_and_its_attempt_ended_as_failed),
        ON_STAGE(a_worker_that_its_spool_ends_says_goodbye_so_that_it_costs_no_attempt),
        ON_STAGE(a_folder_in_use_is_an_error),
        ON_STAGE(a_worker_that_its_coordinator_does_not_understand_ends_and_says_why),
        ON_STAGE(idle_time_without_a_coordinator_ends_with_code_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
