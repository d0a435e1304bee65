/* Standings against what follows from all the epochs, whatever is reported in whatever order,
 * rolled back or started again. */
#include "coordinator/standings.h"

#include "coordinator/query.h"
#include "core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS = 5, EPOCHS = 6, STEPS = 150 };

/* What has been reported; the last member is of another group. */
struct table {
    bool reported[MEMBERS][EPOCHS];
    double loss[MEMBERS][EPOCHS];
    int right[MEMBERS][EPOCHS]; /* of 8 pictures */
};

struct walk {
    struct store *store;
    struct random_stream draws;
    struct table now, committed;
};

static void run(struct store *store, const char *sql) {
    struct query query;
    struct error error = {0};
    query_open(&query, store, sql);
    if (!query_run(&query, &error))
        fail_msg("%s", error.message);
}

static void begin_walk(struct walk *walk, uint64_t seed) {
    struct error error = {0};
    *walk = (struct walk){0};
    random_open(&walk->draws, seed, RANDOM_SHUFFLE, 0, 0);
    if (!store_open(":memory:", &walk->store, &error))
        fail_msg("%s", error.message);
    run(walk->store, "INSERT INTO submission (key, submitted_ms) VALUES ('k', 0)");
    run(walk->store,
        "WITH n (i) AS (VALUES (1), (2), (3), (4), (5))"
        " INSERT INTO experiment (id, submission, name, \"group\", config, variant, priority,"
        " backend, memory_bytes, epochs, max_attempts, submitted_ms)"
        " SELECT i, 'k', i, iif(i = 5, 'h', 'g'), '{}', '{}', 0, 'any', 0, 6, 3, 0 FROM n");
}

static uint32_t below(struct walk *walk, uint32_t bound) {
    return random_below(&walk->draws, bound);
}

/* Mostly the next epoch of somebody; any other, or one that is known, anew, now and then. */
static void report(struct walk *walk) {
    struct query query;
    struct error error = {0};
    uint32_t member = below(walk, MEMBERS), epoch = 0;
    while (epoch < EPOCHS - 1 && walk->now.reported[member][epoch])
        epoch++;
    if (below(walk, 4) == 0)
        epoch = below(walk, EPOCHS);
    double loss = below(walk, 8) == 0 ? (double)NAN : (double)below(walk, 1000) / 1000;
    int right = (int)below(walk, 9);
    walk->now.reported[member][epoch] = true;
    walk->now.loss[member][epoch] = loss;
    walk->now.right[member][epoch] = right;
    query_open(&query, walk->store,
               "INSERT OR REPLACE INTO epoch (experiment, epoch, attempt, reported_ms, best,"
               " train_true_positive, train_true_negative, train_false_positive,"
               " train_false_negative, valid_true_positive, valid_true_negative,"
               " valid_false_positive, valid_false_negative, valid_loss)"
               " VALUES (?1, ?2, 1, 0, 0, 1, 1, 1, 1, ?3, 0, 0, 8 - ?3, ?4)");
    query_bind_int(&query, member + 1);
    query_bind_int(&query, epoch + 1);
    query_bind_int(&query, right);
    query_bind_double(&query, loss);
    if (!query_run(&query, &error) || !standings_follow(walk->store, member + 1, epoch + 1, &error))
        fail_msg("%s", error.message);
}

static double value_of(const struct walk *walk, enum stop_metric metric, size_t member,
                       size_t epoch) {
    if (!walk->now.reported[member][epoch])
        return (double)NAN;
    if (metric == STOP_VALID_LOSS)
        return walk->now.loss[member][epoch];
    double right = walk->now.right[member][epoch]; /* all are of label 1 */
    return metric == STOP_PRECISION ? (right > 0 ? 1 : (double)NAN) : right / 8;
}

/* All is added up anew. */
static struct stop_standing expected(const struct walk *walk, enum stop_metric metric,
                                     size_t member, size_t epoch) {
    struct stop_standing standing = {.epoch = (int64_t)epoch + 1, .best = (double)NAN};
    for (size_t i = 0; i <= epoch; i++) {
        double value = value_of(walk, metric, member, i);
        bool better = metric == STOP_VALID_LOSS ? value < standing.best : value > standing.best;
        if (better || isnan(standing.best))
            standing.best = value;
        standing.total += value;
        standing.value = value;
    }
    return standing;
}

static bool is_same(const struct stop_standing *a, const struct stop_standing *b) {
    const double left[] = {a->value, a->total, a->best}, right[] = {b->value, b->total, b->best};
    bool same = a->epoch == b->epoch;
    for (size_t i = 0; i < 3; i++)
        same = same && (isnan(left[i]) ? isnan(right[i]) : fabs(left[i] - right[i]) < 1e-12);
    return same;
}

static void check(struct walk *walk, enum stop_metric metric, size_t member, size_t epoch) {
    struct stop_standing own, *others, wanted = expected(walk, metric, member, epoch);
    size_t count = 0, found = 0;
    struct error error = {0};
    if (!standings_at(walk->store, (int64_t)member + 1, metric, (int64_t)epoch + 1, &own, &others,
                      &count, &error))
        fail_msg("%s", error.message);
    assert_true(is_same(&own, &wanted));
    for (size_t i = 0; i < MEMBERS; i++) {
        bool counts = i != member && (i == MEMBERS - 1) == (member == MEMBERS - 1) &&
                      walk->now.reported[i][epoch];
        wanted = expected(walk, metric, i, epoch);
        if (counts) /* in order of their ids */
            assert_true(found < count && is_same(&others[found++], &wanted));
    }
    assert_int_equal(found, count);
    free(others);
}

/* One transaction, at whose end somebody is judged or it is rolled back. */
static void step(struct walk *walk) {
    struct error error = {0};
    assert_true(store_begin(walk->store, &error));
    for (uint32_t reports = 1 + below(walk, 3); reports > 0; reports--)
        report(walk);
    size_t member = below(walk, MEMBERS), epoch = below(walk, EPOCHS);
    if (walk->now.reported[member][epoch])
        check(walk, (enum stop_metric)below(walk, 4), member, epoch);
    if (below(walk, 8) == 0) {
        store_rollback(walk->store);
        walk->now = walk->committed;
    } else {
        assert_true(store_commit(walk->store, &error));
        walk->committed = walk->now;
    }
}

static void standings_are_what_follows_from_all_epochs(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct walk walk;
        begin_walk(&walk, seed);
        for (int i = 0; i < STEPS; i++) {
            step(&walk);
            if (below(&walk, 20) == 0) { /* as a start leaves it */
                run(walk.store, "DROP TABLE IF EXISTS temp.standing");
                run(walk.store, "DROP TABLE IF EXISTS temp.judged");
            }
        }
        store_close(walk.store);
    }
}

static int64_t rows(struct walk *walk) {
    struct query query;
    query_open(&query, walk->store, "SELECT count(*) FROM temp.standing");
    assert_true(query_next(&query));
    int64_t count = query_int(&query);
    assert_true(query_close(&query, NULL));
    return count;
}

static void those_of_a_group_that_is_over_make_room_for_the_next(void **state) {
    (void)state;
    struct walk walk;
    begin_walk(&walk, 1);
    while (!walk.now.reported[0][0] || !walk.now.reported[MEMBERS - 1][0])
        report(&walk);
    check(&walk, STOP_VALID_LOSS, 0, 0);
    assert_true(rows(&walk) > 0);
    run(walk.store, "UPDATE experiment SET state = 'done', finished_ms = 0 WHERE \"group\" = 'g'");
    run(walk.store, "DELETE FROM epoch WHERE experiment = 5 AND epoch > 1");
    check(&walk, STOP_RECALL, MEMBERS - 1, 0);
    assert_int_equal(rows(&walk), 1);
    check(&walk, STOP_VALID_LOSS, 0, 0); /* they come again when they are asked for */
    store_close(walk.store);
}

static void one_that_has_not_come_there_stands_as_it_began(void **state) {
    (void)state;
    const struct stop_standing begun = {.value = (double)NAN, .best = (double)NAN};
    struct stop_standing own, *others;
    size_t count;
    struct walk walk;
    begin_walk(&walk, 1);
    assert_true(standings_at(walk.store, 1, STOP_VALID_LOSS, 1, &own, &others, &count, NULL));
    assert_true(is_same(&own, &begun));
    assert_int_equal(count, 0);
    free(others);
    store_close(walk.store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standings_are_what_follows_from_all_epochs),
        cmocka_unit_test(those_of_a_group_that_is_over_make_room_for_the_next),
        cmocka_unit_test(one_that_has_not_come_there_stands_as_it_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
