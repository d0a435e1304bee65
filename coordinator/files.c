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
    REMOVE_MOST = 256,   /* files after whose removal a `gc` leaves the rest to the next one */
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
            (fork_arrived(coordinator->store, artifact.experiment, &coordinator->scheduler,
                          &request->error) &&
             desk_bind_forks(coordinator, artifact.experiment, &request->error))) &&
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

/* Files and what they take. */
struct sum {
    int64_t files, bytes;
};

static void move(int64_t bytes, struct sum *from, struct sum *to) {
    from->files--;
    from->bytes -= bytes;
    to->files++;
    to->bytes += bytes;
}

/* What one `gc` clears away. What it dooms is not gone before the commit, and may stay all the
 * same, so the answer is made after it. */
struct clearing {
    struct sum gone, kept, left; /* left: nothing names it, and it is there still */
    unsigned folder;             /* the first that was not looked at yet */
    size_t doomed_from, doomed_to;
    struct error stuck; /* why the first of what was tried is left */
};

struct walk {
    struct request *request;
    struct clearing *clearing;
    int64_t every, looked_at;
    char *without; /* listings that keep nothing: a JSON list; NULL: none */
    bool dry, good;
};

static void add(struct sum *sum, int64_t bytes) {
    sum->files++;
    sum->bytes += bytes;
}

static void clear_one(void *context, const char *sha256, bool part, int64_t bytes) {
    struct walk *walk = context;
    struct clearing *clearing = walk->clearing;
    struct request *request = walk->request;
    struct coordinator *coordinator = request->coordinator;
    struct error why = {0};
    bool kept = uploads_expects(coordinator->uploads, sha256, coordinator->now.steady_ms);
    if (!walk->good)
        return;
    walk->looked_at++;
    if (!kept && !part)
        walk->good = artifact_kept(coordinator->store, sha256, walk->every, walk->without, &kept,
                                   &request->error);
    if (kept || !walk->good) {
        if (!part)
            add(&clearing->kept, bytes);
        return;
    }
    add(&clearing->gone, bytes);
    if (walk->dry)
        return;
    if (!part)
        walk->good = desk_doom(coordinator, sha256, &request->error);
    else if (!blobs_remove_part(uploads_blobs(coordinator->uploads), sha256, &why)) {
        move(bytes, &clearing->gone, &clearing->left);
        clearing->stuck = why;
    }
}

/* Everything that is not kept goes, or would, a whole folder at a time. */
static bool clear(struct walk *walk) {
    struct coordinator *coordinator = walk->request->coordinator;
    struct clearing *clearing = walk->clearing;
    struct error why = {0};
    clearing->doomed_from = coordinator->doomed_count;
    while (walk->good && clearing->folder < BLOBS_FOLDERS && walk->looked_at < FILES_LOOK_MOST &&
           (walk->dry || clearing->gone.files < REMOVE_MOST))
        if (!blobs_each_in(uploads_blobs(coordinator->uploads), clearing->folder++, clear_one, walk,
                           &why))
            return request_refuse(walk->request, WIRE_STORAGE, "%s", why.message);
    clearing->doomed_to = coordinator->doomed_count;
    return walk->good;
}

static void settle_gc(const struct coordinator *coordinator, struct reply *reply) {
    struct clearing *clearing = reply->unsettled;
    const struct blobs *blobs = uploads_blobs(coordinator->uploads);
    for (size_t i = clearing->doomed_from; i < clearing->doomed_to; i++) {
        const struct doomed *doomed = &coordinator->doomed[i];
        if (doomed->fate == FATE_STUCK)
            clearing->stuck = coordinator->stuck;
        if (doomed->fate != FATE_GONE)
            move(blobs_size(blobs, doomed->sha256), &clearing->gone,
                 doomed->fate == FATE_KEPT ? &clearing->kept : &clearing->left);
    }
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "files", (double)clearing->gone.files);
    cJSON_AddNumberToObject(answer, "bytes", (double)clearing->gone.bytes);
    cJSON_AddNumberToObject(answer, "kept_files", (double)clearing->kept.files);
    cJSON_AddNumberToObject(answer, "kept_bytes", (double)clearing->kept.bytes);
    if (clearing->stuck.code != ERROR_NONE) {
        cJSON_AddNumberToObject(answer, "left_files", (double)clearing->left.files);
        cJSON_AddNumberToObject(answer, "left_bytes", (double)clearing->left.bytes);
        cJSON_AddStringToObject(answer, "error", clearing->stuck.message);
    }
    if (clearing->folder < BLOBS_FOLDERS)
        cJSON_AddNumberToObject(answer, "next", clearing->folder);
    reply->body = answer;
}

/* What `unused_data` lets go of: a dry run looks away from it; else one listing is deleted a turn,
 * which may have a hundred thousand files, and the folders have their turn behind the last. */
static bool forget_unused(struct walk *walk, bool *more) {
    struct request *request = walk->request;
    struct store *store = request->coordinator->store;
    cJSON *unused = NULL;
    if (!walk->dry && walk->clearing->folder > 0) /* they have gone */
        return true;
    if (!listing_unused(store, &unused, &request->error))
        return false;
    const cJSON *first = unused->child;
    bool good = true;
    if (walk->dry) {
        walk->without = json_text(unused);
        good = walk->without != NULL || error_memory(&request->error);
    } else if (first != NULL) {
        *more = first->next != NULL;
        good = listing_forget(store, first->valuestring, &request->error);
    }
    cJSON_Delete(unused);
    return good;
}

bool files_gc(struct request *request) {
    const cJSON *body = request->body, *every = json_member(body, "keep_every");
    struct store *store = request->coordinator->store;
    struct error why = {0};
    bool more = false;
    if (!files_check_store(request))
        return false;
    struct clearing *clearing = calloc(1, sizeof *clearing);
    struct walk walk = {
        .request = request,
        .clearing = clearing,
        .every = cJSON_IsNumber(every) ? json_integer(body, "keep_every") : ARTIFACT_KEEP_ALL,
        .dry = cJSON_IsTrue(json_member(body, "dry_run")),
        .good = true,
    };
    if (clearing == NULL)
        return error_memory(&request->error);
    clearing->folder = (unsigned)json_integer(body, "from");
    bool good = store_mark(store, &request->error);
    if (!good)
        goto out;
    good = (walk.dry || artifact_thin(store, walk.every, &request->error)) &&
           (!cJSON_IsTrue(json_member(body, "unused_data")) || forget_unused(&walk, &more)) &&
           (more || clear(&walk));
    if (!store_unmark(store, walk.dry || !good, &why)) {
        request->code = WIRE_INTERNAL;
        request->error = why;
        good = false;
    }
out:
    free(walk.without);
    if (!good) {
        free(clearing);
        return false;
    }
    request_done(request, "cleared", NULL);
    request->reply->settle = settle_gc;
    request->reply->unsettled = clearing;
    return true;
}
