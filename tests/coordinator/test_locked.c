/* "database is locked": in trackio (issues 133, 448), SwanLab (715) and MLflow (6490) runs that
 * reported at once, or a reader beside them, lost reports to it. Here several workers report at
 * once while other connections read, hold snapshots open and take the database's exclusive lock,
 * and nobody who asks ever hears of it. */
#include "coordinator/server.h"

#include "net/dealer.h"
#include "tests/coordinator/bodies.h"
#include "tests/temporary.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 60000, LEASE_MS = 300, WORKERS = 4, EPOCHS = 40, EXCLUSIVE_LEAST = 5 };

struct stage {
    char *path;
    struct store *store;
    struct coordinator coordinator;
    struct server *server;
    int stop;
    atomic_bool over;      /* those who disturb are to end */
    atomic_bool reads;     /* the long reader has begun */
    int exclusives_least;  /* how often the exclusive lock is to be had */
    atomic_int exclusives; /* how often it was */
    atomic_int failures;
};

static void *serve(void *context) {
    struct stage *stage = context;
    struct error error;
    if (!server_run(stage->server, stage->stop, &error))
        atomic_fetch_add(&stage->failures, 1);
    return NULL;
}

static sqlite3 *open_beside(const struct stage *stage) {
    sqlite3 *database = NULL;
    if (sqlite3_open_v2(stage->path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return NULL;
    sqlite3_busy_timeout(database, 10000);
    return database;
}

/* Holds a snapshot open, reads all of it, lets go, and again. */
static void *read_on(void *context) {
    struct stage *stage = context;
    sqlite3 *database = open_beside(stage);
    while (database != NULL && !atomic_load(&stage->over)) {
        sqlite3_exec(database, "BEGIN; SELECT sum(epoch) FROM epoch", NULL, NULL, NULL);
        usleep(20000);
        sqlite3_exec(database, "SELECT count(*) FROM attempt; COMMIT", NULL, NULL, NULL);
    }
    sqlite3_close(database);
    return NULL;
}

/* The epochs that this connection sees; -1 when it cannot. */
static int64_t count_in(sqlite3 *database) {
    sqlite3_stmt *statement = NULL;
    int64_t count = -1;
    if (sqlite3_prepare_v2(database, "SELECT count(*) FROM epoch", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

/* One transaction from before the first report until after the last, as of a person who looks
 * around in the sqlite3 shell: what it sees does not change, and it is in nobody's way. */
static void *read_for_long(void *context) {
    struct stage *stage = context;
    sqlite3 *database = open_beside(stage);
    bool good = database != NULL &&
                sqlite3_exec(database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
                count_in(database) == 0;
    atomic_store(&stage->reads, true);
    while (!atomic_load(&stage->over))
        usleep(1000);
    if (!good || count_in(database) != 0)
        atomic_fetch_add(&stage->failures, 1);
    sqlite3_close(database);
    return NULL;
}

/* Keeps everybody from writing for longer than the coordinator waits at a time, now and again. */
static void *lock_on(void *context) {
    struct stage *stage = context;
    sqlite3 *database = open_beside(stage);
    for (int i = 0; database != NULL && !atomic_load(&stage->over); i++) {
        if (sqlite3_exec(database, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK) {
            usleep(i == 2 ? 1500000 : 30000);
            sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
            atomic_fetch_add(&stage->exclusives, 1);
        }
        usleep(10000);
    }
    sqlite3_close(database);
    return NULL;
}

struct crew {
    struct stage *stage;
    char name[16];
};

/* Takes `of_name`; false (and counted) when the answer is anything but `expected`. */
static bool ask(struct stage *stage, struct dealer *dealer, const char *name, cJSON *of_name,
                const char *expected, cJSON **answer) {
    struct error error = {0};
    bool good = dealer_call(dealer, name, of_name, expected, PATIENCE_MS, answer, &error);
    cJSON_Delete(of_name);
    if (good)
        return true;
    print_error("%s: %s\n", name, error.message);
    atomic_fetch_add(&stage->failures, 1);
    return false;
}

/* Reports every epoch of one experiment, until the lock was had often enough at least. */
static void *train(void *context) {
    struct crew *crew = context;
    struct stage *stage = crew->stage;
    struct dealer *dealer = NULL;
    cJSON *answer = NULL;
    if (!dealer_open(server_endpoint(stage->server), NULL, &dealer, NULL) ||
        !ask(stage, dealer, "hello", body_hello(crew->name), "welcome", &answer))
        return NULL;
    cJSON_Delete(answer);
    if (!ask(stage, dealer, "request", body_worker(crew->name), "assignment", &answer))
        goto out;
    long long id = (long long)json_member(answer, "experiment")->valuedouble;
    cJSON_Delete(answer);
    for (int epoch = 1;
         epoch <= EPOCHS || atomic_load(&stage->exclusives) < stage->exclusives_least; epoch++) {
        int of_all = 1 + (epoch - 1) % EPOCHS; /* reported again: the same epoch */
        if (!ask(stage, dealer, "report",
                 body_report(crew->name, id, 1, "epoch", body_epoch(of_all, 0.5)), "ack", &answer))
            goto out;
        if (cJSON_IsTrue(json_member(answer, "fenced")))
            atomic_fetch_add(&stage->failures, 1);
        cJSON_Delete(answer);
    }
out:
    dealer_close(dealer);
    return NULL;
}

static int64_t count_epochs(const struct stage *stage) {
    sqlite3 *database = open_beside(stage);
    int64_t count = count_in(database);
    sqlite3_close(database);
    return count;
}

static void open_stage(struct stage *stage) {
    struct moment now = {.unix_ms = 1700000000000, .steady_ms = 0};
    struct error error = {0};
    stage->stop = eventfd(0, EFD_CLOEXEC);
    if (!store_open(stage->path, &stage->store, &error) ||
        !coordinator_open(&stage->coordinator, stage->store, LEASE_MS, now, &error) ||
        !server_open("tcp://127.0.0.1:*", NULL, &stage->coordinator, &stage->server, &error))
        fail_msg("%s", error.message);
}

static void submit(struct stage *stage) {
    struct dealer *dealer;
    cJSON *answer = NULL;
    assert_true(dealer_open(server_endpoint(stage->server), NULL, &dealer, NULL));
    assert_true(ask(stage, dealer, "submit", body_submit("a test's key", WORKERS, EPOCHS, 3),
                    "submitted", &answer));
    cJSON_Delete(answer);
    dealer_close(dealer);
}

/* All report at once, beside those who disturb; every report is acknowledged and there. */
static void everybody_reports(struct stage *stage, void *(*const *disturb)(void *), size_t count) {
    struct crew crew[WORKERS];
    pthread_t server, disturbers[3], workers[WORKERS];
    uint64_t one = 1;
    open_stage(stage);
    assert_int_equal(pthread_create(&server, NULL, serve, stage), 0);
    submit(stage);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&disturbers[i], NULL, disturb[i], stage), 0);
    while (disturb[0] == read_for_long && !atomic_load(&stage->reads))
        usleep(1000);
    for (int i = 0; i < WORKERS; i++) {
        crew[i] = (struct crew){.stage = stage};
        snprintf(crew[i].name, sizeof crew[i].name, "w%d", i);
        assert_int_equal(pthread_create(&workers[i], NULL, train, &crew[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(workers[i], NULL), 0);
    assert_int_equal(count_epochs(stage), WORKERS * EPOCHS);
    atomic_store(&stage->over, true);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(disturbers[i], NULL), 0);
    assert_int_equal(atomic_load(&stage->failures), 0);
    assert_int_equal(write(stage->stop, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(server, NULL), 0);
    server_close(stage->server);
    coordinator_close(&stage->coordinator);
    store_close(stage->store);
    close(stage->stop);
    free(stage->path);
}

static void a_locked_database_never_reaches_those_who_report(void **state) {
    struct stage stage = {.path = temporary_path(state, "assay.db"),
                          .exclusives_least = EXCLUSIVE_LEAST};
    everybody_reports(&stage, (void *(*const[])(void *)){read_on, read_on, lock_on}, 3);
    assert_true(atomic_load(&stage.exclusives) >= EXCLUSIVE_LEAST);
}

static void an_sqlite3_shell_in_one_long_transaction_holds_up_nobody_who_reports(void **state) {
    struct stage stage = {.path = temporary_path(state, "assay.db")};
    everybody_reports(&stage, (void *(*const[])(void *)){read_for_long}, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_locked_database_never_reaches_those_who_report),
        IN_FOLDER(an_sqlite3_shell_in_one_long_transaction_holds_up_nobody_who_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
