/* files: the requests that carry files: what workers offer and send, what anybody fetches, and what
 * is cleared away. */
#include "coordinator/files.h"

#include "coordinator/artifacts.h"
#include "coordinator/fork.h"
#include "coordinator/listings.h"
#include "coordinator/lookups.h"
#include "coordinator/uploads.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

enum {
    SEAL_RETRY_MS = 100, /* when to ask again whether a blob is sealed */
    REMOVE_MOST = 256,   /* files that one `gc` removes: the loop has others to serve */
};

bool files_check_store(struct request *request) {
    return request->coordinator->uploads != NULL ||
           request_refuse(request, WIRE_UNKNOWN, "this coordinator keeps no files");
}

bool files_check_sum(struct request *request, const char *sha256) {
    return sha256_valid(sha256) ||
           request_refuse(request, WIRE_INVALID, "\"%.80s\" is no SHA-256 in lower case", sha256);
}

bool files_check_bytes(struct request *request, int64_t bytes) {
    return bytes <= UPLOADS_BYTES_MAX ||
           request_refuse(request, WIRE_INVALID, "a file of %lld bytes: at most %lld are taken",
                          (long long)bytes, (long long)UPLOADS_BYTES_MAX);
}

/* The name of a file in its run's folder, here and on every machine that fetches it. */
static bool check_name(struct request *request) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *name = json_string(request->body, "name");
    return (name[0] != '.' && name[strspn(name, letters)] == '\0') ||
           request_refuse(request, WIRE_INVALID,
                          "offer: a file's name has letters, digits, '.', '_' and '-', and does "
                          "not begin with '.'");
}

/* Only the holder of the lease may send; and who has ended the attempt, while nobody has the next
 * one: what the disk had no room for then may come later. */
static bool check_lease(struct request *request) {
    const cJSON *body = request->body;
    const int64_t experiment = json_integer(body, "experiment"),
                  attempt = json_integer(body, "attempt");
    bool ended = false;
    if (desk_held_job(request) != NULL)
        return true;
    if (!lookup_latest_ended(request->coordinator->store, experiment, attempt,
                             json_string(body, "worker"), &ended, &request->error))
        return false;
    return ended ||
           request_refuse(request, WIRE_FENCED,
                          "attempt %lld of experiment %lld is over: nothing of it is taken",
                          (long long)attempt, (long long)experiment);
}

static bool put_row(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const cJSON *body = request->body;
    char replaced[SHA256_TEXT_SIZE];
    const struct artifact artifact = {
        .experiment = json_integer(body, "experiment"),
        .attempt = json_integer(body, "attempt"),
        .name = json_string(body, "name"),
        .kind = json_string(body, "kind"),
        .sha256 = json_string(body, "sha256"),
        .epoch = json_integer(body, "epoch"),
        .bytes = json_integer(body, "bytes"),
    };
    return artifact_put(coordinator->store, &artifact, coordinator->now.unix_ms, replaced,
                        &request->error) &&
           (strcmp(artifact.kind, "file") == 0 ||
            fork_arrived(coordinator->store, artifact.experiment, &coordinator->scheduler,
                         &request->error)) &&
           (replaced[0] == '\0' || desk_doom(coordinator, replaced, &request->error));
}

bool files_answer_state(struct request *request, enum upload_state state, int64_t offset,
                        const struct error *why) {
    cJSON *answer = cJSON_CreateObject();
    switch (state) {
    case UPLOAD_WANTED:
        cJSON_AddNumberToObject(answer, "offset", (double)offset);
        cJSON_AddNumberToObject(answer, "credit", UPLOADS_CREDIT);
        cJSON_AddNumberToObject(answer, "piece", UPLOADS_PIECE);
        return request_done(request, "want", answer);
    case UPLOAD_SEALING:
        cJSON_AddNumberToObject(answer, "retry_ms", SEAL_RETRY_MS);
        return request_done(request, "sealing", answer);
    case UPLOAD_UNKNOWN:
        cJSON_Delete(answer);
        return request_refuse(request, WIRE_NOT_FOUND, "this file was not offered; offer it first");
    case UPLOAD_REFUSED:
        cJSON_Delete(answer);
        return request_refuse(request, why->code == ERROR_INPUT ? WIRE_INVALID : WIRE_STORAGE, "%s",
                              why->message);
    case UPLOAD_THERE: break;
    }
    cJSON_Delete(answer);
    return request_done(request, "have", NULL);
}

bool files_offer(struct request *request) {
    struct uploads *uploads = request->coordinator->uploads;
    const int64_t bytes = json_integer(request->body, "bytes");
    struct error why = {0};
    int64_t offset;
    if (!files_check_store(request) ||
        !files_check_sum(request, json_string(request->body, "sha256")) ||
        !files_check_bytes(request, bytes) || !check_name(request) || !check_lease(request))
        return false;
    enum upload_state state = uploads_offer(uploads, json_string(request->body, "sha256"), bytes,
                                            request->coordinator->now.steady_ms, &offset, &why);
    if (state == UPLOAD_THERE && !put_row(request))
        return false;
    return files_answer_state(request, state, offset, &why);
}

bool files_send(struct request *request) {
    struct error why = {0};
    int64_t next;
    if (!files_check_store(request) ||
        !files_check_sum(request, json_string(request->body, "sha256")) || !check_lease(request))
        return false;
    enum upload_state state =
        uploads_take(request->coordinator->uploads, json_string(request->body, "sha256"),
                     json_integer(request->body, "offset"), request->bytes, request->bytes_length,
                     request->coordinator->now.steady_ms, &next, &why);
    return files_answer_state(request, state, next, &why);
}

bool files_fetch(struct request *request) {
    const cJSON *body = request->body;
    const char *sha256 = json_string(body, "sha256");
    const int64_t offset = json_integer(body, "offset");
    struct error why = {0};
    size_t length = 0;
    if (!files_check_store(request) || !files_check_sum(request, sha256))
        return false;
    const struct blobs *blobs = uploads_blobs(request->coordinator->uploads);
    int64_t bytes = blobs_size(blobs, sha256);
    if (bytes < 0)
        return request_refuse(request, WIRE_NOT_FOUND, "no file here has the SHA-256 %s", sha256);
    if (offset >= bytes)
        return request_refuse(request, WIRE_INVALID, "fetch: offset %lld of a file of %lld bytes",
                              (long long)offset, (long long)bytes);
    char *data = malloc(UPLOADS_PIECE);
    if (data == NULL)
        return error_set(&request->error, ERROR_FAILED, "no memory for a piece of a file");
    if (!blobs_read(blobs, sha256, offset, data, UPLOADS_PIECE, &length, &why) || length == 0) {
        free(data);
        return request_refuse(request, WIRE_STORAGE, "%s",
                              length == 0 && why.code == ERROR_NONE ? "the file is cut short"
                                                                    : why.message);
    }
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "offset", (double)offset);
    cJSON_AddNumberToObject(answer, "bytes", (double)bytes);
    request_done(request, "piece", answer);
    request->reply->bytes = data;
    request->reply->bytes_length = length;
    return true;
}

/* --- gc --- */

struct clearing {
    struct request *request;
    int64_t every;
    bool dry, good, more;
    int64_t files, bytes, kept_files, kept_bytes;
};

static void clear_one(void *context, const char *sha256, bool part, int64_t bytes) {
    struct clearing *clearing = context;
    struct request *request = clearing->request;
    struct coordinator *coordinator = request->coordinator;
    bool kept = uploads_expects(coordinator->uploads, sha256, coordinator->now.steady_ms);
    if (!clearing->good)
        return;
    if (!kept && !part)
        clearing->good =
            artifact_kept(coordinator->store, sha256, clearing->every, &kept, &request->error);
    if (kept || !clearing->good) {
        clearing->kept_files += !part;
        clearing->kept_bytes += part ? 0 : bytes;
        return;
    }
    if (!clearing->dry && clearing->files == REMOVE_MOST) {
        clearing->more = true;
        return;
    }
    clearing->files++;
    clearing->bytes += bytes;
    if (!clearing->dry && part)
        blobs_remove_part(uploads_blobs(coordinator->uploads), sha256, NULL);
    else if (!clearing->dry)
        clearing->good = desk_doom(coordinator, sha256, &request->error);
}

/* Everything that is not kept goes, or would. */
static bool clear(struct request *request, struct clearing *clearing) {
    struct error why = {0};
    if (!blobs_each(uploads_blobs(request->coordinator->uploads), clear_one, clearing, &why))
        return request_refuse(request, WIRE_STORAGE, "%s", why.message);
    return clearing->good;
}

bool files_gc(struct request *request) {
    const cJSON *body = request->body, *every = json_member(body, "keep_every");
    struct clearing clearing = {
        .request = request,
        .every = cJSON_IsNumber(every) ? json_integer(body, "keep_every") : ARTIFACT_KEEP_ALL,
        .dry = cJSON_IsTrue(json_member(body, "dry_run")),
        .good = true,
    };
    struct error why = {0};
    struct store *store = request->coordinator->store;
    if (!files_check_store(request) || !store_mark(store, &request->error))
        return false;
    bool good = (clearing.dry || artifact_thin(store, clearing.every, &request->error)) &&
                (!cJSON_IsTrue(json_member(body, "unused_data")) ||
                 listing_forget_unused(store, &request->error)) &&
                clear(request, &clearing);
    if (!store_unmark(store, clearing.dry || !good, &why)) {
        request->code = WIRE_INTERNAL;
        request->error = why;
        good = false;
    }
    if (!good)
        return false;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "files", (double)clearing.files);
    cJSON_AddNumberToObject(answer, "bytes", (double)clearing.bytes);
    cJSON_AddNumberToObject(answer, "kept_files", (double)clearing.kept_files);
    cJSON_AddNumberToObject(answer, "kept_bytes", (double)clearing.kept_bytes);
    cJSON_AddBoolToObject(answer, "more", clearing.more);
    return request_done(request, "cleared", answer);
}
