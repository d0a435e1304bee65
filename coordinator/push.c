/* push: data sets that people bring: what is missing of a listing, and its files. */
#include "coordinator/files.h"
#include "coordinator/listings.h"
#include "core/json.h"
#include "core/text.h"

#include <stdio.h>

static bool check_files(struct request *request) {
    const cJSON *file;
    cJSON_ArrayForEach(file, json_member(request->body, "files")) {
        if (!files_check_sum(request, json_string(file, "sha256")) ||
            !files_check_bytes(request, json_integer(file, "bytes")))
            return false;
    }
    return true;
}

bool push_listing(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const cJSON *body = request->body, *file;
    const char *listing = json_string(body, "listing"), *name = json_string(body, "name");
    if (!files_check_store(request) || !files_check_sum(request, listing) || !check_files(request))
        return false;
    if (!text_printable(name))
        return request_refuse(request, WIRE_INVALID, "push: the name has control characters");
    if (!listing_put(coordinator->store, listing, name, coordinator->now.unix_ms, &request->error))
        return false;
    cJSON *answer = cJSON_CreateObject(), *missing = cJSON_AddArrayToObject(answer, "files");
    cJSON_ArrayForEach(file, json_member(body, "files")) {
        const char *sha256 = json_string(file, "sha256");
        const int64_t bytes = json_integer(file, "bytes");
        if (!listing_add(coordinator->store, listing, sha256, bytes, &request->error)) {
            cJSON_Delete(answer);
            return false;
        }
        if (blobs_size(uploads_blobs(coordinator->uploads), sha256) != bytes)
            cJSON_AddItemToArray(missing, cJSON_Duplicate(file, true));
    }
    return request_done(request, "missing", answer);
}

bool push_listings(struct request *request) {
    cJSON *listings, *answer;
    if (!files_check_store(request) ||
        !listing_all(request->coordinator->store, &listings, &request->error))
        return false;
    answer = cJSON_CreateObject();
    cJSON_AddItemToObject(answer, "listings", listings);
    return request_done(request, "listed", answer);
}

/* How many files each listing lacks. */
struct survey {
    const struct blobs *blobs;
    cJSON *missing;
    int64_t looked_at;
};

static void look_for(void *context, const char *listing, const char *sha256, int64_t bytes) {
    struct survey *survey = context;
    survey->looked_at++;
    if (blobs_size(survey->blobs, sha256) == bytes)
        return;
    cJSON *count = cJSON_GetObjectItemCaseSensitive(survey->missing, listing);
    if (count != NULL)
        cJSON_SetNumberValue(count, count->valuedouble + 1);
    else
        cJSON_AddNumberToObject(survey->missing, listing, 1);
}

bool push_survey(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    unsigned folder = (unsigned)json_integer(request->body, "from");
    char digits[16];
    if (!files_check_store(request))
        return false;
    cJSON *answer = cJSON_CreateObject();
    struct survey survey = {.blobs = uploads_blobs(coordinator->uploads),
                            .missing = cJSON_AddObjectToObject(answer, "missing")};
    for (; folder < BLOBS_PARTS && survey.looked_at < FILES_LOOK_MOST; folder++) {
        snprintf(digits, sizeof digits, "%02x", folder);
        if (!listing_files(coordinator->store, digits, look_for, &survey, &request->error)) {
            cJSON_Delete(answer);
            return false;
        }
    }
    if (folder < BLOBS_PARTS)
        cJSON_AddNumberToObject(answer, "next", folder);
    return request_done(request, "surveyed", answer);
}

/* Only what a listing keeps is taken: the next gc would remove anything else. *listed: how long the
 * file is there, `bytes` if any listing says so. */
static bool check_listed(struct request *request, const char *sha256, int64_t bytes,
                         int64_t *listed) {
    if (!listing_bytes(request->coordinator->store, sha256, bytes, listed, &request->error))
        return false;
    return *listed >= 0 ||
           request_refuse(request, WIRE_NOT_FOUND,
                          "no data set here has the file %s: push its listing first", sha256);
}

bool push_store(struct request *request) {
    const char *sha256 = json_string(request->body, "sha256");
    const int64_t bytes = json_integer(request->body, "bytes");
    struct error why = {0};
    int64_t offset, listed;
    if (!files_check_store(request) || !files_check_sum(request, sha256) ||
        !check_listed(request, sha256, bytes, &listed))
        return false;
    if (bytes != listed)
        return request_refuse(request, WIRE_INVALID, "store: %lld bytes of a file of %lld",
                              (long long)bytes, (long long)listed);
    enum upload_state state = uploads_offer(request->coordinator->uploads, sha256, bytes,
                                            request->coordinator->now.steady_ms, &offset, &why);
    return files_answer_state(request, state, offset, &why);
}

bool push_append(struct request *request) {
    const char *sha256 = json_string(request->body, "sha256");
    struct error why = {0};
    int64_t next, listed;
    if (!files_check_store(request) || !files_check_sum(request, sha256) ||
        !check_listed(request, sha256, -1, &listed))
        return false;
    enum upload_state state = uploads_take(
        request->coordinator->uploads, sha256, json_integer(request->body, "offset"),
        request->bytes, request->bytes_length, request->coordinator->now.steady_ms, &next, &why);
    return files_answer_state(request, state, next, &why);
}
