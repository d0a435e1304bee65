#include "coordinator/query.h"
#include "core/depot.h"
#include "core/json.h"
#include "tests/world/folders.h"
#include "tests/world/world.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what is synced --- */

static struct shelf *watched;
static pthread_mutex_t synced_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_file(const char *path, const struct stat *file) {
    struct stat status;
    return stat(path, &status) == 0 && status.st_dev == file->st_dev &&
           status.st_ino == file->st_ino;
}

static void note_sync(const struct shelf *shelf, struct content *content, const struct stat *file) {
    char part[PATH_MAX], folder[PATH_MAX], blob[PATH_MAX];
    if (!depot_part(shelf->folder, content->sha256, part) ||
        !depot_folder(shelf->folder, content->sha256, folder) ||
        !depot_file(shelf->folder, content->sha256, blob))
        return;
    if (is_file(part, file) || is_file(blob, file))
        content->synced = file->st_size;
    if (is_file(folder, file))
        content->named = access(blob, F_OK) == 0;
}

static void note_syncs(const struct stat *file) {
    pthread_mutex_lock(&synced_lock);
    for (int i = 0; watched != NULL && i < watched->count; i++)
        note_sync(watched, &watched->contents[i], file);
    pthread_mutex_unlock(&synced_lock);
}

/* From now on a power cut leaves at most this. */
static void set_synced(struct content *content, int64_t synced, bool named) {
    pthread_mutex_lock(&synced_lock);
    content->synced = synced < content->synced ? synced : content->synced;
    content->named = content->named && named;
    pthread_mutex_unlock(&synced_lock);
}

static struct content *content_of(struct world *world, const struct wire_message *request) {
    const char *sha256 = json_string(request->body, "sha256");
    for (int i = 0; i < world->shelf.count && sha256 != NULL; i++)
        if (strcmp(world->shelf.contents[i].sha256, sha256) == 0)
            return &world->shelf.contents[i];
    return NULL;
}

/* Waits until its seal is over; what was wrong is gone then, and wanted from the beginning. */
static void settle(struct world *world, struct content *content) {
    int64_t offset;
    struct error error;
    while (content->sealing &&
           uploads_offer(world->shelf.uploads, content->sha256, content->bytes,
                         world->now.steady_ms, &offset, &error) == UPLOAD_SEALING)
        sched_yield();
    content->sealing = false;
}

struct content *shelf_content(struct world *world, const void *data, int64_t bytes) {
    struct shelf *shelf = &world->shelf;
    struct content made = {.bytes = bytes};
    sha256_text(data, (size_t)bytes, made.sha256);
    for (int i = 0; i < shelf->count; i++)
        if (strcmp(shelf->contents[i].sha256, made.sha256) == 0)
            return &shelf->contents[i];
    demand(world, shelf->count < CONTENTS_MOST, "there are other checkpoints than there should be");
    made.data = malloc((size_t)bytes);
    demand(world, made.data != NULL, "no memory");
    memcpy(made.data, data, (size_t)bytes);
    pthread_mutex_lock(&synced_lock);
    struct content *content = &shelf->contents[shelf->count++];
    *content = made;
    pthread_mutex_unlock(&synced_lock);
    return content;
}

bool shelf_open(struct world *world, struct error *error) {
    struct shelf *shelf = &world->shelf;
    watched = shelf->folder[0] != '\0' ? shelf : NULL;
    folders_watch(note_syncs);
    return watched == NULL || (blobs_open(shelf->folder, &shelf->blobs, error) &&
                               uploads_open(shelf->blobs, 0, &shelf->uploads, error));
}

/* --- the end of the process --- */

static void take_name_back(const struct world *world, const struct content *content) {
    char part[PATH_MAX], blob[PATH_MAX];
    if (depot_part(world->shelf.folder, content->sha256, part) &&
        depot_file(world->shelf.folder, content->sha256, blob) && rename(blob, part) == 0)
        tell(world, "%.8s has no name yet", content->sha256);
}

/* A seal under way has come to its end, or to its rename, or not as far. */
static void interrupt_seal(struct world *world, struct content *content) {
    if (!content->sealing)
        return;
    settle(world, content);
    int64_t came = some(world, 4);
    if (came < 3)
        set_synced(content, came < 1 ? 0 : content->bytes, false);
    if (came < 2)
        take_name_back(world, content);
    char folder[PATH_MAX];
    if (came < 1 && content->first_there &&
        depot_folder(world->shelf.folder, content->sha256, folder))
        folders_unsync(folder);
}

/* What is not synced is shorter then, or has nothing where something was. */
static void tear(struct world *world, const struct content *content, const char *path) {
    struct stat status;
    if (stat(path, &status) != 0 || status.st_size <= content->synced)
        return;
    int64_t left = content->synced + some(world, status.st_size - content->synced + 1);
    bool hollow = chance(world, 500);
    demand(world, truncate(path, left) == 0 && (!hollow || truncate(path, status.st_size) == 0),
           "%s cannot be cut", path);
    tell(world, "%lld of %lld bytes of %.8s are left%s", (long long)left, (long long)status.st_size,
         content->sha256, hollow ? ", then zeros" : "");
}

static void cut_power(struct world *world, const struct content *content) {
    char path[PATH_MAX];
    if (!content->named && chance(world, 500))
        take_name_back(world, content);
    if (depot_part(world->shelf.folder, content->sha256, path))
        tear(world, content, path);
    if (depot_file(world->shelf.folder, content->sha256, path))
        tear(world, content, path);
}

void shelf_kill(struct world *world, bool power_cut) {
    struct shelf *shelf = &world->shelf;
    for (int i = 0; shelf->uploads != NULL && i < shelf->count; i++) {
        interrupt_seal(world, &shelf->contents[i]);
        if (power_cut)
            cut_power(world, &shelf->contents[i]);
    }
    uploads_close(shelf->uploads);
    blobs_close(shelf->blobs);
    shelf->uploads = NULL;
    shelf->blobs = NULL;
    if (power_cut)
        folders_lose_power(shelf->folder, &world->draws);
}

/* --- a request --- */

bool shelf_prepare(struct world *world, const struct wire_message *request) {
    struct content *content = content_of(world, request);
    struct blobs *blobs = world->shelf.blobs;
    char folder[PATH_MAX];
    if (content == NULL)
        return true;
    settle(world, content);
    content->first_there =
        depot_folder(world->shelf.folder, content->sha256, folder) && access(folder, F_OK) != 0;
    if (blobs_size(blobs, content->sha256) < 0 && blobs_part_size(blobs, content->sha256) < 0)
        set_synced(content, 0, false);
    bool next = request->bytes != NULL &&
                json_integer(request->body, "offset") == blobs_part_size(blobs, content->sha256);
    if (!next || !rarely(world, 10))
        return true;
    size_t length = (size_t)some(world, (int64_t)request->bytes_length);
    demand(world, blobs_append(blobs, content->sha256, request->bytes, length, NULL),
           "a part cannot be written");
    tell(world, "killed after %zu bytes of a piece:", length);
    return false;
}

void shelf_note(struct world *world, const struct wire_message *request, const char *answer) {
    struct content *content = content_of(world, request);
    if (content != NULL && strcmp(answer, "sealing") == 0)
        content->sealing = true;
}

/* --- what must hold --- */

static void check_there(struct world *world, const char *sql) {
    struct query query;
    query_open(&query, world->office.store, sql);
    while (query_next(&query)) {
        const char *sha256 = query_text(&query);
        int64_t size = blobs_size(world->shelf.blobs, sha256);
        demand(world, size == query_int(&query), "of the file %.8s there are %lld bytes", sha256,
               (long long)size);
    }
    demand(world, query_close(&query, NULL), "the files cannot be read");
}

static void check_forks(struct world *world) {
    struct query query;
    query_open(&query, world->office.store,
               "SELECT f.experiment, f.source, f.epoch, g.kind, g.sha256 FROM fork AS f"
               " JOIN fork_file AS g ON g.experiment = f.experiment");
    while (query_next(&query)) {
        int64_t id = query_int(&query), source = query_int(&query);
        int epoch = (int)query_int(&query);
        const char *kind = query_text(&query), *sha256 = query_text(&query);
        uint64_t weights[EPOCHS + 1];
        for (int i = 0; i <= epoch; i++)
            weights[i] = weights_after(world, source, i);
        int of = strcmp(kind, "best") == 0 ? best_epoch(weights, epoch) : epoch;
        demand(world, strcmp(sha256, content_after(world, weights, of)->sha256) == 0,
               "the fork %lld goes on from another %s than epoch %d of %lld", (long long)id, kind,
               of, (long long)source);
    }
    demand(world, query_close(&query, NULL), "the forks cannot be read");
}

void shelf_check(struct world *world) {
    if (world->shelf.blobs == NULL)
        return;
    check_forks(world);
    if (world->restored)
        return;
    check_there(world, "SELECT sha256, bytes FROM artifact");
    check_there(world, "SELECT f.sha256, f.bytes FROM fork_file AS f JOIN experiment AS e"
                       " ON e.id = f.experiment WHERE e.state <> 'done'");
}
