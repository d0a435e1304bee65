/* The power is cut, or the process killed, in every single operation that the coordinator's
 * database and a worker's spool make on their disk, their creation included. What comes back is
 * what was committed, whole and in order: everything that was said to be durable, and at most the
 * one change more that was under way. */
#include "coordinator/query.h"
#include "coordinator/store.h"
#include "tests/temporary.h"
#include "tests/world/disk.h"
#include "worker/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
enum { CHANGES = 4, DRAWS = 1 };
#else
enum { CHANGES = 24, DRAWS = 3 };
#endif

struct subject {
    /* Opens on the disk of the folder and makes changes 0 to CHANGES - 1 until one fails. Returns
     * how many it knows to stand. */
    int (*work)(const char *folder);
    int (*count)(const char *folder); /* of changes that stand, checked to be the first ones */
};

/* --- the database: change n adds a submission n --- */

static struct store *database(const char *folder) {
    char path[600];
    struct store *store = NULL;
    snprintf(path, sizeof path, "%s/assay.db", folder);
    return store_open(path, &store, NULL) ? store : NULL;
}

static bool add(struct store *store, int number) {
    struct query query;
    char key[16];
    snprintf(key, sizeof key, "%d", number);
    query_open(&query, store, "INSERT INTO submission (key, submitted_ms) VALUES (?, ?)");
    query_bind_text(&query, key);
    query_bind_int(&query, number);
    return query_run(&query, NULL);
}

static int database_work(const char *folder) {
    struct store *store = database(folder);
    int number = 0;
    while (store != NULL && number < CHANGES && store_begin(store, NULL)) {
        if (!add(store, number)) {
            store_rollback(store);
            break;
        }
        if (!store_commit(store, NULL))
            break;
        number++;
    }
    store_close(store);
    return number;
}

static int count_in(struct store *store) {
    struct query query;
    int count = 0;
    query_open(&query, store, "SELECT submitted_ms FROM submission ORDER BY submitted_ms");
    while (query_next(&query))
        assert_int_equal(query_int(&query), count++);
    assert_true(query_close(&query, NULL));
    query_open(&query, store, "SELECT 1 FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
    assert_false(query_next(&query));
    assert_true(query_close(&query, NULL));
    return count;
}

static int database_count(const char *folder) {
    struct store *store = database(folder);
    assert_non_null(store);
    int count = count_in(store);
    store_close(store);
    return count;
}

/* --- the spool: change n puts a report of attempt n --- */

static int spool_work(const char *folder) {
    struct spool *spool = NULL;
    int number = 0;
    if (!spool_open(folder, &spool, NULL))
        return number;
    while (number < CHANGES && spool_put(spool, 1, number, "log", "{}", NULL))
        number++;
    spool_close(spool);
    return number;
}

static int spool_count_all(const char *folder) {
    struct spool *spool = NULL;
    struct spooled report;
    struct error error = {0};
    int count = 0;
    if (!spool_open(folder, &spool, &error))
        fail_msg("%s", error.message);
    for (;;) {
        assert_true(spool_first(spool, &report, NULL));
        if (report.kind == NULL)
            break;
        assert_int_equal(report.attempt, count++);
        assert_true(spool_delete(spool, report.sequence, NULL));
        spooled_free(&report);
    }
    spool_close(spool);
    return count;
}

/* --- the attack --- */

/* One end in operation `when`; false when the work was done before it. */
static bool attack(const struct subject *subject, const char *folder, int when, bool power_cut,
                   uint64_t seed) {
    struct disk disk;
    struct random_stream draws;
    random_open(&draws, seed, RANDOM_SHUFFLE, (uint32_t)when, 0);
    disk_make(&disk, folder);
    disk.dies_after = when;
    int known = subject->work(folder);
    bool died = disk.dead;
    disk_revive(&disk, power_cut, &draws);
    int there = subject->count(folder);
    assert_in_range(there, known, known + 1);
    disk_free(&disk);
    return died;
}

static void attack_everywhere(const struct subject *subject, const char *folder) {
    int when = 0;
    bool died = true;
    while (died) {
        died = attack(subject, folder, when, false, 0);
        for (uint64_t seed = 0; seed < DRAWS; seed++)
            assert_int_equal(attack(subject, folder, when, true, seed), died);
        when++;
    }
    assert_in_range(when, 3 * CHANGES, 100 * CHANGES);
}

static void every_commit_of_the_database_stands_whenever_the_power_is_cut(void **state) {
    static const struct subject subject = {database_work, database_count};
    attack_everywhere(&subject, *state);
}

static void every_report_in_the_spool_stands_whenever_the_power_is_cut(void **state) {
    static const struct subject subject = {spool_work, spool_count_all};
    attack_everywhere(&subject, *state);
}

/* A process is killed in operation `when`, the next one reads, and then the power is cut. False
 * when the work was done before it. */
static bool attack_the_reader(const char *folder, int when, uint64_t seed) {
    struct disk disk;
    struct random_stream draws;
    random_open(&draws, seed, RANDOM_SHUFFLE, (uint32_t)when, 1);
    disk_make(&disk, folder);
    disk.dies_after = when;
    database_work(folder);
    bool died = disk.dead;
    disk_revive(&disk, false, &draws);
    struct store *reader = database(folder);
    assert_non_null(reader);
    int seen = count_in(reader);
    disk_kill(&disk);
    store_close(reader);
    disk_revive(&disk, true, &draws);
    assert_int_equal(database_count(folder), seen);
    disk_free(&disk);
    return died;
}

static void what_a_killed_process_left_stands_once_it_was_read(void **state) {
    bool died = true;
    for (int when = 0; died; when++)
        for (uint64_t seed = 0; seed < DRAWS; seed++)
            died = attack_the_reader(*state, when, seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_commit_of_the_database_stands_whenever_the_power_is_cut, temporary_make,
            temporary_remove),
        cmocka_unit_test_setup_teardown(what_a_killed_process_left_stands_once_it_was_read,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(every_report_in_the_spool_stands_whenever_the_power_is_cut,
                                        temporary_make, temporary_remove),
    };
    disk_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
