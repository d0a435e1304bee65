/* shelf: a folder of blobs with what is uploaded to it, and one file to upload, on a clock of the
 * test's own. cmocka's setup and teardown: shelf_set, shelf_strike. */
#ifndef ASSAY_TESTS_COORDINATOR_SHELF_H
#define ASSAY_TESTS_COORDINATOR_SHELF_H

#include "coordinator/uploads.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

/* hashlib.sha256(b"abcdefgh" * 1000).hexdigest() */
#define SUM "95704ea3ba93445ef826a8d039fe273ed70988d3a8c3496efbcffec9a27c843a"
enum { BYTES = 8000 };

struct shelf {
    char *folder, *dir;
    struct blobs *blobs;
    struct uploads *uploads;
    char data[BYTES];
    int64_t now_ms;
};

static inline void shelf_open(struct shelf *shelf, int64_t most_bytes) {
    struct error error = {0};
    if (!blobs_open(shelf->dir, &shelf->blobs, &error) ||
        !uploads_open(shelf->blobs, most_bytes, &shelf->uploads, &error))
        fail_msg("%s", error.message);
}

static inline void shelf_close(struct shelf *shelf) {
    uploads_close(shelf->uploads);
    blobs_close(shelf->blobs);
    shelf->uploads = NULL;
    shelf->blobs = NULL;
}

/* As after a restart of the coordinator. */
static inline void shelf_reopen(struct shelf *shelf, int64_t most_bytes) {
    shelf_close(shelf);
    shelf_open(shelf, most_bytes);
}

static inline int shelf_set(void **state) {
    struct shelf *shelf = calloc(1, sizeof *shelf);
    void *folder;
    if (temporary_make(&folder) != 0)
        return -1;
    shelf->folder = folder;
    shelf->dir = temporary_path(&folder, "artifacts");
    for (size_t i = 0; i < BYTES; i++)
        shelf->data[i] = "abcdefgh"[i % 8];
    *state = shelf;
    shelf_open(shelf, 0);
    return 0;
}

static inline int shelf_strike(void **state) {
    struct shelf *shelf = *state;
    void *folder = shelf->folder;
    shelf_close(shelf);
    free(shelf->dir);
    free(shelf);
    return temporary_remove(&folder);
}

static inline enum upload_state offer(struct shelf *shelf, int64_t *offset) {
    struct error error = {0};
    return uploads_offer(shelf->uploads, SUM, BYTES, shelf->now_ms, offset, &error);
}

/* Sends `length` bytes of the data at the offset; what is wanted next. */
static inline int64_t take(struct shelf *shelf, int64_t offset, size_t length,
                           enum upload_state expected) {
    struct error error = {0};
    int64_t next = -1;
    enum upload_state state = uploads_take(shelf->uploads, SUM, offset, shelf->data + offset,
                                           length, shelf->now_ms, &next, &error);
    assert_int_equal(state, expected);
    return next;
}

/* Offers until the sealing thread is done. */
static inline enum upload_state sealed(struct shelf *shelf, struct error *error) {
    enum upload_state state;
    int64_t offset;
    do
        state = uploads_offer(shelf->uploads, SUM, BYTES, shelf->now_ms, &offset, error);
    while (state == UPLOAD_SEALING && usleep(1000) == 0);
    return state;
}

static inline void is_there_whole(struct shelf *shelf) {
    char read[BYTES + 1];
    size_t length;
    struct error error = {0};
    assert_int_equal(blobs_size(shelf->blobs, SUM), BYTES);
    assert_true(blobs_read(shelf->blobs, SUM, 0, read, sizeof read, &length, &error));
    assert_int_equal(length, BYTES);
    assert_memory_equal(read, shelf->data, BYTES);
    assert_int_equal(blobs_part_size(shelf->blobs, SUM), -1);
}

#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, shelf_set, shelf_strike)

#endif
