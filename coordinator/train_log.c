#include "coordinator/train_log.h"

#include "coordinator/lookups.h"
#include "coordinator/query.h"
#include "core/json.h"
#include "core/text.h"

#include <string.h>

/* --- written --- */

/* What stood from the offset on goes: whole pieces, and the end of the one that the offset cuts. A
 * piece that is there already changes nothing: a report that comes twice must not take away what
 * came between. */
bool train_log_record(struct store *store, const struct report_key *key, const cJSON *body,
                      struct error *error) {
    struct query query;
    int64_t offset = json_integer(body, "offset");
    const char *text = json_string(body, "text");
    query_open(&query, store, "SELECT 1 FROM log WHERE experiment = ? AND offset = ? AND text = ?");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    query_bind_bytes(&query, text, strlen(text));
    bool there = query_next(&query);
    if (!query_close(&query, error))
        return false;
    if (there)
        return true;
    query_open(&query, store, "DELETE FROM log WHERE experiment = ? AND offset >= ?");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    if (!query_run(&query, error))
        return false;
    query_open(&query, store,
               "UPDATE log SET text = substr(text, 1, ?2 - offset) WHERE experiment = ?1 AND offset"
               " = (SELECT max(offset) FROM log WHERE experiment = ?1)"
               " AND offset + length(text) > ?2");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    if (!query_run(&query, error))
        return false;
    if (text[0] == '\0')
        return true;
    query_open(&query, store, "INSERT INTO log (experiment, offset, text) VALUES (?, ?, ?)");
    query_bind_int(&query, key->experiment);
    query_bind_int(&query, offset);
    query_bind_bytes(&query, text, strlen(text));
    return query_run(&query, error);
}

/* --- read --- */

/* How many of the bytes to show: all, or as many as end between two UTF-8 characters. */
static size_t whole_characters(const char *bytes, size_t length, size_t limit) {
    if (length <= limit)
        return length;
    size_t cut = limit;
    while (cut > 0 && ((unsigned char)bytes[cut] & 0xc0) == 0x80)
        cut--;
    return cut;
}

bool train_log_view(struct store *store, int64_t id, int64_t offset, cJSON **log, bool *found,
                    struct error *error) {
    struct query query;
    struct text text = {0};
    char state[16];
    int64_t from = offset;
    if (!lookup_state(store, id, state, error))
        return false;
    *found = state[0] != '\0';
    if (!*found)
        return true;
    query_open(&query, store,
               "SELECT offset, text FROM log WHERE experiment = ?1 AND offset + length(text) > ?2"
               " ORDER BY offset");
    query_bind_int(&query, id);
    query_bind_int(&query, offset);
    while (text.length < TRAIN_LOG_PAGE_BYTES && query_next(&query)) {
        int64_t start = query_int(&query);
        size_t length;
        const char *bytes = query_bytes(&query, &length);
        if (text.length == 0 && start > from)
            from = start;
        if (start > from + (int64_t)text.length)
            break;
        size_t skipped = start < from ? (size_t)(from - start) : 0;
        text_add(&text, bytes + skipped,
                 whole_characters(bytes + skipped, length - skipped,
                                  TRAIN_LOG_PAGE_BYTES - text.length));
    }
    int64_t next = from + (int64_t)text.length;
    bool good = query_close(&query, error);
    if (good && text.failed)
        good = error_set(error, ERROR_FAILED, "no memory for the log of experiment %lld",
                         (long long)id);
    if (good) {
        *log = cJSON_CreateObject();
        cJSON_AddNumberToObject(*log, "offset", (double)from);
        cJSON_AddStringToObject(*log, "text", text.data != NULL ? text.data : "");
        cJSON_AddNumberToObject(*log, "next", (double)next);
        cJSON_AddStringToObject(*log, "state", state);
    }
    text_free(&text);
    return good;
}
