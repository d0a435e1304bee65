/* Databases as earlier versions left them (tests/make_database_data.py), opened by this one:
 * nothing is lost, and what is new has its default. */
#include "coordinator/fsck.h"
#include "core/file.h"
#include "tests/coordinator/stores.h"
#include "tests/temporary.h"

#include <math.h>
#include <string.h>

enum { SQL_MAX = 1 << 20 };

/* The database of that schema at `path`. False when no such schema has a file. */
static bool load(int schema, const char *path) {
    char file[256], *sql = NULL;
    size_t length;
    struct error error = {0};
    sqlite3 *database = NULL;
    snprintf(file, sizeof file, "%s/database/%03d.sql", TEST_DATA, schema);
    if (access(file, F_OK) != 0)
        return false;
    if (!file_read(file, SQL_MAX, &sql, &length, &error))
        fail_msg("%s", error.message);
    unlink(path);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", file, sqlite3_errmsg(database));
    sqlite3_close(database);
    free(sql);
    return true;
}

/* "," between the values, from a query that makes one text. */
static void is_text(struct store *store, const char *sql, const char *expected) {
    struct query query;
    struct error error = {0};
    query_open(&query, store, sql);
    assert_true(query_next(&query));
    const char *text = query_text(&query);
    assert_string_equal(text != NULL ? text : "NULL", expected);
    if (!query_close(&query, &error))
        fail_msg("%s", error.message);
}

static void what_schema_1_had(struct store *store) {
    is_text(store,
            "SELECT group_concat(id || name || \"group\" || state || attempt || failures ||"
            " priority || coalesce(error, '-'), ',') FROM experiment",
            "1a/xadone103-,2a/yarunning210lost,3bbfailed11-1no such file,4ccqueued000-");
    is_text(store, "SELECT config || variant FROM experiment WHERE id = 2",
            "{\"name\": \"a\"}{\"train.seed\": \"1\"}");
    is_text(store, "SELECT group_concat(experiment || '.' || attempt || outcome, ',') FROM attempt",
            "1.1done,2.1lost,2.2running,3.1failed");
    assert_true(fabs(number(store, "SELECT sum(valid_loss) FROM epoch") - 1.375) < 1e-12);
    assert_true(fabs(number(store, "SELECT train_accuracy FROM epoch") - 0.3) < 1e-12);
    assert_true(isnan(number(store, "SELECT train_loss FROM epoch WHERE experiment = 2")));
    assert_true(fabs(number(store, "SELECT accuracy FROM evaluation") - 0.875) < 1e-12);
    is_text(store, "SELECT kind || epoch || path || host FROM checkpoint", "last2/w/lasth");
    is_text(store, "SELECT group_concat(CAST(text AS TEXT), '') FROM log", "one\ntwo\n");
    is_text(store, "SELECT name || host || pid || threads FROM worker", "wh72");
}

static void is_kept(struct store *store, int schema) {
    what_schema_1_had(store);
    assert_true(fabs(number(store, "SELECT count(*) FROM artifact") - (schema >= 2)) < 0.5);
    is_text(store, "SELECT person FROM submission", schema >= 3 ? "ann" : "");
    is_text(store, "SELECT status FROM experiment WHERE id = 4", schema >= 3 ? "paused" : "queued");
    assert_true(isnan(number(store, "SELECT roc_auc FROM evaluation")) == (schema < 4));
    assert_true(fabs(number(store, "SELECT count(*) FROM score") - (schema >= 4)) < 0.5);
    assert_true(fabs(number(store, "SELECT count(*) FROM stop") - (schema >= 10)) < 0.5);
    assert_true(fabs(number(store, "SELECT count(*) FROM tag") - (schema >= 14)) < 0.5);
    is_text(store, "SELECT group_concat(quote(tags) || notes, ',') FROM experiment_result",
            schema >= 14 ? "'keep'1,NULL0,NULL0,NULL0" : "NULL0,NULL0,NULL0,NULL0");
    is_text(store, "SELECT host || version FROM submission", schema >= 13 ? "h0.1.0" : "");
    is_text(store, "SELECT length(database) || '.' || length(history) FROM identity", "32.32");
}

static void every_earlier_schema_is_brought_up_to_date_with_all_its_data(void **state) {
    char *path = temporary_path(state, "old.db");
    struct store *fresh = open_store(":memory:");
    int newest = (int)number(fresh, "PRAGMA user_version");
    store_close(fresh);
    for (int schema = 1; schema < newest; schema++) {
        if (!load(schema, path))
            fail_msg("there is no database of schema %d: run tests/make_database_data.py", schema);
        struct store *store = open_store(path);
        assert_int_equal((int)number(store, "PRAGMA user_version"), newest);
        is_kept(store, schema);
        store_close(store);
        store = open_store(path); /* and once more, with nothing left to do */
        is_kept(store, schema);
        store_close(store);
    }
    free(path);
}

static void count_line(void *context, const char *line) {
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static void is_whole(const char *path) {
    struct error error = {0};
    const struct fsck_options options = {.say = count_line};
    struct fsck_result result;
    if (!fsck_run(path, NULL, &options, &result, &error))
        fail_msg("%s", error.message);
    assert_int_equal(result.faults, 0);
}

static void a_database_that_was_brought_up_to_date_is_whole(void **state) {
    char *path = temporary_path(state, "old.db");
    for (int schema = 1; load(schema, path); schema++) {
        store_close(open_store(path));
        is_whole(path);
    }
    free(path);
}

static void a_database_of_an_earlier_schema_is_looked_at_as_it_is(void **state) {
    char *path = temporary_path(state, "old.db");
    for (int schema = 1; load(schema, path); schema++)
        is_whole(path);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_earlier_schema_is_brought_up_to_date_with_all_its_data),
        IN_FOLDER(a_database_that_was_brought_up_to_date_is_whole),
        IN_FOLDER(a_database_of_an_earlier_schema_is_looked_at_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
