#include "coordinator/query.h"
#include "core/json.h"
#include "tests/world/world.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void part_of(const struct world *world, const struct content *content, char path[700]) {
    snprintf(path, 700, "%s/incoming/%s.part", world->shelf.folder, content->sha256);
}

static struct content *content_of(struct world *world, const struct wire_message *request) {
    const char *sha256 = cJSON_GetStringValue(json_member(request->body, "sha256"));
    for (int i = 0; i < CONTENTS && sha256 != NULL; i++)
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

bool shelf_open(struct world *world, struct error *error) {
    struct shelf *shelf = &world->shelf;
    return shelf->folder[0] == '\0' || (blobs_open(shelf->folder, &shelf->blobs, error) &&
                                        uploads_open(shelf->blobs, 0, &shelf->uploads, error));
}

/* --- the end of the process --- */

/* A seal under way has come to its rename, or has not. */
static void interrupt_seal(struct world *world, struct content *content) {
    char part[700], blob[700];
    if (!content->sealing)
        return;
    settle(world, content);
    part_of(world, content, part);
    snprintf(blob, sizeof blob, "%s/sha256/%.2s/%s", world->shelf.folder, content->sha256,
             content->sha256 + 2);
    if (chance(world, 500) && rename(blob, part) == 0)
        tell(world, "%.8s was not sealed yet", content->sha256);
}

/* Nothing of a part has been synced: it is shorter, or has nothing where something was. */
static void tear(struct world *world, const struct content *content) {
    char path[700];
    struct stat status;
    part_of(world, content, path);
    if (stat(path, &status) != 0)
        return;
    int64_t left = some(world, status.st_size + 1);
    bool hollow = chance(world, 500);
    demand(world, truncate(path, left) == 0 && (!hollow || truncate(path, status.st_size) == 0),
           "%s cannot be cut", path);
    tell(world, "%lld of %lld bytes of %.8s are left%s", (long long)left, (long long)status.st_size,
         content->sha256, hollow ? ", then zeros" : "");
}

void shelf_kill(struct world *world, bool power_cut) {
    struct shelf *shelf = &world->shelf;
    for (int i = 0; shelf->uploads != NULL && i < CONTENTS; i++) {
        interrupt_seal(world, &shelf->contents[i]);
        if (power_cut)
            tear(world, &shelf->contents[i]);
    }
    uploads_close(shelf->uploads);
    blobs_close(shelf->blobs);
    shelf->uploads = NULL;
    shelf->blobs = NULL;
}

/* --- a request --- */

bool shelf_prepare(struct world *world, const struct wire_message *request) {
    struct content *content = content_of(world, request);
    struct blobs *blobs = world->shelf.blobs;
    if (content == NULL)
        return true;
    settle(world, content);
    bool next = request->bytes != NULL && json_member(request->body, "offset")->valuedouble ==
                                              (double)(blobs_part_size(blobs, content->sha256));
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

void shelf_check(struct world *world) {
    struct query query;
    if (world->shelf.blobs == NULL)
        return;
    query_open(&query, world->office.store, "SELECT sha256, bytes FROM artifact");
    while (query_next(&query)) {
        const char *sha256 = query_text(&query);
        int64_t size = blobs_size(world->shelf.blobs, sha256);
        demand(world, size == query_int(&query), "of the file %.8s there are %lld bytes", sha256,
               (long long)size);
    }
    demand(world, query_close(&query, NULL), "the artifacts cannot be read");
}
