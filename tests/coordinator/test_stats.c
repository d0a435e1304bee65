/* What Prometheus reads, and the door it reads it at. */
#include "coordinator/exporter.h"

#include "tests/coordinator/scrape.h"

#include <stdlib.h>

/* --- the text --- */

static void commits_are_counted_in_cumulative_buckets(void **state) {
    (void)state;
    struct stats stats = {0};
    stats_commit(&stats, 0.0005);
    stats_commit(&stats, 0.0006);
    stats_commit(&stats, 0.03);
    stats_commit(&stats, 7);
    char *text = stats_text(&stats);
    has_line(text, "# TYPE assay_commit_seconds histogram");
    has_line(text, "assay_commit_seconds_bucket{le=\"0.0005\"} 1");
    has_line(text, "assay_commit_seconds_bucket{le=\"0.001\"} 2");
    has_line(text, "assay_commit_seconds_bucket{le=\"0.025\"} 2");
    has_line(text, "assay_commit_seconds_bucket{le=\"0.05\"} 3");
    has_line(text, "assay_commit_seconds_bucket{le=\"1\"} 3");
    has_line(text, "assay_commit_seconds_bucket{le=\"+Inf\"} 4");
    has_line(text, "assay_commit_seconds_sum 7.0311");
    has_line(text, "assay_commit_seconds_count 4");
    free(text);
}

static void states_are_labels(void **state) {
    (void)state;
    struct stats stats = {.experiments = {[LEASE_QUEUED] = 3, [LEASE_DONE] = 5},
                          .workers_busy = 2,
                          .started_ms = 1700000000250,
                          .artifact_bytes = 5000000000};
    char *text = stats_text(&stats);
    has_line(text, "assay_experiments{state=\"queued\"} 3");
    has_line(text, "assay_experiments{state=\"done\"} 5");
    has_line(text, "assay_experiments{state=\"failed\"} 0");
    has_line(text, "assay_workers{state=\"busy\"} 2");
    has_line(text, "assay_start_time_seconds 1700000000.250");
    has_line(text, "assay_artifact_bytes 5000000000");
    free(text);
}

/* docs/operating.md, "Metrics": rules that alert go by these names and types. */
static void what_the_manual_promises_is_there(void **state) {
    (void)state;
    static const char *const lines[] = {
        "# TYPE assay_experiments gauge",
        "# TYPE assay_workers gauge",
        "assay_workers{state=\"idle\"} 1",
        "assay_workers{state=\"lost\"} 2",
        "# TYPE assay_watchers gauge",
        "assay_watchers 3",
        "# TYPE assay_artifact_bytes gauge",
        "# TYPE assay_requests_total counter",
        "assay_requests_total 4",
        "# TYPE assay_reports_total counter",
        "assay_reports_total 5",
        "# TYPE assay_commits_failed_total counter",
        "assay_commits_failed_total 6",
        "# TYPE assay_start_time_seconds gauge",
        "# TYPE assay_info gauge",
    };
    char *text = stats_text(&(struct stats){.workers_idle = 1,
                                            .workers_lost = 2,
                                            .watchers = 3,
                                            .requests = 4,
                                            .reports = 5,
                                            .commits_failed = 6});
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        has_line(text, lines[i]);
    has_line(text, "assay_info{version=\"" ASSAY_VERSION "\"} 1");
    free(text);
}

/* --- the door --- */

static void the_last_snapshot_is_served(void **state) {
    (void)state;
    struct exporter *exporter;
    struct error error = {0};
    char answer[16384];
    if (!exporter_open("127.0.0.1:0", &exporter, &error))
        fail_msg("%s", error.message);
    exporter_publish(exporter, &(struct stats){.reports = 1});
    exporter_publish(exporter, &(struct stats){.reports = 12});
    fetch(exporter, GET_METRICS, answer, sizeof answer);
    assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(answer, "text/plain; version=0.0.4"));
    has_line(answer, "assay_reports_total 12");
    exporter_close(exporter);
}

static void nothing_else_is_served(void **state) {
    (void)state;
    struct exporter *exporter;
    struct error error = {0};
    char answer[4096];
    if (!exporter_open("localhost:0", &exporter, &error))
        fail_msg("%s", error.message);
    fetch(exporter, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer,
          sizeof answer);
    assert_non_null(strstr(answer, "HTTP/1.1 404 "));
    fetch(exporter,
          "POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
          answer, sizeof answer);
    assert_non_null(strstr(answer, "HTTP/1.1 405 "));
    exporter_close(exporter);
}

static void it_is_served_to_version_six_of_ip_too(void **state) {
    (void)state;
    struct exporter *exporter;
    struct error error = {0};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int client = socket(AF_INET6, SOCK_STREAM, 0);
    if (client < 0 || bind(client, (struct sockaddr *)&address, sizeof address) != 0)
        skip(); /* this machine has none */
    if (!exporter_open("[::1]:0", &exporter, &error))
        fail_msg("%s", error.message);
    address.sin6_port = htons((uint16_t)exporter_port(exporter));
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    close(client);
    exporter_close(exporter);
}

static void an_address_that_others_reach_is_refused(void **state) {
    (void)state;
    static const char *const addresses[] = {"0.0.0.0:9470", "*:9470", "example.org:80", "9470",
                                            "127.0.0.1",    "",       "[::]:9470"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct exporter *exporter = NULL;
        struct error error = {0};
        assert_false(exporter_open(addresses[i], &exporter, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "--metrics"));
    }
}

static void a_port_that_is_taken_is_an_error_that_says_so(void **state) {
    (void)state;
    struct exporter *exporter, *other = NULL;
    struct error error = {0};
    char address[64];
    if (!exporter_open("127.0.0.1:0", &exporter, &error))
        fail_msg("%s", error.message);
    snprintf(address, sizeof address, "127.0.0.1:%u", exporter_port(exporter));
    assert_false(exporter_open(address, &other, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, address));
    exporter_close(exporter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_are_counted_in_cumulative_buckets),
        cmocka_unit_test(states_are_labels),
        cmocka_unit_test(what_the_manual_promises_is_there),
        cmocka_unit_test(the_last_snapshot_is_served),
        cmocka_unit_test(nothing_else_is_served),
        cmocka_unit_test(it_is_served_to_version_six_of_ip_too),
        cmocka_unit_test(an_address_that_others_reach_is_refused),
        cmocka_unit_test(a_port_that_is_taken_is_an_error_that_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
