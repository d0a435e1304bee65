#include "coordinator/standings.h"

#include "coordinator/lookups.h"
#include "coordinator/query.h"
#include "core/array.h"

#include <math.h>

enum { METRICS = STOP_RECALL + 1 };

static const struct stop_standing at_first = {.value = (double)NAN, .best = (double)NAN};

/* The tables of a transaction that was rolled back are gone as well. */
static bool have_tables(struct store *store, struct error *error) {
    static const char *const tables[] = {
        "CREATE TEMP TABLE IF NOT EXISTS judged (id INTEGER PRIMARY KEY, \"group\" TEXT NOT NULL,"
        " metric INTEGER NOT NULL, UNIQUE (\"group\", metric)) STRICT",
        "CREATE TEMP TABLE IF NOT EXISTS standing (judged INTEGER NOT NULL,"
        " epoch INTEGER NOT NULL, experiment INTEGER NOT NULL, value REAL, total REAL, best REAL,"
        " PRIMARY KEY (judged, epoch, experiment)) STRICT, WITHOUT ROWID"};
    bool good = true;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && good; i++) {
        struct query query;
        query_open(&query, store, tables[i]);
        good = query_run(&query, error);
    }
    return good;
}

/* --- one member --- */

static bool put(struct store *store, int64_t judged, int64_t experiment,
                const struct stop_standing *standing, struct error *error) {
    struct query query;
    query_open(&query, store, "INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, judged);
    query_bind_int(&query, standing->epoch);
    query_bind_int(&query, experiment);
    query_bind_double(&query, standing->value);
    query_bind_double(&query, standing->total);
    query_bind_double(&query, standing->best);
    return query_run(&query, error);
}

static struct stop_standing read_standing(struct query *query, int64_t epoch) {
    struct stop_standing standing = {.epoch = epoch};
    standing.value = query_double(query);
    standing.total = query_double(query);
    standing.best = query_double(query);
    return standing;
}

/* As it stands after that epoch; as it began when nothing is known of that. */
static bool get(struct store *store, int64_t judged, int64_t experiment, int64_t epoch,
                struct stop_standing *standing, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT value, total, best FROM standing WHERE judged = ? AND epoch = ?"
               " AND experiment = ?");
    query_bind_int(&query, judged);
    query_bind_int(&query, epoch);
    query_bind_int(&query, experiment);
    *standing = query_next(&query) ? read_standing(&query, epoch) : at_first;
    return query_close(&query, error);
}

/* From the epoch after `standing` on, as stored. */
static bool stand(struct store *store, int64_t judged, enum stop_metric metric, int64_t experiment,
                  struct stop_standing standing, struct error *error) {
    struct query query;
    bool good = true;
    query_open(&query, store,
               "SELECT epoch, CASE ?3 WHEN 'accuracy' THEN valid_accuracy"
               " WHEN 'precision' THEN valid_precision WHEN 'recall' THEN valid_recall"
               " ELSE valid_loss END FROM epoch WHERE experiment = ?1 AND epoch > ?2"
               " ORDER BY epoch");
    query_bind_int(&query, experiment);
    query_bind_int(&query, standing.epoch);
    query_bind_text(&query, stop_metric_text(metric));
    while (good && query_next(&query)) {
        int64_t epoch = query_int(&query);
        stop_stand(&standing, metric, epoch, query_double(&query));
        good = put(store, judged, experiment, &standing, error);
    }
    return query_close(&query, good ? error : NULL) && good;
}

/* --- a group --- */

/* The id of its standings by each metric; 0 without. */
static bool find(struct store *store, int64_t experiment, int64_t judged[METRICS],
                 struct error *error) {
    struct query query;
    for (size_t i = 0; i < METRICS; i++)
        judged[i] = 0;
    query_open(&query, store,
               "SELECT id, metric FROM judged"
               " WHERE \"group\" = (SELECT \"group\" FROM experiment WHERE id = ?)");
    query_bind_int(&query, experiment);
    while (query_next(&query)) {
        int64_t id = query_int(&query);
        judged[query_int(&query)] = id;
    }
    return query_close(&query, error);
}

/* Those of groups that nobody can be judged by any more go. */
static bool forget_others(struct store *store, struct error *error) {
    static const char *const statements[] = {
        "DELETE FROM judged WHERE NOT EXISTS (SELECT 1 FROM experiment AS e"
        " WHERE e.\"group\" = judged.\"group\" AND " LOOKUP_UNFINISHED ")",
        "DELETE FROM standing WHERE judged NOT IN (SELECT id FROM judged)"};
    bool good = true;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0] && good; i++) {
        struct query query;
        query_open(&query, store, statements[i]);
        good = query_run(&query, error);
    }
    return good;
}

/* Fills `judged` as `find` does, with the one that it begins. */
static bool begin(struct store *store, int64_t experiment, enum stop_metric metric,
                  int64_t judged[METRICS], struct error *error) {
    struct query query;
    if (!forget_others(store, error))
        return false;
    query_open(&query, store,
               "INSERT INTO judged (\"group\", metric)"
               " SELECT \"group\", ? FROM experiment WHERE id = ?");
    query_bind_int(&query, metric);
    query_bind_int(&query, experiment);
    if (!query_run(&query, error) || !find(store, experiment, judged, error))
        return false;
    bool good = true;
    query_open(&query, store,
               "SELECT id FROM experiment"
               " WHERE \"group\" = (SELECT \"group\" FROM experiment WHERE id = ?)");
    query_bind_int(&query, experiment);
    while (good && query_next(&query))
        good = stand(store, judged[metric], metric, query_int(&query), at_first, error);
    return query_close(&query, good ? error : NULL) && good;
}

/* --- what the header says --- */

bool standings_follow(struct store *store, int64_t experiment, int64_t epoch, struct error *error) {
    int64_t judged[METRICS];
    bool good = have_tables(store, error) && find(store, experiment, judged, error);
    for (int i = 0; i < METRICS && good; i++) {
        enum stop_metric metric = (enum stop_metric)i;
        struct stop_standing before;
        if (judged[i] != 0)
            good = get(store, judged[i], experiment, epoch - 1, &before, error) &&
                   stand(store, judged[i], metric, experiment, before, error);
    }
    return good;
}

static bool have_room(struct stop_standing **others, size_t count, size_t *room,
                      struct error *error) {
    void *larger = array_room(*others, count + 1, room, sizeof **others);
    if (larger == NULL)
        return error_set(error, ERROR_FAILED, "no memory for the standings of a group");
    *others = larger;
    return true;
}

bool standings_at(struct store *store, int64_t experiment, enum stop_metric metric, int64_t epoch,
                  struct stop_standing *own, struct stop_standing **others, size_t *count,
                  struct error *error) {
    int64_t judged[METRICS];
    struct query query;
    size_t room = 0;
    bool good = true;
    *own = at_first;
    *others = NULL;
    *count = 0;
    if (!have_tables(store, error) || !find(store, experiment, judged, error) ||
        (judged[metric] == 0 && !begin(store, experiment, metric, judged, error)))
        return false;
    query_open(&query, store,
               "SELECT experiment, value, total, best FROM standing WHERE judged = ?"
               " AND epoch = ?");
    query_bind_int(&query, judged[metric]);
    query_bind_int(&query, epoch);
    while (good && query_next(&query)) {
        int64_t whose = query_int(&query);
        good = have_room(others, *count, &room, error);
        if (good && whose == experiment)
            *own = read_standing(&query, epoch);
        else if (good)
            (*others)[(*count)++] = read_standing(&query, epoch);
    }
    return query_close(&query, good ? error : NULL) && good;
}
