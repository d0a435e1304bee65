#include "coordinator/listings.h"

#include "coordinator/query.h"

bool listing_put(struct store *store, const char *listing, const char *name, int64_t now_ms,
                 struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO listing (sha256, name, pushed_ms) VALUES (?, ?, ?)"
               " ON CONFLICT DO UPDATE SET name = excluded.name, pushed_ms = excluded.pushed_ms");
    query_bind_text(&query, listing);
    query_bind_text(&query, name);
    query_bind_int(&query, now_ms);
    return query_run(&query, error);
}

bool listing_add(struct store *store, const char *listing, const char *sha256, int64_t bytes,
                 struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT OR REPLACE INTO listing_file (listing, sha256, bytes) VALUES (?, ?, ?)");
    query_bind_text(&query, listing);
    query_bind_text(&query, sha256);
    query_bind_int(&query, bytes);
    return query_run(&query, error);
}

bool listing_bytes(struct store *store, const char *sha256, int64_t *bytes, struct error *error) {
    struct query query;
    *bytes = -1;
    query_open(&query, store, "SELECT bytes FROM listing_file WHERE sha256 = ? LIMIT 1");
    query_bind_text(&query, sha256);
    if (query_next(&query))
        *bytes = query_int(&query);
    return query_close(&query, error);
}

static bool run(struct store *store, const char *sql, struct error *error) {
    struct query query;
    query_open(&query, store, sql);
    return query_run(&query, error);
}

bool listing_forget_unused(struct store *store, struct error *error) {
    return run(store,
               "DELETE FROM listing WHERE sha256 NOT IN (SELECT class.value ->> 'sha256'"
               " FROM experiment AS e, json_each(e.config, '$.data.fingerprint.classes') AS class"
               " WHERE e.status IN ('queued', 'paused', 'running')"
               " UNION SELECT list.value"
               " FROM experiment AS e, json_each(e.config, '$.data.fingerprint.lists') AS list"
               " WHERE e.status IN ('queued', 'paused', 'running'))",
               error);
}

bool listing_pretend(struct store *store, struct error *error) {
    return run(store, "SAVEPOINT pretended", error);
}

bool listing_pretend_end(struct store *store, struct error *error) {
    return run(store, "ROLLBACK TO pretended", error) && run(store, "RELEASE pretended", error);
}
