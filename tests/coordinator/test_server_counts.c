/* What a server counts of itself is what it did, as Prometheus reads it. */
#include "tests/coordinator/scrape.h"
#include "tests/coordinator/server_stage.h"

/* Reads the metrics until that line is among them. */
static void read_until(struct stage *stage, const char *line, char text[static 16384]) {
    do {
        usleep(20000);
        fetch(stage->exporter, GET_METRICS, text, 16384);
    } while (!is_line(text, line));
}

static void requests_reports_those_who_wait_and_what_failed_are_counted(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    static char text[16384];
    stop(stage);
    if (!exporter_open("127.0.0.1:0", &stage->exporter, &error))
        fail_msg("%s", error.message);
    start(stage);
    void *folder = stage->folder;
    char *moved = temporary_path(&folder, "moved.db");
    cJSON *lost = body_submit("another key", 1, 2, 3);
    assert_int_equal(rename(stage->path, moved), 0);
    assert_false(
        dealer_call(stage->dealer, "submit", lost, "submitted", PATIENCE_MS, NULL, &error));
    assert_int_equal(rename(moved, stage->path), 0);
    cJSON_Delete(lost);
    free(moved);

    cJSON_Delete(ask(stage, "submit", body_submit("a test's key", 2, 2, 3), "submitted"));
    cJSON_Delete(ask(stage, "hello", body_hello("a"), "welcome"));
    cJSON_Delete(ask(stage, "request", body_worker("a"), "assignment"));
    cJSON_Delete(ask(stage, "report", body_report("a", 1, 1, "epoch", body_epoch(1, 0.5)), "ack"));
    cJSON_Delete(
        ask(stage, "goodbye", body_worker("a"), "farewell")); /* nothing changes after it */
    cJSON *change = ask(stage, "changes", body("{\"since\": 0}"), "change");
    cJSON *waiting = body("{\"since\": %.0f}", number(change, "revision"));
    uint64_t request;
    assert_true(dealer_send(stage->dealer, "changes", waiting, &request, &error));
    read_until(stage, "assay_watchers 1", text);
    has_line(text, "assay_requests_total 8");
    has_line(text, "assay_reports_total 1");
    has_line(text, "assay_commits_failed_total 1");
    has_line(text, "assay_experiments{state=\"queued\"} 2");
    cJSON_Delete(change);
    cJSON_Delete(waiting);
}

static int strike(void **state) {
    struct stage *stage = *state;
    struct exporter *exporter = stage->exporter;
    int rc = stage_strike(state);
    exporter_close(exporter);
    return rc;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_reports_those_who_wait_and_what_failed_are_counted,
                                        stage_set, strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
