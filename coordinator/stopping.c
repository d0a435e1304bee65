#include "coordinator/stopping.h"

#include "coordinator/query.h"
#include "coordinator/standings.h"
#include "core/format.h"
#include "core/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is judged --- */

/* False in *open when the experiment has no rule, has been stopped already, or has taken the epoch
 * over from what it goes on from. */
static bool find_rule(struct store *store, int64_t experiment, int64_t epoch,
                      struct stop_rule *rule, int64_t *epochs, bool *open, struct error *error) {
    struct query query;
    *open = false;
    query_open(&query, store,
               "SELECT epochs, config ->> '$.stop' FROM experiment WHERE id = ?1"
               " AND NOT EXISTS (SELECT 1 FROM stop WHERE experiment = ?1)"
               " AND NOT EXISTS (SELECT 1 FROM fork WHERE experiment = ?1 AND epoch >= ?2)");
    query_bind_int(&query, experiment);
    query_bind_int(&query, epoch);
    if (query_next(&query)) {
        *epochs = query_int(&query);
        const char *text = query_text(&query);
        cJSON *stop = text != NULL ? json_parse(text, strlen(text), "stop", NULL) : NULL;
        *open = stop != NULL && stop_rule_read(stop, rule);
        cJSON_Delete(stop);
    }
    return query_close(&query, error);
}

static bool record(struct store *store, int64_t experiment, int64_t epoch,
                   const struct stop_rule *rule, const struct stop_verdict *verdict, int64_t now_ms,
                   struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO stop (experiment, epoch, rule, metric, value, threshold, peers,"
               " decided_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, experiment);
    query_bind_int(&query, epoch);
    query_bind_text(&query, stop_rule_text(rule->name));
    query_bind_text(&query, stop_metric_text(rule->metric));
    query_bind_double(&query, verdict->value);
    query_bind_double(&query, verdict->threshold);
    query_bind_int(&query, (int64_t)verdict->peers);
    query_bind_int(&query, now_ms);
    return query_run(&query, error);
}

bool stopping_judge(struct store *store, int64_t experiment, int64_t epoch, int64_t now_ms,
                    struct error *error) {
    struct stop_rule rule;
    struct stop_verdict verdict;
    struct stop_standing own, *others = NULL;
    size_t count = 0;
    int64_t epochs = 0;
    bool open = false;
    if (!find_rule(store, experiment, epoch, &rule, &epochs, &open, error))
        return false;
    if (!open || !stop_due(&rule, epoch, epochs))
        return true;
    bool good = standings_at(store, experiment, rule.metric, epoch, &own, &others, &count, error);
    if (good && !stop_decide(&rule, &own, others, count, &verdict))
        good = error_set(error, ERROR_FAILED, "no memory to judge a group");
    if (good && verdict.stop)
        good = record(store, experiment, epoch, &rule, &verdict, now_ms, error);
    free(others);
    return good;
}

/* --- what is told --- */

bool stopping_tell(struct store *store, int64_t experiment, cJSON *answer, struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT epoch FROM stop WHERE experiment = ?");
    query_bind_int(&query, experiment);
    if (query_next(&query))
        cJSON_AddNumberToObject(answer, "stop_epoch", (double)query_int(&query));
    return query_close(&query, error);
}

/* "0.71", or what an undefined value is called. */
static const char *number_text(char text[FORMAT_SIZE], double value) {
    return isfinite(value) ? format_ratio(text, true, value) : "undefined";
}

/* "median rule, best valid_loss 0.7100 against 0.5200 of 5 others". */
static void add_reason(cJSON *stopped, const char *rule, const char *metric, double value,
                       double threshold, int64_t peers) {
    char text[256], own[FORMAT_SIZE], limit[FORMAT_SIZE];
    snprintf(text, sizeof text, "%s rule, %s%s %s against %s of %lld other%s", rule,
             strcmp(rule, "median") == 0 ? "best " : "", metric, number_text(own, value),
             number_text(limit, threshold), (long long)peers, peers == 1 ? "" : "s");
    cJSON_AddStringToObject(stopped, "reason", text);
}

bool stopping_view(struct store *store, int64_t experiment, cJSON *summary, struct error *error) {
    struct query query;
    cJSON *stopped = NULL;
    query_open(&query, store,
               "SELECT epoch, rule, metric, value, threshold, peers, decided_ms FROM stop"
               " WHERE experiment = ?");
    query_bind_int(&query, experiment);
    if (query_next(&query)) {
        stopped = cJSON_CreateObject();
        cJSON_AddNumberToObject(stopped, "epoch", (double)query_int(&query));
        const char *rule = query_text(&query), *metric = query_text(&query);
        double value = query_double(&query), threshold = query_double(&query);
        int64_t peers = query_int(&query);
        cJSON_AddStringToObject(stopped, "rule", rule);
        cJSON_AddStringToObject(stopped, "metric", metric);
        json_add_finite(stopped, "value", value);
        json_add_finite(stopped, "threshold", threshold);
        cJSON_AddNumberToObject(stopped, "peers", (double)peers);
        cJSON_AddNumberToObject(stopped, "decided_ms", (double)query_int(&query));
        add_reason(stopped, rule, metric, value, threshold, peers);
    }
    json_put(summary, "stopped", stopped != NULL ? stopped : cJSON_CreateNull());
    return query_close(&query, error);
}
