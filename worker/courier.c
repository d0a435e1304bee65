#include "worker/courier.h"

#include "core/backoff.h"
#include "core/clock.h"
#include "core/depot.h"
#include "core/file.h"
#include "core/json.h"
#include "core/sha256.h"
#include "net/dealer.h"
#include "net/delivery_answer.h"
#include "worker/checkpoint.h"
#include "worker/request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

/* The file whose turn it is: the courier's thread's alone. */
struct load {
    int descriptor; /* -1: none */
    char sha256[SHA256_TEXT_SIZE];
    uint32_t epoch; /* of a checkpoint; 0: of another file */
    struct delivery delivery;
    uint64_t since; /* answers to requests before this one count no more */
};

/* What was summed up last: best and last are often one file. */
struct summed {
    struct stat status;
    char sha256[SHA256_TEXT_SIZE];
};

struct courier {
    struct courier_options options;
    struct parcels *parcels;
    struct dealer *dealer; /* the thread's */
    pthread_t thread;
    bool started;
    int wake, tell; /* eventfds: to the thread, from it */
    struct load load;
    struct summed summed;
    uint64_t failures; /* to read the file whose turn it is */
    uint64_t jitter;

    pthread_mutex_t lock; /* guards what follows */
    bool refused;         /* for want of room */
    bool stopping, has_trouble;
    struct error trouble;
};

static void signal_fd(int descriptor) {
    const uint64_t one = 1;
    while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void drain_fd(int descriptor) {
    uint64_t drained;
    while (read(descriptor, &drained, sizeof drained) < 0 && errno == EINTR)
        ;
}

/* --- the side of the agent --- */

bool courier_send(struct courier *courier, const struct parcel *parcel, struct error *error) {
    struct parcel sized = *parcel;
    struct stat status;
    sized.bytes = stat(parcel->path, &status) == 0 ? status.st_size : 0;
    bool added = parcels_add(courier->parcels, &sized, error);
    signal_fd(courier->wake);
    return added;
}

void courier_drop(struct courier *courier, int64_t experiment, int64_t attempt) {
    parcels_drop(courier->parcels, experiment, attempt);
    signal_fd(courier->wake);
}

size_t courier_waiting(struct courier *courier, int64_t experiment, int64_t attempt,
                       bool *refused) {
    pthread_mutex_lock(&courier->lock);
    *refused = courier->refused;
    pthread_mutex_unlock(&courier->lock);
    return parcels_count(courier->parcels, experiment, attempt);
}

int64_t courier_bytes(struct courier *courier, int64_t experiment, int64_t attempt) {
    return parcels_bytes(courier->parcels, experiment, attempt);
}

int courier_fd(const struct courier *courier) {
    return courier->tell;
}

bool courier_trouble(struct courier *courier, struct error *trouble) {
    pthread_mutex_lock(&courier->lock);
    drain_fd(courier->tell);
    bool has = courier->has_trouble;
    *trouble = courier->trouble;
    courier->has_trouble = false;
    pthread_mutex_unlock(&courier->lock);
    return has;
}

/* --- the thread: picking up --- */

__attribute__((format(printf, 2, 3))) static void complain(struct courier *courier,
                                                           const char *format, ...) {
    va_list arguments;
    pthread_mutex_lock(&courier->lock);
    va_start(arguments, format);
    vsnprintf(courier->trouble.message, sizeof courier->trouble.message, format, arguments);
    va_end(arguments);
    courier->trouble.code = ERROR_FAILED;
    courier->has_trouble = true;
    pthread_mutex_unlock(&courier->lock);
    signal_fd(courier->tell);
}

static void let_go(struct load *load) {
    if (load->descriptor >= 0)
        close(load->descriptor);
    load->descriptor = -1;
}

static void put_down(struct courier *courier) {
    let_go(&courier->load);
    courier->failures = 0;
    parcels_put_down(courier->parcels);
    pthread_mutex_lock(&courier->lock);
    courier->refused = false;
    pthread_mutex_unlock(&courier->lock);
    signal_fd(courier->tell);
}

static bool same_status(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Puts a checkpoint where the coordinator would have collected its pieces. Where that cannot be
 * (another file system) they are sent; so are logs and events, which a later attempt cuts back and
 * goes on with in place. */
static void place_shared(const struct courier *courier, const char *sha256, int64_t bytes,
                         dev_t device) {
    char from[64], path[PATH_MAX];
    const char *dir = courier->options.shared;
    struct stat part;
    snprintf(from, sizeof from, "/proc/self/fd/%d", courier->load.descriptor);
    if (!depot_file(dir, sha256, path) || access(path, F_OK) == 0 || !depot_part(dir, sha256, path))
        return;
    /* without a temporary name, which nobody would clear away after a kill */
    if (lstat(path, &part) == 0 &&
        (part.st_dev != device || (int64_t)part.st_size == bytes || unlink(path) != 0))
        return;
    (void)!linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* What a checkpoint says of itself: "best" and "last" are written over, and what is there when
 * their turn comes may be of a later epoch than was told. */
static bool load_epoch(struct load *load, const struct parcel *parcel, struct error *error) {
    char opened[64];
    load->epoch = 0;
    snprintf(opened, sizeof opened, "/proc/self/fd/%d", load->descriptor);
    if (strcmp(parcel->kind, "file") == 0 || checkpoint_epoch(opened, &load->epoch, error))
        return true;
    return error->cause != CAUSE_UNKNOWN
               ? error_context(error, "cannot read %s", parcel->path)
               : error_set(error, ERROR_INPUT, "%s is no checkpoint", parcel->path);
}

/* Opens and sums up the file. */
static bool load_begin(struct courier *courier, const struct parcel *parcel, struct error *error) {
    struct load *load = &courier->load;
    struct stat status;
    int64_t bytes = 0;
    load->descriptor = open(parcel->path, O_RDONLY | O_CLOEXEC);
    if (load->descriptor < 0 || fstat(load->descriptor, &status) != 0)
        return error_errno(error, ERROR_FAILED, "cannot read %s", parcel->path);
    if (status.st_size == 0)
        return error_set(error, ERROR_FAILED, "%s is empty", parcel->path);
    if (!load_epoch(load, parcel, error))
        return false;
    if (same_status(&status, &courier->summed.status))
        bytes = status.st_size;
    else if (sha256_file(load->descriptor, parcel->path, courier->summed.sha256, &bytes, error))
        courier->summed.status = status;
    else
        return false;
    memcpy(load->sha256, courier->summed.sha256, sizeof load->sha256);
    if (courier->options.shared != NULL && strcmp(parcel->kind, "file") != 0)
        place_shared(courier, load->sha256, bytes, status.st_dev);
    delivery_init(&load->delivery, bytes, courier->jitter++, clock_steady_ms());
    return true;
}

/* --- the thread: sending --- */

static cJSON *body_of(const struct courier *courier, const struct parcel *parcel) {
    const struct asker asker = {courier->options.worker, courier->options.history};
    cJSON *body = request_of_attempt(&asker, parcel->experiment, parcel->attempt);
    cJSON_AddStringToObject(body, "sha256", courier->load.sha256);
    return body;
}

static void send_offer(struct courier *courier, const struct parcel *parcel) {
    static const struct delivery_event unsent = {.kind = DELIVERY_UNSENT};
    struct load *load = &courier->load;
    cJSON *body = body_of(courier, parcel);
    cJSON_AddStringToObject(body, "name", parcel_name(parcel));
    cJSON_AddStringToObject(body, "kind", parcel->kind);
    cJSON_AddNumberToObject(body, "epoch", load->epoch);
    cJSON_AddNumberToObject(body, "bytes", (double)load->delivery.bytes);
    if (!dealer_send(courier->dealer, "offer", body, &load->since, NULL))
        delivery_take(&load->delivery, &unsent, clock_steady_ms());
    cJSON_Delete(body);
}

/* False when the file has not that piece, or cannot be read. */
static bool send_piece(struct courier *courier, const struct parcel *parcel, int64_t offset,
                       size_t length, struct error *error) {
    static const struct delivery_event unsent = {.kind = DELIVERY_UNSENT};
    struct load *load = &courier->load;
    uint64_t number;
    void *bytes = file_piece(load->descriptor, parcel->path, offset, length, error);
    if (bytes == NULL)
        return false;
    courier->failures = 0;
    cJSON *body = body_of(courier, parcel);
    cJSON_AddNumberToObject(body, "offset", (double)offset);
    if (!dealer_send_bytes(courier->dealer, "send", body, bytes, length, &number, NULL))
        delivery_take(&load->delivery, &unsent, clock_steady_ms());
    cJSON_Delete(body);
    return true;
}

/* What an error means for the file; tells people of what they can mend. */
static enum delivery_event_kind take_error(struct courier *courier, const cJSON *body,
                                           const char *path) {
    const char *code = json_string(body, "code");
    const char *text = json_string(body, "message");
    bool storage = strcmp(code, wire_code_name(WIRE_STORAGE)) == 0;
    bool over = strcmp(code, wire_code_name(WIRE_FENCED)) == 0;
    bool never = over || strcmp(code, wire_code_name(WIRE_UNKNOWN)) == 0 ||
                 strcmp(code, wire_code_name(WIRE_VERSION)) == 0;
    pthread_mutex_lock(&courier->lock);
    bool known = storage && courier->refused;
    courier->refused = storage;
    pthread_mutex_unlock(&courier->lock);
    bool expected = over || known || strcmp(code, wire_code_name(WIRE_NOT_FOUND)) == 0 ||
                    strcmp(code, wire_code_name(WIRE_STATE)) == 0; /* until hello is said again */
    if (!expected)
        complain(courier, "%s is not taken by the coordinator: %s%s", path, text,
                 never ? "" : "; trying again, training goes on");
    return never ? DELIVERY_NEVER : DELIVERY_LATER;
}

/* There was room for a piece. That the file is wanted again, or sealed, does not say so yet. */
static void take_progress(struct courier *courier) {
    pthread_mutex_lock(&courier->lock);
    bool refused = courier->refused;
    courier->refused = false;
    pthread_mutex_unlock(&courier->lock);
    if (refused)
        signal_fd(courier->tell);
}

static void take_message(struct courier *courier, const struct wire_message *message,
                         const struct parcel *parcel) {
    struct delivery_event event = delivery_answer(message);
    if (message->request < courier->load.since)
        return;
    if (strcmp(message->name, "error") == 0)
        event.kind = take_error(courier, message->body, parcel->path);
    const bool of_piece = courier->load.delivery.under_way > 0;
    delivery_take(&courier->load.delivery, &event, clock_steady_ms());
    parcels_arrived(courier->parcels, courier->load.delivery.acknowledged);
    if (of_piece && courier->load.delivery.failures == 0)
        take_progress(courier);
}

static void take_messages(struct courier *courier, const struct parcel *parcel) {
    struct wire_message message;
    bool received = true;
    while (received) {
        if (!dealer_receive(courier->dealer, 0, &message, &received, NULL))
            return;
        if (received && parcel != NULL)
            take_message(courier, &message, parcel);
        wire_message_free(&message);
    }
}

static void sleep_until(struct courier *courier, int64_t until_ms) {
    zmq_pollitem_t items[] = {
        {.socket = dealer_socket(courier->dealer), .events = ZMQ_POLLIN},
        {.fd = courier->wake, .events = ZMQ_POLLIN},
    };
    if (zmq_poll(items, 2, clock_poll_ms(until_ms)) > 0 && items[1].revents != 0)
        drain_fd(courier->wake);
}

/* A file that could not be read. What the machine lacks for a moment, memory or descriptors,
 * is waited for a few times; false when the file is to be put down. */
static bool try_again(struct courier *courier, const struct error *error) {
    enum { FAILURES_MAX = 5 };
    if (error->cause == CAUSE_UNKNOWN || courier->failures == FAILURES_MAX) {
        complain(courier, "a file is not sent: %s", error->message);
        return false;
    }
    let_go(&courier->load);
    sleep_until(courier, clock_steady_ms() +
                             backoff_ms(&BACKOFF_LINK, courier->failures++, &courier->jitter));
    take_messages(courier, NULL);
    return true;
}

/* One step with the file whose turn it is. False when it is to be put down, with an error when it
 * could not be read. */
static bool carry(struct courier *courier, const struct parcel *parcel, struct error *error) {
    struct delivery_action action = delivery_next(&courier->load.delivery, clock_steady_ms());
    switch (action.kind) {
    case DELIVERY_WAIT: sleep_until(courier, action.until_ms); break;
    case DELIVERY_OFFER: send_offer(courier, parcel); break;
    case DELIVERY_SEND:
        if (!send_piece(courier, parcel, action.offset, action.length, error))
            return false;
        break;
    case DELIVERY_DONE:
    case DELIVERY_GIVEN_UP: return false;
    }
    take_messages(courier, parcel);
    return true;
}

static bool is_stopping(struct courier *courier) {
    pthread_mutex_lock(&courier->lock);
    bool stopping = courier->stopping;
    pthread_mutex_unlock(&courier->lock);
    return stopping;
}

static void *courier_main(void *context) {
    struct courier *courier = context;
    while (!is_stopping(courier)) {
        struct error error = {0};
        bool dropped, idle = courier->load.descriptor < 0;
        const struct parcel *parcel = parcels_carry(courier->parcels, &dropped);
        if (parcel == NULL) {
            sleep_until(courier, INT64_MAX);
            take_messages(courier, NULL);
        } else if (dropped) {
            put_down(courier);
        } else if ((idle && !load_begin(courier, parcel, &error)) ||
                   !carry(courier, parcel, &error)) {
            if (error.code == ERROR_NONE || !try_again(courier, &error))
                put_down(courier);
        }
    }
    let_go(&courier->load);
    return NULL;
}

/* --- opening --- */

bool courier_open(const struct courier_options *options, struct courier **out,
                  struct error *error) {
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL)
        return error_memory(error);
    courier->options = *options;
    courier->load.descriptor = -1;
    courier->jitter = (uint64_t)clock_unix_ms();
    courier->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    courier->tell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&courier->lock, NULL);
    bool ok = courier->wake >= 0 && courier->tell >= 0;
    if (!ok)
        error_errno(error, ERROR_FAILED, "cannot make an eventfd");
    ok = ok && parcels_new(&courier->parcels, error) &&
         dealer_open(options->connect, options->keys, &courier->dealer, error);
    int code = ok ? pthread_create(&courier->thread, NULL, courier_main, courier) : 0;
    if (code != 0)
        error_machine(error, "cannot start a thread: %s", strerror(code));
    courier->started = ok && code == 0;
    ok = courier->started;
    if (ok)
        *out = courier;
    else
        courier_close(courier);
    return ok;
}

void courier_close(struct courier *courier) {
    if (courier == NULL)
        return;
    pthread_mutex_lock(&courier->lock);
    courier->stopping = true;
    pthread_mutex_unlock(&courier->lock);
    if (courier->started) {
        signal_fd(courier->wake);
        pthread_join(courier->thread, NULL);
    }
    parcels_free(courier->parcels);
    dealer_close(courier->dealer);
    if (courier->wake >= 0)
        close(courier->wake);
    if (courier->tell >= 0)
        close(courier->tell);
    pthread_mutex_destroy(&courier->lock);
    free(courier);
}
