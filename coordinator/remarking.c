/* remarking: the requests that write tags and notes on experiments. They change nothing that the
 * scheduler knows. */
#include "coordinator/desk.h"
#include "core/json.h"
#include "core/remark.h"

#include <stdlib.h>

struct remark_author people_author(const struct request *request) {
    return (struct remark_author){.person = request->person,
                                  .now_ms = request->coordinator->now.unix_ms};
}

bool people_remarks_sound(struct request *request, const cJSON *tags, const cJSON *note) {
    struct error why = {0};
    const cJSON *tag;
    cJSON_ArrayForEach(tag, tags) {
        if (!tag_check(tag->valuestring, &why))
            return request_refuse(request, WIRE_INVALID, "%s", why.message);
    }
    return note == NULL || note_check(note->valuestring, &why) ||
           request_refuse(request, WIRE_INVALID, "%s", why.message);
}

/* A list of the request's as text, "[]" where it has none; for free. */
static bool list_text(struct request *request, const char *key, char **text) {
    cJSON *none = cJSON_CreateArray();
    const cJSON *list = json_member(request->body, key);
    *text = json_text(list != NULL ? list : none);
    cJSON_Delete(none);
    return *text != NULL || error_set(&request->error, ERROR_FAILED, "no memory for the tags");
}

static bool check_tagging(struct request *request, const char *ids,
                          const struct remark_tags *tags) {
    int64_t over;
    if (!people_remarks_sound(request, json_member(request->body, "add"), NULL) ||
        !remarks_overtagged(request->coordinator->store, ids, tags, &over, &request->error))
        return false;
    return over == 0 ||
           request_refuse(request, WIRE_INVALID, "experiment %lld would have more than %d tags",
                          (long long)over, TAGS_MAX);
}

/* Answers `changed` with the ids whose tags are others now. */
static bool tag_each(struct request *request, const struct remark_tags *tags) {
    const struct remark_author author = people_author(request);
    cJSON *answer = cJSON_CreateObject(), *all = cJSON_AddArrayToObject(answer, "ids");
    const cJSON *id;
    cJSON_ArrayForEach(id, json_member(request->body, "ids")) {
        bool changed;
        if (!remarks_tag(request->coordinator->store, (int64_t)id->valuedouble, tags, &author,
                         &changed, &request->error)) {
            cJSON_Delete(answer);
            return false;
        }
        if (changed)
            cJSON_AddItemToArray(all, cJSON_CreateNumber(id->valuedouble));
    }
    return request_done(request, "changed", answer);
}

bool people_tag(struct request *request) {
    char *ids = NULL, *remove = NULL, *add = NULL;
    bool good = people_ids(request, &ids) && list_text(request, "remove", &remove) &&
                list_text(request, "add", &add);
    const struct remark_tags tags = {.remove = remove, .add = add};
    good = good && check_tagging(request, ids, &tags) && tag_each(request, &tags);
    free(ids);
    free(remove);
    free(add);
    return good;
}

static bool check_noting(struct request *request, const char *ids) {
    int64_t over;
    if (!people_remarks_sound(request, NULL, json_member(request->body, "text")) ||
        !remarks_overnoted(request->coordinator->store, ids, json_string(request->body, "key"),
                           &over, &request->error))
        return false;
    return over == 0 || request_refuse(request, WIRE_INVALID,
                                       "experiment %lld has %d notes, and more are not kept",
                                       (long long)over, NOTES_MAX);
}

/* Answers `noted` with the number of each experiment's note. */
static bool note_each(struct request *request) {
    const struct remark_author author = people_author(request);
    cJSON *answer = cJSON_CreateObject(), *all = cJSON_AddArrayToObject(answer, "notes");
    const cJSON *id;
    cJSON_ArrayForEach(id, json_member(request->body, "ids")) {
        int64_t number;
        if (!remarks_note(request->coordinator->store, (int64_t)id->valuedouble,
                          json_string(request->body, "key"), json_string(request->body, "text"),
                          &author, &number, &request->error)) {
            cJSON_Delete(answer);
            return false;
        }
        cJSON *note = cJSON_CreateObject();
        cJSON_AddNumberToObject(note, "id", id->valuedouble);
        cJSON_AddNumberToObject(note, "number", (double)number);
        cJSON_AddItemToArray(all, note);
    }
    return request_done(request, "noted", answer);
}

bool people_note(struct request *request) {
    char *ids;
    bool good = people_ids(request, &ids) && check_noting(request, ids) && note_each(request);
    free(ids);
    return good;
}

bool people_erase(struct request *request) {
    int64_t id = json_integer(request->body, "id"), number = json_integer(request->body, "number");
    bool found, changed;
    if (!remarks_erase(request->coordinator->store, id, number, &found, &changed, &request->error))
        return false;
    if (!found)
        return request_refuse(request, WIRE_NOT_FOUND, "experiment %lld has no note %lld",
                              (long long)id, (long long)number);
    cJSON *answer = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(answer, "ids");
    if (changed)
        cJSON_AddItemToArray(ids, cJSON_CreateNumber((double)id));
    return request_done(request, "changed", answer);
}
