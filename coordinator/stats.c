#include "coordinator/stats.h"

#include "core/text.h"

#include <inttypes.h>

/* Upper bounds in seconds: from a disk with a battery to one that is in trouble. */
static const double bounds[STATS_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                             0.05,   0.1,   0.25,   0.5,   1};

void stats_commit(struct stats *stats, double seconds) {
    size_t bucket = 0;
    while (bucket < STATS_BUCKETS && seconds > bounds[bucket])
        bucket++;
    stats->commit_buckets[bucket]++;
    stats->commit_seconds += seconds;
}

static void add_head(struct text *text, const char *name, const char *type, const char *help) {
    text_format(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_one(struct text *text, const char *name, const char *type, const char *help,
                    int64_t value) {
    add_head(text, name, type, help);
    text_format(text, "%s %" PRId64 "\n", name, value);
}

static void add_workers(struct text *text, const struct stats *stats) {
    add_head(text, "assay_workers", "gauge", "Workers that said hello.");
    text_format(text,
                "assay_workers{state=\"idle\"} %" PRId64 "\nassay_workers{state=\"busy\"} %" PRId64
                "\nassay_workers{state=\"lost\"} %" PRId64 "\n",
                stats->workers_idle, stats->workers_busy, stats->workers_lost);
}

/* Buckets of a histogram are cumulative. */
static void add_commits(struct text *text, const struct stats *stats) {
    int64_t count = 0;
    add_head(text, "assay_commit_seconds", "histogram",
             "How long commits took until they were on the disk.");
    for (size_t i = 0; i < STATS_BUCKETS; i++) {
        count += stats->commit_buckets[i];
        text_format(text, "assay_commit_seconds_bucket{le=\"%g\"} %" PRId64 "\n", bounds[i], count);
    }
    count += stats->commit_buckets[STATS_BUCKETS];
    text_format(text,
                "assay_commit_seconds_bucket{le=\"+Inf\"} %" PRId64 "\nassay_commit_seconds_sum "
                "%.9g\nassay_commit_seconds_count %" PRId64 "\n",
                count, stats->commit_seconds, count);
}

char *stats_text(const struct stats *stats) {
    struct text text = {0};
    add_head(&text, "assay_info", "gauge", "The coordinator's version.");
    text_format(&text, "assay_info{version=\"%s\"} 1\n", ASSAY_VERSION);
    add_head(&text, "assay_start_time_seconds", "gauge", "When it started, Unix time.");
    text_format(&text, "assay_start_time_seconds %.3f\n", (double)stats->started_ms / 1000);
    add_head(&text, "assay_experiments", "gauge", "Experiments by state.");
    for (int i = 0; i < LEASE_STATES; i++)
        text_format(&text, "assay_experiments{state=\"%s\"} %" PRId64 "\n",
                    lease_state_name((enum lease_state)i), stats->experiments[i]);
    add_workers(&text, stats);
    add_one(&text, "assay_watchers", "gauge", "Clients that wait for a change.", stats->watchers);
    add_one(&text, "assay_artifact_bytes", "gauge", "Bytes of the files that workers sent.",
            stats->artifact_bytes);
    add_one(&text, "assay_requests_total", "counter", "Requests that were answered.",
            stats->requests);
    add_one(&text, "assay_reports_total", "counter", "Reports that were acknowledged.",
            stats->reports);
    add_one(&text, "assay_commits_failed_total", "counter", "Commits that failed.",
            stats->commits_failed);
    add_commits(&text, stats);
    if (!text.failed)
        return text.data;
    text_free(&text);
    return NULL;
}
