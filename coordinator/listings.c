#include "coordinator/listings.h"

#include "coordinator/lookups.h"
#include "coordinator/query.h"
#include "core/json.h"
#include "core/shortage.h"

#include <string.h>

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

bool listing_bytes(struct store *store, const char *sha256, int64_t like, int64_t *bytes,
                   struct error *error) {
    struct query query;
    *bytes = -1;
    query_open(&query, store,
               "SELECT bytes FROM listing_file WHERE sha256 = ? ORDER BY bytes = ? DESC LIMIT 1");
    query_bind_text(&query, sha256);
    query_bind_int(&query, like);
    if (query_next(&query))
        *bytes = query_int(&query);
    return query_close(&query, error);
}

/* The listings that the experiments of a table `e` name: (listing, and columns of e). */
#define LISTING_NAMED(experiments, columns)                                                        \
    "(SELECT class.value ->> 'sha256' AS listing" columns " FROM " experiments                     \
    " AS e, json_each(e.config, '$.data.fingerprint.classes') AS class"                            \
    " UNION SELECT list.value" columns " FROM " experiments                                        \
    " AS e, json_each(e.config, '$.data.fingerprint.lists') AS list)"

/* --- what there is --- */

/* The listings, nobody having named them yet. */
static bool add_listings(struct store *store, cJSON *listings, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT l.sha256, l.name, count(f.sha256), coalesce(sum(f.bytes), 0), l.pushed_ms"
               " FROM listing AS l LEFT JOIN listing_file AS f ON f.listing = l.sha256"
               " GROUP BY l.sha256 ORDER BY l.sha256");
    while (query_next(&query)) {
        cJSON *listing = cJSON_CreateObject();
        cJSON_AddStringToObject(listing, "listing", query_text(&query));
        cJSON_AddStringToObject(listing, "name", query_text(&query));
        cJSON_AddNumberToObject(listing, "files", (double)query_int(&query));
        cJSON_AddNumberToObject(listing, "bytes", (double)query_int(&query));
        cJSON_AddNumberToObject(listing, "pushed_ms", (double)query_int(&query));
        cJSON_AddNumberToObject(listing, "experiments", 0);
        cJSON_AddNumberToObject(listing, "unfinished", 0);
        cJSON_AddArrayToObject(listing, "ids");
        json_append(listings, listing);
    }
    return query_close(&query, error);
}

static void add_to(cJSON *listing, const char *key, int64_t more) {
    cJSON *number = cJSON_GetObjectItemCaseSensitive(listing, key);
    cJSON_SetNumberValue(number, number->valuedouble + (double)more);
}

/* Who names them, in the order of the listings. */
static bool add_names(struct store *store, cJSON *listings, struct error *error) {
    struct query query;
    cJSON *listing = listings->child;
    query_open(
        &query, store,
        "WITH newest AS (SELECT id, " LOOKUP_UNFINISHED " AS unfinished, config"
        " FROM experiment ORDER BY id DESC LIMIT ?)"
        " SELECT n.listing, n.id, n.unfinished"
        " FROM " LISTING_NAMED(
            "newest",
            ", e.id AS id, e.unfinished AS unfinished") " AS n"
                                                        " JOIN listing AS l ON l.sha256 = "
                                                        "n.listing ORDER BY n.listing, n.id DESC");
    query_bind_int(&query, LISTING_LOOKED);
    while (query_next(&query)) {
        const char *sha256 = query_text(&query);
        const int64_t id = query_int(&query);
        while (listing != NULL && strcmp(json_string(listing, "listing"), sha256) != 0)
            listing = listing->next;
        if (listing == NULL) /* no memory for the sum, as query_close says */
            break;
        if (json_integer(listing, "experiments") < LISTING_IDS)
            cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(listing, "ids"),
                                 cJSON_CreateNumber((double)id));
        add_to(listing, "experiments", 1);
        add_to(listing, "unfinished", query_int(&query));
    }
    return query_close(&query, error);
}

bool listing_all(struct store *store, cJSON **listings, struct error *error) {
    cJSON *all = cJSON_CreateArray();
    if (add_listings(store, all, error) && (!shortage_in_trees() || error_memory(error)) &&
        add_names(store, all, error)) {
        *listings = all;
        return true;
    }
    cJSON_Delete(all);
    return false;
}

bool listing_files(struct store *store, const char *digits, listing_visitor *visit, void *context,
                   struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT listing, sha256, bytes FROM listing_file"
               " WHERE sha256 >= ?1 AND sha256 < ?1 || 'g'"); /* behind the last digit */
    query_bind_text(&query, digits);
    while (query_next(&query)) {
        const char *listing = query_text(&query), *sha256 = query_text(&query);
        visit(context, listing, sha256, query_int(&query));
    }
    return query_close(&query, error);
}

/* --- what goes --- */

bool listing_unused(struct store *store, cJSON **unused, struct error *error) {
    struct query query;
    cJSON *sums = cJSON_CreateArray();
    query_open(&query, store,
               "SELECT sha256 FROM listing WHERE sha256 NOT IN (SELECT listing FROM " LISTING_NAMED(
                   "(SELECT config FROM experiment WHERE " LOOKUP_UNFINISHED ")", "") ")");
    while (query_next(&query))
        json_append(sums, cJSON_CreateString(query_text(&query)));
    if (query_close(&query, error) && (!shortage_in_trees() || error_memory(error))) {
        *unused = sums;
        return true;
    }
    cJSON_Delete(sums);
    return false;
}

bool listing_forget(struct store *store, const char *listing, struct error *error) {
    struct query query;
    query_open(&query, store, "DELETE FROM listing WHERE sha256 = ?");
    query_bind_text(&query, listing);
    return query_run(&query, error);
}
