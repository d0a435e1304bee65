#include "net/shipment.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "net/delivery_answer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum {
    LANES = 64,       /* files at a time */
    TURN_MS = 1000,   /* how late silence may be noticed */
    ASKED_MAX = 8192, /* requests whose lane is remembered: more than can be under way */
    INVALID_MOST = 3, /* times that a file may arrive as another one: its old part was damaged */
};

/* One file on its way. */
struct lane {
    const struct shipment_file *file; /* NULL: none */
    struct delivery delivery;
    uint64_t since; /* answers to requests before this one count no more */
    unsigned invalid;
};

struct run {
    const struct shipment *shipment;
    struct lane lanes[LANES];
    struct {
        uint64_t number;
        struct lane *lane;
    } asked[ASKED_MAX];
    size_t next, arrived;
    int64_t bytes_arrived, heard_ms;
};

static struct lane *lane_of(struct run *run, uint64_t number) {
    struct lane *lane = run->asked[number % ASKED_MAX].lane;
    bool known = lane != NULL && run->asked[number % ASKED_MAX].number == number;
    return known && lane->file != NULL && number >= lane->since ? lane : NULL;
}

static void note_asked(struct run *run, uint64_t number, struct lane *lane) {
    run->asked[number % ASKED_MAX].number = number;
    run->asked[number % ASKED_MAX].lane = lane;
}

/* --- a file --- */

static void lane_begin(struct run *run, struct lane *lane) {
    lane->file = &run->shipment->files[run->next];
    lane->invalid = 0;
    delivery_init(&lane->delivery, lane->file->bytes, ++run->next, clock_steady_ms());
}

static void lane_end(struct run *run, struct lane *lane) {
    const struct shipment *shipment = run->shipment;
    run->arrived++;
    run->bytes_arrived += lane->file->bytes;
    lane->file = NULL;
    if (shipment->progress != NULL)
        shipment->progress(shipment->context, run->arrived, run->bytes_arrived);
}

/* A copy of a piece. The file is open only meanwhile: all lanes together need one descriptor. */
static void *read_piece(const struct shipment_file *file, int64_t offset, size_t length,
                        struct error *error) {
    if (file->text != NULL) {
        char *copy = malloc(length);
        if (copy == NULL)
            error_memory(error);
        return copy != NULL ? memcpy(copy, file->text + offset, length) : NULL;
    }
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        error_errno(error, ERROR_INPUT, "%s", file->path);
        return NULL;
    }
    void *bytes = file_piece(descriptor, file->path, offset, length, error);
    close(descriptor);
    return bytes;
}

static void unsent(struct lane *lane) {
    static const struct delivery_event event = {.kind = DELIVERY_UNSENT};
    delivery_take(&lane->delivery, &event, clock_steady_ms());
}

static void send_offer(struct run *run, struct lane *lane) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "sha256", lane->file->sha256);
    cJSON_AddNumberToObject(body, "bytes", (double)lane->file->bytes);
    if (dealer_send(run->shipment->dealer, "store", body, &lane->since, NULL))
        note_asked(run, lane->since, lane);
    else
        unsent(lane);
    cJSON_Delete(body);
}

static bool send_piece(struct run *run, struct lane *lane, const struct delivery_action *action,
                       struct error *error) {
    void *bytes = read_piece(lane->file, action->offset, action->length, error);
    uint64_t number;
    if (bytes == NULL)
        return false;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "sha256", lane->file->sha256);
    cJSON_AddNumberToObject(body, "offset", (double)action->offset);
    if (dealer_send_bytes(run->shipment->dealer, "append", body, bytes, action->length, &number,
                          NULL))
        note_asked(run, number, lane);
    else
        unsent(lane);
    cJSON_Delete(body);
    return true;
}

/* --- answers --- */

/* Whether an error that it answered is one that goes by. That there is no such file goes by for a
 * piece, which is then offered again, and not for the offer: its listing is gone. */
static bool take_error(struct lane *lane, const struct wire_message *message, struct error *error) {
    static const enum wire_code never[] = {WIRE_VERSION, WIRE_UNKNOWN, WIRE_STORAGE, WIRE_DENIED};
    const char *code = json_string(message->body, "code");
    bool invalid = strcmp(code, wire_code_name(WIRE_INVALID)) == 0;
    bool gone = strcmp(code, wire_code_name(WIRE_NOT_FOUND)) == 0;
    bool over =
        (invalid && ++lane->invalid >= INVALID_MOST) || (gone && message->request == lane->since);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        over = over || strcmp(code, wire_code_name(never[i])) == 0;
    if (!over)
        return true;
    wire_check_answer(message, error);
    return error_context(error, "%s", lane->file->path);
}

static bool take_message(struct run *run, const struct wire_message *message, struct error *error) {
    struct lane *lane = lane_of(run, message->request);
    const struct delivery_event event = delivery_answer(message);
    if (lane == NULL)
        return true;
    if (strcmp(message->name, "error") == 0 && !take_error(lane, message, error))
        return false;
    delivery_take(&lane->delivery, &event, clock_steady_ms());
    return true;
}

static bool take_messages(struct run *run, struct error *error) {
    bool received = true, good = true;
    while (received && good) {
        struct wire_message message;
        if (!dealer_receive(run->shipment->dealer, 0, &message, &received, error))
            return false;
        if (received) {
            run->heard_ms = clock_steady_ms();
            good = take_message(run, &message, error);
        }
        wire_message_free(&message);
    }
    return good;
}

/* --- all of them --- */

/* Everything that the lane can do now. *until_ms is lowered to when it can do more. */
static bool lane_turn(struct run *run, struct lane *lane, int64_t *until_ms, struct error *error) {
    for (;;) {
        if (lane->file == NULL && run->next == run->shipment->count)
            return true;
        if (lane->file == NULL)
            lane_begin(run, lane);
        struct delivery_action action = delivery_next(&lane->delivery, clock_steady_ms());
        switch (action.kind) {
        case DELIVERY_WAIT:
            *until_ms = action.until_ms < *until_ms ? action.until_ms : *until_ms;
            return true;
        case DELIVERY_OFFER: send_offer(run, lane); break;
        case DELIVERY_SEND:
            if (!send_piece(run, lane, &action, error))
                return false;
            break;
        case DELIVERY_DONE:
        case DELIVERY_GIVEN_UP: lane_end(run, lane); break;
        }
    }
}

static bool silent_for_long(const struct run *run, struct error *error) {
    const char *trouble = dealer_trouble(run->shipment->dealer);
    if (clock_steady_ms() - run->heard_ms < run->shipment->patience_ms)
        return false;
    error_set(error, ERROR_UNREACHABLE,
              "%s; %zu of %zu files have arrived; the same command goes on from there",
              trouble != NULL ? trouble : "the coordinator does not answer", run->arrived,
              run->shipment->count);
    return true;
}

bool shipment_send(const struct shipment *shipment, struct error *error) {
    struct run *run = calloc(1, sizeof *run);
    bool good = run != NULL || error_memory(error);
    if (good) {
        run->shipment = shipment;
        run->heard_ms = clock_steady_ms();
    }
    while (good && run->arrived < shipment->count) {
        zmq_pollitem_t item = {.socket = dealer_socket(shipment->dealer), .events = ZMQ_POLLIN};
        int64_t until_ms = clock_steady_ms() + TURN_MS;
        for (size_t i = 0; i < LANES && good; i++)
            good = lane_turn(run, &run->lanes[i], &until_ms, error);
        if (good && run->arrived < shipment->count)
            zmq_poll(&item, 1, clock_poll_ms(until_ms));
        good = good && take_messages(run, error) && !silent_for_long(run, error);
    }
    free(run);
    return good;
}
