#include "net/fetch.h"

#include "core/atomic_file.h"
#include "core/backoff.h"
#include "core/json.h"
#include "core/storage.h"
#include "net/pickup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REFUSALS_MOST = 5, ASLEEP_MS = 50 };

/* A piece that is waited for. */
struct watch {
    const struct fetch *fetch;
    int64_t have;
    bool stopped;
};

/* A slow link must carry a piece before it is asked for again. */
static int patience_ms(const struct fetch *fetch) {
    return fetch->timeout_ms << (fetch->late < PICKUP_LONGER_MOST ? fetch->late
                                                                  : PICKUP_LONGER_MOST);
}

static bool watch_go_on(void *context) {
    struct watch *watch = context;
    watch->stopped = !watch->fetch->go_on(watch->fetch->context, watch->have);
    return !watch->stopped;
}

/* Asks for the piece at *have and adds it to the part. *later: the coordinator may have it later,
 * as it cannot read it or lacks something now. */
static bool fetch_piece(struct dealer *dealer, const struct fetch *fetch, int part, int64_t *have,
                        bool *later, struct error *error) {
    struct wire_message piece;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "sha256", fetch->sha256);
    cJSON_AddNumberToObject(body, "offset", (double)*have);
    struct error why = {0};
    struct watch watch = {.fetch = fetch, .have = *have};
    dealer_watch(dealer, fetch->go_on != NULL ? watch_go_on : NULL, &watch);
    bool ok = dealer_ask(dealer, "fetch", body, "piece", patience_ms(fetch), &piece, &why);
    dealer_watch(dealer, NULL, NULL);
    cJSON_Delete(body);
    if (!ok && watch.stopped)
        return error_set(error, ERROR_FAILED, "%s", why.message);
    if (!ok && error_take_shortage(error, &why))
        return false;
    *later = !ok && why.code == ERROR_FAILED;
    if (!ok)
        return error_set(error, why.code == ERROR_UNREACHABLE ? ERROR_UNREACHABLE : ERROR_INPUT,
                         "%s", why.message);
    if (json_integer(piece.body, "offset") != *have ||
        json_integer(piece.body, "bytes") != fetch->bytes ||
        (int64_t)piece.bytes_length > fetch->bytes - *have)
        ok = error_set(error, ERROR_INPUT,
                       "the coordinator sends another piece of a file than it "
                       "was asked for");
    else if (!storage_write_all(part, piece.bytes, piece.bytes_length))
        ok = error_errno(error, ERROR_FAILED, "cannot write %s.part", fetch->path);
    *have += (int64_t)piece.bytes_length;
    wire_message_free(&piece);
    return ok;
}

static bool go_on(const struct fetch *fetch, int64_t have, struct error *error) {
    return fetch->go_on == NULL || fetch->go_on(fetch->context, have) ||
           error_set(error, ERROR_FAILED, "stopped");
}

static bool rest(const struct fetch *fetch, int64_t have, int64_t wait_ms, struct error *error) {
    for (int64_t slept = 0; slept < wait_ms; slept += ASLEEP_MS) {
        if (!go_on(fetch, have, error))
            return false;
        usleep(ASLEEP_MS * 1000);
    }
    return true;
}

static bool fetch_rest(struct dealer *dealer, const struct fetch *fetch, int part,
                       struct error *error) {
    int64_t have = (int64_t)lseek(part, 0, SEEK_END);
    uint64_t refusals = 0, jitter = (uint64_t)getpid();
    if (have > fetch->bytes) {
        have = 0;
        if (ftruncate(part, 0) != 0)
            return error_errno(error, ERROR_FAILED, "cannot write %s.part", fetch->path);
    }
    while (have < fetch->bytes) {
        bool later = false;
        if (!go_on(fetch, have, error))
            return false;
        if (fetch_piece(dealer, fetch, part, &have, &later, error))
            refusals = 0;
        else if (!later || refusals + 1 == REFUSALS_MOST ||
                 !rest(fetch, have, backoff_ms(&BACKOFF_LINK, refusals++, &jitter), error))
            return false;
    }
    return true;
}

/* The part is what was asked for. */
static bool check(const struct fetch *fetch, int part, struct error *error) {
    char found[SHA256_TEXT_SIZE];
    int64_t bytes;
    if (!sha256_file(part, fetch->path, found, &bytes, error))
        return false;
    return strcmp(found, fetch->sha256) == 0 ||
           error_set(error, ERROR_INPUT, "%s: what came has the SHA-256 %s, not %s", fetch->path,
                     found, fetch->sha256);
}

/* Once, from what the part has on. *from_nothing: it had nothing. */
static bool fetch_once(struct dealer *dealer, const struct fetch *fetch, int part,
                       bool *from_nothing, struct error *error) {
    *from_nothing = lseek(part, 0, SEEK_END) <= 0;
    return fetch_rest(dealer, fetch, part, error) && check(fetch, part, error);
}

bool fetch_file(struct dealer *dealer, const struct fetch *fetch, struct error *error) {
    char *path = NULL;
    struct error why = {0};
    bool from_nothing = true;
    if (asprintf(&path, "%s.part", fetch->path) < 0)
        return error_memory(error);
    int part = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool ok = part >= 0 || error_errno(&why, ERROR_FAILED, "cannot write %s", path);
    ok = ok && fetch_once(dealer, fetch, part, &from_nothing, &why);
    /* what was there before may have been of another file, or torn */
    if (!ok && why.code == ERROR_INPUT && !from_nothing)
        ok = ftruncate(part, 0) == 0 && fetch_once(dealer, fetch, part, &from_nothing, &why);
    if (part >= 0)
        close(part);
    if (ok)
        ok = atomic_file_adopt(path, fetch->path, &why);
    else if (why.code == ERROR_INPUT)
        unlink(path);
    if (!ok && error != NULL)
        *error = why;
    free(path);
    return ok;
}
