#include "coordinator/scores.h"

#include "coordinator/lookups.h"
#include "coordinator/query.h"
#include "coordinator/views.h"
#include "core/json.h"

#include <string.h>

enum { REST = 80 }; /* what one picture of an answer takes at most beside its path */

/* --- written --- */

/* Binds experiment, checkpoint and split. */
static void bind_evaluation(struct query *query, const struct report_key *key, const cJSON *body) {
    query_bind_int(query, key->experiment);
    query_bind_text(query, json_member(body, "checkpoint")->valuestring);
    query_bind_text(query, json_member(body, "split")->valuestring);
}

static bool record_one(struct store *store, const struct report_key *key, const cJSON *body,
                       int64_t position, const cJSON *picture, struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO score (experiment, checkpoint, split, position, attempt, class, path,"
               " probability) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
               " ON CONFLICT (experiment, checkpoint, split, position) DO UPDATE SET"
               " attempt = excluded.attempt, class = excluded.class, path = excluded.path,"
               " probability = excluded.probability WHERE excluded.attempt > score.attempt");
    bind_evaluation(&query, key, body);
    query_bind_int(&query, position);
    query_bind_int(&query, key->attempt);
    query_bind_int(&query, (int64_t)json_member(picture, "class")->valuedouble);
    query_bind_text(&query, json_member(picture, "path")->valuestring);
    query_bind_double(&query, json_member(picture, "probability")->valuedouble);
    return query_run(&query, error);
}

/* The first piece takes away what earlier attempts have reported: it may have been more. */
bool scores_record(struct store *store, const struct report_key *key, const cJSON *body,
                   struct error *error) {
    struct query query;
    int64_t position = (int64_t)json_member(body, "position")->valuedouble;
    const cJSON *picture;
    if (position == 0) {
        query_open(&query, store,
                   "DELETE FROM score WHERE experiment = ? AND checkpoint = ? AND split = ?"
                   " AND attempt < ?");
        bind_evaluation(&query, key, body);
        query_bind_int(&query, key->attempt);
        if (!query_run(&query, error))
            return false;
    }
    cJSON_ArrayForEach(picture, json_member(body, "pictures")) {
        if (!record_one(store, key, body, position++, picture, error))
            return false;
    }
    return true;
}

/* --- read --- */

/* [{"name", "label"}]: what a picture's class is an index of, as the evaluations named them: split
 * files may bring classes that the experiment does not name. Where none has named any as the
 * experiment does. */
static bool add_classes(struct store *store, int64_t id, cJSON *list, struct error *error) {
    struct query query;
    cJSON *classes = cJSON_AddArrayToObject(list, "classes");
    query_open(&query, store,
               "SELECT name, label FROM"
               " (SELECT class AS place, name, label FROM class_result WHERE experiment = ?1"
               " GROUP BY class UNION ALL"
               " SELECT key, value ->> 'name', value ->> 'label' FROM experiment,"
               " json_each(config, '$.data.classes') WHERE experiment.id = ?1"
               " AND NOT EXISTS (SELECT 1 FROM class_result WHERE experiment = ?1))"
               " ORDER BY place");
    query_bind_int(&query, id);
    while (query_next(&query)) {
        cJSON *class = cJSON_CreateObject();
        cJSON_AddStringToObject(class, "name", query_text(&query));
        cJSON_AddNumberToObject(class, "label", (double)query_int(&query));
        cJSON_AddItemToArray(classes, class);
    }
    return query_close(&query, error);
}

/* "next" is the position of the picture that would be one too many, or null. There are none before
 * the evaluation that they belong to is there, and none while a later attempt's replace them: the
 * first ones are of one class, and who counts them takes them for all. */
static bool add_pictures(struct store *store, int64_t id, const struct scores_asked *asked,
                         cJSON *list, struct error *error) {
    struct query query;
    cJSON *pictures = cJSON_AddArrayToObject(list, "pictures");
    size_t bytes = 0;
    int64_t next = 0;
    query_open(&query, store,
               "SELECT position, path, class, probability FROM score WHERE experiment = ?1"
               " AND checkpoint = ?2 AND split = ?3 AND position >= ?4 AND EXISTS (SELECT 1"
               " FROM evaluation AS whole JOIN score AS final USING (experiment, checkpoint, split)"
               " WHERE experiment = ?1 AND checkpoint = ?2 AND split = ?3 AND final.position ="
               " true_positive + true_negative + false_positive + false_negative - 1)"
               " ORDER BY position LIMIT ?5");
    query_bind_int(&query, id);
    query_bind_text(&query, asked->checkpoint);
    query_bind_text(&query, asked->split);
    query_bind_int(&query, asked->position);
    query_bind_int(&query, SCORES_PAGE + 1);
    for (int count = 0; query_next(&query); count++) {
        int64_t position = query_int(&query);
        const char *path = query_text(&query);
        bytes += REST + VIEW_ESCAPED * strlen(path);
        if (count == SCORES_PAGE || bytes > SCORES_PAGE_BYTES) {
            next = position;
            break;
        }
        cJSON *picture = cJSON_CreateObject();
        cJSON_AddStringToObject(picture, "path", path);
        cJSON_AddNumberToObject(picture, "class", (double)query_int(&query));
        cJSON_AddNumberToObject(picture, "probability", query_double(&query));
        cJSON_AddItemToArray(pictures, picture);
    }
    json_add_defined(list, "next", next > 0, (double)next);
    return query_close(&query, error);
}

bool scores_view(struct store *store, int64_t id, const struct scores_asked *asked, cJSON **list,
                 bool *found, struct error *error) {
    char state[16];
    if (!lookup_state(store, id, state, error))
        return false;
    *found = state[0] != '\0';
    if (!*found)
        return true;
    *list = cJSON_CreateObject();
    cJSON_AddNumberToObject(*list, "position", (double)asked->position);
    if (add_classes(store, id, *list, error) && add_pictures(store, id, asked, *list, error))
        return true;
    cJSON_Delete(*list);
    return false;
}
