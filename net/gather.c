#include "net/gather.h"

#include "core/clock.h"
#include "core/json.h"
#include "core/storage.h"
#include "net/pickup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum {
    LANES = 16,    /* files at a time */
    TURN_MS = 200, /* how late it may be noticed that go_on says to end */
};

/* One file on its way. */
struct lane {
    bool busy;
    size_t index;
    int part; /* a descriptor */
    char path[PATH_MAX];
    struct pickup pickup;
    uint64_t number; /* of what was asked last */
};

struct run {
    const struct gather *gather;
    struct lane lanes[LANES];
    size_t next, kept;
    int64_t bytes;
};

static const char *sum_of(const struct run *run, const struct lane *lane) {
    return run->gather->sums[lane->index];
}

/* --- a file --- */

static bool lane_begin(struct run *run, struct lane *lane, struct error *error) {
    struct stat status;
    lane->index = run->next++;
    if (snprintf(lane->path, sizeof lane->path, "%s/%s.part", run->gather->folder,
                 sum_of(run, lane)) >= (int)sizeof lane->path)
        return error_set(error, ERROR_INPUT, "%s: the name is too long", run->gather->folder);
    lane->part = open(lane->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (lane->part < 0 || fstat(lane->part, &status) != 0) {
        error_errno(error, ERROR_FAILED, "cannot write %s", lane->path);
        if (lane->part >= 0)
            close(lane->part);
        return false;
    }
    lane->busy = true;
    pickup_init(&lane->pickup, -1, status.st_size, lane->index + 1, clock_steady_ms());
    return true;
}

static void ask(struct run *run, struct lane *lane, int64_t offset) {
    static const struct pickup_event unsent = {.kind = PICKUP_UNSENT};
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "sha256", sum_of(run, lane));
    cJSON_AddNumberToObject(body, "offset", (double)offset);
    if (!dealer_send(run->gather->dealer, "fetch", body, &lane->number, NULL))
        pickup_take(&lane->pickup, &unsent, clock_steady_ms());
    cJSON_Delete(body);
}

/* Whether all that came is what it is to be. */
static bool check(struct run *run, struct lane *lane, struct error *error) {
    char found[SHA256_TEXT_SIZE];
    int64_t bytes;
    if (!sha256_file(lane->part, lane->path, found, &bytes, error))
        return false;
    bool right = strcmp(found, sum_of(run, lane)) == 0;
    pickup_checked(&lane->pickup, right, clock_steady_ms());
    if (right)
        return run->gather->keep(run->gather->context, lane->index, lane->path, error);
    run->bytes -= bytes < run->bytes ? bytes : run->bytes;
    return ftruncate(lane->part, 0) == 0 ||
           error_errno(error, ERROR_FAILED, "cannot write %s", lane->path);
}

static void lane_end(struct run *run, struct lane *lane) {
    close(lane->part);
    lane->busy = false;
    run->kept++;
}

static bool not_to_be_had(const struct run *run, const struct lane *lane, struct error *error) {
    if (lane->pickup.wrong > 0)
        return error_set(error, ERROR_INPUT, "what comes for the SHA-256 %s is another file",
                         sum_of(run, lane));
    return error_set(error, ERROR_INPUT, "the coordinator does not have the file %s",
                     sum_of(run, lane));
}

/* --- answers --- */

static struct lane *lane_of(struct run *run, uint64_t number) {
    for (size_t i = 0; i < LANES; i++)
        if (run->lanes[i].busy && run->lanes[i].number == number)
            return &run->lanes[i];
    return NULL;
}

/* An offset behind the end is refused as invalid: what came before is of another file. */
static enum pickup_event_kind kind_of(const struct wire_message *message, struct lane *lane) {
    const char *code = json_string(message->body, "code");
    if (strcmp(message->name, "piece") == 0)
        return PICKUP_PIECE;
    if (code != NULL && strcmp(code, wire_code_name(WIRE_INVALID)) == 0 && lane->pickup.have > 0)
        lane->pickup.have = 0;
    return code != NULL && (strcmp(code, wire_code_name(WIRE_NOT_FOUND)) == 0 ||
                            strcmp(code, wire_code_name(WIRE_UNKNOWN)) == 0)
               ? PICKUP_GONE
               : PICKUP_LATER;
}

static bool take_message(struct run *run, const struct wire_message *message, struct error *error) {
    struct lane *lane = lane_of(run, message->request);
    if (lane == NULL)
        return true;
    const struct pickup_event event = {.kind = kind_of(message, lane),
                                       .offset = json_integer(message->body, "offset"),
                                       .bytes = json_integer(message->body, "bytes"),
                                       .length = message->bytes_length};
    if (!pickup_take(&lane->pickup, &event, clock_steady_ms()))
        return true;
    run->bytes += (int64_t)event.length;
    if (run->bytes > run->gather->most_bytes)
        return error_set(error, ERROR_INPUT, "more than the %lld bytes come that were expected",
                         (long long)run->gather->most_bytes);
    return (lseek(lane->part, event.offset, SEEK_SET) == event.offset &&
            storage_write_all(lane->part, message->bytes, message->bytes_length)) ||
           error_errno(error, ERROR_FAILED, "cannot write %s", lane->path);
}

static bool take_messages(struct run *run, struct error *error) {
    bool received = true, good = true;
    while (received && good) {
        struct wire_message message = {0};
        if (!dealer_receive(run->gather->dealer, 0, &message, &received, NULL))
            continue;
        good = !received || take_message(run, &message, error);
        wire_message_free(&message);
    }
    return good;
}

/* --- all of them --- */

/* Everything that the lane can do now. */
static bool lane_turn(struct run *run, struct lane *lane, int64_t *until_ms, struct error *error) {
    for (;;) {
        if (!lane->busy && run->next == run->gather->count)
            return true;
        if (!lane->busy && !lane_begin(run, lane, error))
            return false;
        struct pickup_action action = pickup_next(&lane->pickup, clock_steady_ms());
        switch (action.kind) {
        case PICKUP_WAIT:
            *until_ms = action.until_ms < *until_ms ? action.until_ms : *until_ms;
            return true;
        case PICKUP_ASK: ask(run, lane, action.offset); break;
        case PICKUP_CHECK:
            if (!check(run, lane, error))
                return false;
            break;
        case PICKUP_DONE: lane_end(run, lane); break;
        case PICKUP_GIVEN_UP: unlink(lane->path); return not_to_be_had(run, lane, error);
        }
    }
}

bool gather_files(const struct gather *gather, struct error *error) {
    struct run *run = calloc(1, sizeof *run);
    bool good = run != NULL || error_memory(error);
    if (good)
        run->gather = gather;
    while (good && run->kept < gather->count) {
        zmq_pollitem_t item = {.socket = dealer_socket(gather->dealer), .events = ZMQ_POLLIN};
        int64_t until_ms = clock_steady_ms() + TURN_MS;
        good =
            gather->go_on(gather->context, run->bytes) || error_set(error, ERROR_FAILED, "stopped");
        for (size_t i = 0; i < LANES && good; i++)
            good = lane_turn(run, &run->lanes[i], &until_ms, error);
        if (good && run->kept < gather->count)
            zmq_poll(&item, 1, clock_poll_ms(until_ms));
        good = good && take_messages(run, error);
    }
    for (size_t i = 0; run != NULL && i < LANES; i++)
        if (run->lanes[i].busy)
            close(run->lanes[i].part);
    free(run);
    return good;
}
