/* judge_group MEMBERS EPOCHS: what it costs to judge one report by its group
 * (coordinator/stopping.h), when all of the group's members have reported EPOCHS epochs. Prints
 * milliseconds, as JSON: of the first report after a start, and on average of one report of each
 * member at the last epoch but one. */
#include "coordinator/query.h"
#include "coordinator/stopping.h"
#include "core/clock.h"

#include <stdio.h>
#include <stdlib.h>

static bool run(struct store *store, const char *sql, int64_t a, int64_t b, struct error *error) {
    struct query query;
    query_open(&query, store, sql);
    query_bind_int(&query, a);
    query_bind_int(&query, b);
    return query_run(&query, error);
}

/* Every member is as good as any other at first, so that none is stopped. */
static bool fill(struct store *store, int64_t members, int64_t epochs, struct error *error) {
    return store_begin(store, error) &&
           run(store, "INSERT INTO submission (key, submitted_ms) VALUES ('k', ?1 * ?2)", 0, 0,
               error) &&
           run(store,
               "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
               " INSERT INTO experiment (id, submission, name, \"group\", config, variant,"
               " priority, backend, memory_bytes, epochs, max_attempts, submitted_ms)"
               " SELECT i, 'k', 'sweep/' || i, 'sweep', '{\"stop\": {\"rule\": \"median\","
               " \"metric\": \"valid_loss\", \"grace_epochs\": 1, \"min_peers\": 1}}', '{}', 0,"
               " 'any', 0, ?2 + 1, 3, 0 FROM n",
               members, epochs, error) &&
           run(store,
               "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
               " WHERE i + 1 < ?1 * ?2)"
               " INSERT INTO epoch (experiment, epoch, attempt, reported_ms, best,"
               " train_true_positive, train_true_negative, train_false_positive,"
               " train_false_negative, valid_true_positive, valid_true_negative,"
               " valid_false_positive, valid_false_negative, valid_loss)"
               " SELECT i / ?2 + 1, i % ?2 + 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,"
               " 1.0 / (i % ?2 + 1) FROM n",
               members, epochs, error) &&
           store_commit(store, error);
}

static bool judge(struct store *store, int64_t experiment, int64_t epoch, double *ms,
                  struct error *error) {
    double start_s = clock_steady_seconds();
    bool good = store_begin(store, error) && stopping_judge(store, experiment, epoch, 0, error) &&
                store_commit(store, error);
    *ms = 1000 * (clock_steady_seconds() - start_s);
    return good;
}

static bool measure(struct store *store, int64_t members, int64_t epochs, struct error *error) {
    double first_ms, ms, sum_ms = 0;
    int64_t reports = members < 200 ? members : 200;
    if (!fill(store, members, epochs, error) || !judge(store, 1, epochs, &first_ms, error))
        return false;
    for (int64_t i = 1; i <= reports; i++) {
        if (!judge(store, i, epochs, &ms, error))
            return false;
        sum_ms += ms;
    }
    printf("{\"members\": %lld, \"epochs\": %lld, \"first_ms\": %.3f, \"report_ms\": %.3f}\n",
           (long long)members, (long long)epochs, first_ms, sum_ms / (double)reports);
    return true;
}

int main(int count, char **words) {
    struct error error = {0};
    struct store *store = NULL;
    if (count != 3) {
        fprintf(stderr, "usage: judge_group MEMBERS EPOCHS\n");
        return 2;
    }
    bool good = store_open(":memory:", &store, &error) &&
                measure(store, strtoll(words[1], NULL, 10), strtoll(words[2], NULL, 10), &error);
    if (!good)
        fprintf(stderr, "judge_group: %s\n", error.message);
    store_close(store);
    return good ? 0 : 1;
}
