#include "tests/worker/nn/cuda/host_memory.h"

#include "tests/worker/nn/cuda/host_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void host_demand(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "host_device: %s\n", what);
    abort();
}

/* ---- memory: the size stands before it ---- */

enum { HEADER = 256 };

bool host_allocate(struct device *device, size_t bytes, void **memory, struct error *error) {
    (void)device;
    struct host_device_counts *counts = &host_device_counts;
    char *made = NULL;
    if (bytes <= host_device_room && counts->bytes <= host_device_room - bytes)
        made = aligned_alloc(HEADER, (bytes + 2 * HEADER - 1) / HEADER * HEADER);
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "the device has no %zu bytes left", bytes);
    memcpy(made, &bytes, sizeof bytes);
    memset(made + HEADER, 0, bytes);
    *memory = made + HEADER;
    counts->allocations++;
    counts->bytes += bytes;
    if (counts->bytes > counts->most_bytes)
        counts->most_bytes = counts->bytes;
    return true;
}

/* ---- what a GPU does later: reading pinned memory, and writing it ---- */

/* A transfer between the host's memory and the device that nobody has waited for. The bytes are
 * those of the time at which the device comes to it. */
static struct transfer {
    char *to;         /* of a download, which is written when it is waited for */
    const char *from; /* of an upload, which must still hold the same then */
    char *bytes;
    size_t count, number; /* in order */
} transfers[256];
static size_t transfer_count, transfer_number, over, marked[DEVICE_MARKS];

static struct {
    const char *memory;
    size_t bytes;
} pinned[128];

static bool is_pinned(const void *memory) {
    const char *at = memory;
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++)
        if (pinned[i].memory != NULL && at >= pinned[i].memory &&
            at < pinned[i].memory + pinned[i].bytes)
            return true;
    return false;
}

/* Keeps the bytes of one of them aside. */
static void transfer_note(void *to, const void *from, size_t count) {
    host_demand(transfer_count < sizeof transfers / sizeof transfers[0], "too many transfers");
    struct transfer *transfer = &transfers[transfer_count++];
    *transfer = (struct transfer){to, from, malloc(count), count, transfer_number++};
    memcpy(transfer->bytes, from, count);
}

/* Those up to `number` are over. */
static void transfers_end(size_t number) {
    size_t kept = 0, reached = number < transfer_number ? number : transfer_number;
    over = reached > over ? reached : over;
    for (size_t i = 0; i < transfer_count; i++) {
        struct transfer *transfer = &transfers[i];
        if (transfer->number >= number) {
            transfers[kept++] = *transfer;
            continue;
        }
        if (transfer->to != NULL)
            memcpy(transfer->to, transfer->bytes, transfer->count);
        else /* what was to be uploaded has been overwritten before it was read */
            host_demand(memcmp(transfer->from, transfer->bytes, transfer->count) == 0,
                        "memory was overwritten before it was uploaded");
        free(transfer->bytes);
    }
    transfer_count = kept;
}

size_t host_number(void) {
    return ++transfer_number;
}

bool host_is_over(size_t number) {
    return number <= over;
}

/* ---- beside the queue ---- */

/* Where pinned memory is uploaded to aside, and when a kernel had it last, among the transfers. */
static struct {
    const void *to;
    size_t used;
} targets[256];
static size_t target_count;

void host_used(const void *arguments, size_t bytes) {
    for (size_t at = 0; at + sizeof(void *) <= bytes; at += sizeof(void *)) {
        const void *word;
        memcpy(&word, (const char *)arguments + at, sizeof word);
        for (size_t i = 0; i < target_count; i++)
            if (targets[i].to == word)
                targets[i].used = host_number();
    }
}

static void target_forget(const void *memory) {
    for (size_t i = 0; i < target_count; i++)
        if (targets[i].to == memory)
            targets[i--] = targets[--target_count];
}

static void target_write(const void *to) {
    size_t i = 0;
    while (i < target_count && targets[i].to != to)
        i++;
    host_demand(i < sizeof targets / sizeof targets[0], "too many places are uploaded to aside");
    if (i == target_count) {
        targets[target_count++].to = to;
        targets[i].used = 0;
    }
    host_demand(host_is_over(targets[i].used),
                "memory was overwritten aside that a kernel may be reading");
}

/* What was uploaded aside, and is not there before join (or when memory is given back). */
static struct {
    void *to;
    const void *from;
    size_t bytes;
} aside[64];
static size_t aside_count;

bool host_join(struct device *device, struct error *error) {
    (void)device;
    (void)error;
    for (size_t i = 0; i < aside_count; i++)
        memcpy(aside[i].to, aside[i].from, aside[i].bytes);
    aside_count = 0;
    return true;
}

bool host_upload_aside(struct device *device, void *to, const void *from, size_t bytes,
                       struct error *error) {
    if (aside_count == sizeof aside / sizeof aside[0])
        host_join(device, error);
    aside[aside_count].to = to;
    aside[aside_count].from = from;
    aside[aside_count++].bytes = bytes;
    host_device_counts.uploaded_bytes += bytes;
    if (is_pinned(from)) {
        target_write(to);
        transfer_note(NULL, from, bytes);
    }
    return true;
}

static bool host_finish(struct device *device, struct error *error) {
    host_join(device, error);
    transfers_end(SIZE_MAX);
    return true;
}

bool host_wait_for_all(struct device *device, struct error *error) {
    host_device_counts.waits++;
    return host_finish(device, error);
}

bool host_mark(struct device *device, int number, struct error *error) {
    (void)device;
    (void)error;
    host_demand_joined();
    marked[number] = transfer_number;
    return true;
}

bool host_wait(struct device *device, int number, struct error *error) {
    (void)device;
    (void)error;
    host_device_counts.waits++;
    transfers_end(marked[number]);
    return true;
}

/* Frees it some blocks later: what is allocated next has another address, as a test expects that
 * counts what follows its memory to another place. */
static void free_late(void *memory) {
    static void *late[8];
    static size_t next;
    free(late[next]);
    late[next] = memory;
    next = (next + 1) % (sizeof late / sizeof late[0]);
}

void host_release(struct device *device, void *memory) {
    size_t bytes;
    host_finish(device, NULL); /* a GPU waits for what uses it */
    target_forget(memory);
    memcpy(&bytes, (char *)memory - HEADER, sizeof bytes);
    memset(memory, 0xff, bytes); /* whoever reads it all the same reads NaNs */
    host_device_counts.allocations--;
    host_device_counts.bytes -= bytes;
    free_late((char *)memory - HEADER);
}

size_t host_room(struct device *device) {
    (void)device;
    return host_device_room - host_device_counts.bytes;
}

size_t host_most(struct device *device) {
    (void)device;
    return host_device_counts.most_bytes;
}

bool host_pin(struct device *device, size_t bytes, void **memory, struct error *error) {
    size_t free_place = 0;
    (void)device;
    while (free_place < sizeof pinned / sizeof pinned[0] && pinned[free_place].memory != NULL)
        free_place++;
    host_demand(free_place < sizeof pinned / sizeof pinned[0], "too much pinned memory");
    *memory = calloc(1, bytes);
    pinned[free_place].memory = *memory;
    pinned[free_place].bytes = bytes;
    host_device_counts.allocations++;
    return *memory != NULL || error_memory(error);
}

void host_unpin(struct device *device, void *memory) {
    host_finish(device, NULL); /* a GPU waits for what uses it */
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++)
        if (pinned[i].memory == memory)
            pinned[i].memory = NULL;
    host_device_counts.allocations--;
    free_late(memory);
}

bool host_upload(struct device *device, void *to, const void *from, size_t bytes,
                 struct error *error) {
    (void)device;
    (void)error;
    host_spoil();
    host_device_counts.uploaded_bytes += bytes;
    memcpy(to, from, bytes);
    transfer_note(NULL, from, bytes);
    return true;
}

bool host_download_later(struct device *device, void *to, const void *from, size_t bytes,
                         struct error *error) {
    (void)device;
    (void)error;
    host_spoil();
    host_demand(is_pinned(to),
                "a download that nobody waits for goes to memory that is not pinned");
    host_device_counts.downloads++;
    transfer_note(to, from, bytes);
    memset(to, 0xff, bytes); /* whoever reads it too early reads NaNs */
    return true;
}

bool host_download(struct device *device, void *to, const void *from, size_t bytes,
                   struct error *error) {
    host_spoil();
    host_wait_for_all(device, error);
    memcpy(to, from, bytes);
    return true;
}
