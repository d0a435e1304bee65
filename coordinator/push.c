/* push: data sets that people bring: what is missing of a listing, and its files. */
#include "coordinator/files.h"
#include "coordinator/listings.h"
#include "core/json.h"
#include "core/text.h"

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

struct search {
    const struct blobs *blobs;
    int64_t missing;
};

static void look_for(void *context, const char *sha256, int64_t bytes) {
    struct search *search = context;
    search->missing += blobs_size(search->blobs, sha256) != bytes;
}

bool push_listings(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    cJSON *listings, *listing;
    if (!files_check_store(request) || !listing_all(coordinator->store, &listings, &request->error))
        return false;
    cJSON_ArrayForEach(listing, listings) {
        struct search search = {.blobs = uploads_blobs(coordinator->uploads)};
        if (!listing_files(coordinator->store, json_string(listing, "listing"), look_for, &search,
                           &request->error)) {
            cJSON_Delete(listings);
            return false;
        }
        cJSON_AddNumberToObject(listing, "missing_files", (double)search.missing);
    }
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddItemToObject(answer, "listings", listings);
    return request_done(request, "listed", answer);
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
