/* stores: a database to try things on. */
#ifndef ASSAY_TESTS_COORDINATOR_STORES_H
#define ASSAY_TESTS_COORDINATOR_STORES_H

#include "coordinator/query.h"
#include "coordinator/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static inline struct store *open_store(const char *path) {
    struct store *store = NULL;
    struct error error = {0};
    if (!store_open(path, &store, &error))
        fail_msg("%s", error.message);
    return store;
}

/* One number, NaN for NULL. */
static inline double number(struct store *store, const char *sql) {
    struct query query;
    struct error error = {0};
    query_open(&query, store, sql);
    double value = query_next(&query) ? query_double(&query) : -1;
    if (!query_close(&query, &error))
        fail_msg("%s", error.message);
    return value;
}

static inline bool run(struct store *store, const char *sql) {
    struct query query;
    query_open(&query, store, sql);
    return query_run(&query, NULL);
}

static inline void begin(struct store *store) {
    struct error error = {0};
    if (!store_begin(store, &error))
        fail_msg("%s", error.message);
}

static inline void commit(struct store *store) {
    struct error error = {0};
    if (!store_commit(store, &error))
        fail_msg("%s", error.message);
}

static inline bool insert_key(struct store *store, const char *key) {
    const struct submitter nobody = {"", "", ""};
    return record_key(store, key, &nobody, 1, NULL);
}

/* An experiment with id 1, in a transaction of its own. */
static inline void insert_experiment(struct store *store) {
    struct submission submission = {.name = "n",
                                    .group = "g",
                                    .config = "{}",
                                    .variant = "{}",
                                    .need = {.labels = "", .host = ""},
                                    .epochs = 3,
                                    .max_attempts = 3};
    int64_t id = 0;
    begin(store);
    assert_true(insert_key(store, "a key"));
    assert_true(record_experiment(store, "a key", &submission, 1, &id, NULL));
    commit(store);
    assert_int_equal(id, 1);
}

#endif
