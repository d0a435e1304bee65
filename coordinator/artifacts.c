#include "coordinator/artifacts.h"

#include "coordinator/query.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

bool artifact_put(struct store *store, const struct artifact *artifact, int64_t now_ms,
                  char replaced[static SHA256_TEXT_SIZE], struct error *error) {
    struct query query;
    bool newer = true;
    replaced[0] = '\0';
    query_open(&query, store,
               "SELECT sha256, (?3, ?4) >= (attempt, epoch) FROM artifact"
               " WHERE experiment = ?1 AND name = ?2");
    query_bind_int(&query, artifact->experiment);
    query_bind_text(&query, artifact->name);
    query_bind_int(&query, artifact->attempt);
    query_bind_int(&query, artifact->epoch);
    if (query_next(&query)) {
        snprintf(replaced, SHA256_TEXT_SIZE, "%s", query_text(&query));
        newer = query_int(&query) != 0;
    }
    if (!query_close(&query, error))
        return false;
    if (!newer || strcmp(replaced, artifact->sha256) == 0)
        replaced[0] = '\0';
    if (!newer)
        return true;
    query_open(&query, store,
               "INSERT OR REPLACE INTO artifact (experiment, name, kind, epoch, attempt,"
               " reported_ms, sha256, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, artifact->experiment);
    query_bind_text(&query, artifact->name);
    query_bind_text(&query, artifact->kind);
    query_bind_int(&query, artifact->epoch);
    query_bind_int(&query, artifact->attempt);
    query_bind_int(&query, now_ms);
    query_bind_text(&query, artifact->sha256);
    query_bind_int(&query, artifact->bytes);
    return query_run(&query, error);
}

bool artifact_list(struct store *store, int64_t experiment, bool checkpoints, int most,
                   cJSON **artifacts, struct error *error) {
    struct query query;
    cJSON *array = cJSON_CreateArray();
    query_open(&query, store,
               "SELECT name, kind, epoch, sha256, bytes FROM artifact WHERE experiment = ?1"
               " AND (NOT ?2 OR kind IN ('best', 'last'))"
               " ORDER BY kind = 'epoch', epoch DESC, name LIMIT ?3");
    query_bind_int(&query, experiment);
    query_bind_int(&query, checkpoints);
    query_bind_int(&query, most);
    while (query_next(&query)) {
        cJSON *artifact = cJSON_CreateObject();
        cJSON_AddStringToObject(artifact, "name", query_text(&query));
        cJSON_AddStringToObject(artifact, "kind", query_text(&query));
        cJSON_AddNumberToObject(artifact, "epoch", (double)query_int(&query));
        cJSON_AddStringToObject(artifact, "sha256", query_text(&query));
        cJSON_AddNumberToObject(artifact, "bytes", (double)query_int(&query));
        json_append(array, artifact);
    }
    if (query_close(&query, error)) {
        *artifacts = array;
        return true;
    }
    cJSON_Delete(array);
    return false;
}

/* Which rows go: ?1 is every how many epochs one stays. */
#define ARTIFACT_GOES "(kind = 'epoch' AND ?1 >= 0 AND (?1 = 0 OR epoch % ?1 <> 0))"

bool artifact_thin(struct store *store, int64_t every, struct error *error) {
    struct query query;
    query_open(&query, store, "DELETE FROM artifact WHERE " ARTIFACT_GOES);
    query_bind_int(&query, every);
    return query_run(&query, error);
}

bool artifact_kept(struct store *store, const char *sha256, int64_t every, const char *without,
                   bool *kept, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT 1 FROM artifact WHERE sha256 = ?2 AND NOT " ARTIFACT_GOES
               " UNION ALL SELECT 1 FROM listing_file WHERE sha256 = ?2"
               " AND listing NOT IN (SELECT value FROM json_each(?3))"
               " UNION ALL SELECT 1 FROM fork_file AS f JOIN experiment AS e ON e.id = f.experiment"
               " WHERE f.sha256 = ?2 AND e.state <> 'done' LIMIT 1");
    query_bind_int(&query, every);
    query_bind_text(&query, sha256);
    query_bind_text(&query, without);
    *kept = query_next(&query);
    return query_close(&query, error);
}
