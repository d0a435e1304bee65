#include "coordinator/remarks.h"

#include "coordinator/columns.h"
#include "core/remark.h"

/* The first column of the only row, 0 without one; closes the query. */
static bool take_id(struct query *query, int64_t *id, struct error *error) {
    *id = query_next(query) ? query_int(query) : 0;
    return query_close(query, error);
}

/* --- tags --- */

bool remarks_overtagged(struct store *store, const char *ids, const struct remark_tags *tags,
                        int64_t *id, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT id.value FROM json_each(?1) id WHERE"
               " (SELECT count(*) FROM (SELECT tag FROM tag WHERE experiment = id.value AND tag NOT"
               " IN (SELECT value FROM json_each(?2)) UNION SELECT value FROM json_each(?3))) > ?4"
               " LIMIT 1");
    query_bind_text(&query, ids);
    query_bind_text(&query, tags->remove);
    query_bind_text(&query, tags->add);
    query_bind_int(&query, TAGS_MAX);
    return take_id(&query, id, error);
}

bool remarks_tag(struct store *store, int64_t id, const struct remark_tags *tags,
                 const struct remark_author *author, bool *changed, struct error *error) {
    struct query query;
    int64_t before = store_changes(store);
    query_open(&query, store,
               "DELETE FROM tag WHERE experiment = ? AND tag IN (SELECT value FROM json_each(?))"
               " AND tag NOT IN (SELECT value FROM json_each(?))");
    query_bind_int(&query, id);
    query_bind_text(&query, tags->remove);
    query_bind_text(&query, tags->add);
    if (!query_run(&query, error))
        return false;
    query_open(&query, store,
               "INSERT OR IGNORE INTO tag (experiment, at_ms, person, tag)"
               " SELECT ?, ?, ?, value FROM json_each(?)");
    query_bind_int(&query, id);
    query_bind_int(&query, author->now_ms);
    query_bind_text(&query, author->person);
    query_bind_text(&query, tags->add);
    if (!query_run(&query, error))
        return false;
    *changed = store_changes(store) != before;
    return true;
}

/* --- notes --- */

bool remarks_overnoted(struct store *store, const char *ids, const char *key, int64_t *id,
                       struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT id.value FROM json_each(?) id WHERE"
               " (SELECT count(text) FROM note WHERE experiment = id.value) >= ? AND NOT EXISTS"
               " (SELECT 1 FROM note WHERE experiment = id.value AND key = ?) LIMIT 1");
    query_bind_text(&query, ids);
    query_bind_int(&query, NOTES_MAX);
    query_bind_text(&query, key);
    return take_id(&query, id, error);
}

bool remarks_note(struct store *store, int64_t id, const char *key, const char *text,
                  const struct remark_author *author, int64_t *number, struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO note (experiment, key, at_ms, person, text, number)"
               " VALUES (?1, ?2, ?3, ?4, ?5,"
               " (SELECT coalesce(max(number), 0) + 1 FROM note WHERE experiment = ?1))"
               " ON CONFLICT (experiment, key) DO NOTHING");
    query_bind_int(&query, id);
    query_bind_text(&query, key);
    query_bind_int(&query, author->now_ms);
    query_bind_text(&query, author->person);
    query_bind_text(&query, text);
    if (!query_run(&query, error))
        return false;
    query_open(&query, store, "SELECT number FROM note WHERE experiment = ? AND key = ?");
    query_bind_int(&query, id);
    query_bind_text(&query, key);
    return take_id(&query, number, error);
}

bool remarks_erase(struct store *store, int64_t id, int64_t number, bool *found, bool *changed,
                   struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT text IS NOT NULL FROM note WHERE experiment = ? AND number = ?");
    query_bind_int(&query, id);
    query_bind_int(&query, number);
    *found = query_next(&query);
    *changed = *found && query_int(&query) != 0;
    if (!query_close(&query, error))
        return false;
    if (!*changed)
        return true;
    query_open(&query, store, "UPDATE note SET text = NULL WHERE experiment = ? AND number = ?");
    query_bind_int(&query, id);
    query_bind_int(&query, number);
    return query_run(&query, error);
}

static cJSON *note_json(struct query *query) {
    cJSON *note = cJSON_CreateObject();
    columns_add_int(note, "number", query);
    columns_add_int(note, "at_ms", query);
    columns_add_text(note, "person", query);
    columns_add_text(note, "text", query);
    return note;
}

bool remarks_view_notes(struct store *store, int64_t id, cJSON *object, struct error *error) {
    return columns_add_rows(store,
                            "SELECT number, at_ms, person, text FROM note WHERE experiment = ?"
                            " AND text IS NOT NULL ORDER BY number LIMIT ?",
                            id, object, "notes", note_json, error);
}
