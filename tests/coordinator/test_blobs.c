/* The folder of blobs: what comes whole, what comes torn, and what a crash leaves. */
#include "coordinator/blobs.h"

#include "coordinator/uploads.h"
#include "core/file.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* hashlib.sha256(b"abcdefgh" * 1000).hexdigest(), and of b"other" */
#define SUM "95704ea3ba93445ef826a8d039fe273ed70988d3a8c3496efbcffec9a27c843a"
#define SUM_OF_OTHER "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"
enum { BYTES = 8000 };

struct shelf {
    char *folder, *dir;
    struct blobs *blobs;
    struct uploads *uploads;
    char data[BYTES];
    int64_t now_ms;
};

static void shelf_open(struct shelf *shelf, int64_t most_bytes) {
    struct error error = {0};
    if (!blobs_open(shelf->dir, &shelf->blobs, &error) ||
        !uploads_open(shelf->blobs, most_bytes, &shelf->uploads, &error))
        fail_msg("%s", error.message);
}

static void shelf_close(struct shelf *shelf) {
    uploads_close(shelf->uploads);
    blobs_close(shelf->blobs);
    shelf->uploads = NULL;
    shelf->blobs = NULL;
}

static int shelf_set(void **state) {
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

static int shelf_strike(void **state) {
    struct shelf *shelf = *state;
    void *folder = shelf->folder;
    shelf_close(shelf);
    free(shelf->dir);
    free(shelf);
    return temporary_remove(&folder);
}

static enum upload_state offer(struct shelf *shelf, int64_t *offset) {
    struct error error = {0};
    return uploads_offer(shelf->uploads, SUM, BYTES, shelf->now_ms, offset, &error);
}

/* Sends `length` bytes of the data at the offset; what is wanted next. */
static int64_t take(struct shelf *shelf, int64_t offset, size_t length,
                    enum upload_state expected) {
    struct error error = {0};
    int64_t next = -1;
    enum upload_state state = uploads_take(shelf->uploads, SUM, offset, shelf->data + offset,
                                           length, shelf->now_ms, &next, &error);
    assert_int_equal(state, expected);
    return next;
}

/* Offers until the sealing thread is done. */
static enum upload_state sealed(struct shelf *shelf, struct error *error) {
    enum upload_state state;
    int64_t offset;
    do
        state = uploads_offer(shelf->uploads, SUM, BYTES, shelf->now_ms, &offset, error);
    while (state == UPLOAD_SEALING && usleep(1000) == 0);
    return state;
}

static void is_there_whole(struct shelf *shelf) {
    char read[BYTES + 1];
    size_t length;
    struct error error = {0};
    assert_int_equal(blobs_size(shelf->blobs, SUM), BYTES);
    assert_true(blobs_read(shelf->blobs, SUM, 0, read, sizeof read, &length, &error));
    assert_int_equal(length, BYTES);
    assert_memory_equal(read, shelf->data, BYTES);
    assert_int_equal(blobs_part_size(shelf->blobs, SUM), -1);
}

/* --- whole ones --- */

static void a_file_that_came_in_pieces_is_there_under_its_sum(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offset, 0);
    assert_int_equal(take(shelf, 0, 5000, UPLOAD_WANTED), 5000);
    assert_int_equal(blobs_size(shelf->blobs, SUM), -1);
    assert_int_equal(take(shelf, 5000, 3000, UPLOAD_SEALING), BYTES);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    is_there_whole(shelf);
}

static void a_file_that_is_there_is_not_wanted_again(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    offer(shelf, &offset);
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    shelf_close(shelf);
    shelf_open(shelf, 0);
    assert_int_equal(offer(shelf, &offset), UPLOAD_THERE);
}

static void pieces_that_come_twice_or_too_early_change_nothing(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    offer(shelf, &offset);
    assert_int_equal(take(shelf, 4000, 1000, UPLOAD_WANTED), 0);
    assert_int_equal(take(shelf, 0, 4000, UPLOAD_WANTED), 4000);
    assert_int_equal(take(shelf, 0, 4000, UPLOAD_WANTED), 4000);
    assert_int_equal(take(shelf, 1000, 1000, UPLOAD_WANTED), 4000);
    assert_int_equal(take(shelf, 4000, 4000, UPLOAD_SEALING), BYTES);
    assert_int_equal(take(shelf, 4000, 4000, UPLOAD_SEALING), BYTES);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    is_there_whole(shelf);
}

/* --- interrupted and damaged ones --- */

static void a_part_goes_on_at_its_length_after_a_restart(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    offer(shelf, &offset);
    take(shelf, 0, 3000, UPLOAD_WANTED);
    shelf_close(shelf);
    shelf_open(shelf, 0);
    assert_int_equal(take(shelf, 3000, 1000, UPLOAD_UNKNOWN), 0);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offset, 3000);
    take(shelf, 3000, 5000, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    is_there_whole(shelf);
}

/* What a power cut may leave: the right length, and zeros where the bytes were. */
static void a_damaged_part_is_noticed_and_begins_anew(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    char zeros[3000] = {0};
    int64_t offset;
    assert_true(blobs_append(shelf->blobs, SUM, zeros, sizeof zeros, &error));
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offset, 3000);
    take(shelf, 3000, 5000, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_REFUSED);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "SHA-256"));
    assert_int_equal(blobs_size(shelf->blobs, SUM), -1);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offset, 0);
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    is_there_whole(shelf);
}

static void a_part_that_is_whole_already_is_sealed_at_the_offer(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    assert_true(blobs_append(shelf->blobs, SUM, shelf->data, BYTES, &error));
    assert_int_equal(offer(shelf, &offset), UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    is_there_whole(shelf);
}

static void a_part_that_went_away_meanwhile_is_to_be_offered_again(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    offer(shelf, &offset);
    take(shelf, 0, 3000, UPLOAD_WANTED);
    assert_true(blobs_remove_part(shelf->blobs, SUM, &error));
    assert_int_equal(take(shelf, 3000, 1000, UPLOAD_UNKNOWN), 0);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offset, 0);
}

/* Two workers with the same content, one of which shares the folder and puts its own file there. */
static void a_piece_of_what_a_worker_has_put_there_whole_is_not_added_to_its_file(void **state) {
    struct shelf *shelf = *state;
    char own[600], part[600], *data = NULL;
    struct error error = {0};
    int64_t offset;
    size_t length = 0;
    snprintf(own, sizeof own, "%s/own", shelf->folder);
    snprintf(part, sizeof part, "%s/incoming/" SUM ".part", shelf->dir);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_true(file_write_atomic(own, shelf->data, BYTES, &error));
    assert_int_equal(link(own, part), 0);
    take(shelf, 0, 3000, UPLOAD_UNKNOWN);
    assert_false(blobs_append(shelf->blobs, SUM, shelf->data, 3000, &error));
    assert_true(file_read(own, 2 * BYTES, &data, &length, &error));
    assert_int_equal(length, BYTES);
    free(data);
    while (offer(shelf, &offset) == UPLOAD_SEALING)
        usleep(1000);
    is_there_whole(shelf);
}

/* A process that uploads in a loop is killed again and again at moments nobody chooses; whatever
 * has the blob's name afterwards is the blob, and in the end it is there. */
static void a_kill_at_any_moment_leaves_a_blob_whole_or_not_at_all(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};

    shelf_close(shelf);
    for (useconds_t delay = 0; delay < 60; delay++) {
        pid_t child = fork();
        if (child == 0) {
            int64_t offset;
            if (!blobs_open(shelf->dir, &shelf->blobs, NULL) ||
                !uploads_open(shelf->blobs, 0, &shelf->uploads, NULL))
                _exit(1);
            while (uploads_offer(shelf->uploads, SUM, BYTES, shelf->now_ms, &offset, &error) !=
                   UPLOAD_THERE)
                uploads_take(shelf->uploads, SUM, offset, shelf->data + offset,
                             BYTES - offset < 100 ? (size_t)(BYTES - offset) : 100, 0, &offset,
                             &error);
            _exit(0);
        }
        usleep(delay * 100);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        shelf_open(shelf, 0);
        if (blobs_size(shelf->blobs, SUM) >= 0) {
            is_there_whole(shelf);
            assert_true(blobs_remove(shelf->blobs, SUM, &error));
        }
        shelf_close(shelf);
    }
    shelf_open(shelf, 0);
    int64_t offset;
    if (offer(shelf, &offset) == UPLOAD_WANTED)
        take(shelf, offset, (size_t)(BYTES - offset), UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    is_there_whole(shelf);
}

/* --- bounds --- */

static void a_piece_beyond_the_end_is_refused(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset, next;
    offer(shelf, &offset);
    take(shelf, 0, 7000, UPLOAD_WANTED);
    assert_int_equal(uploads_take(shelf->uploads, SUM, 7000, shelf->data, 1001, 0, &next, &error),
                     UPLOAD_REFUSED);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_int_equal(take(shelf, 7000, 1000, UPLOAD_SEALING), BYTES);
}

static void what_does_not_fit_under_the_limit_is_refused(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    shelf_close(shelf);
    shelf_open(shelf, BYTES + 4);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(uploads_offer(shelf->uploads, SUM_OF_OTHER, 5, shelf->now_ms, &offset, &error),
                     UPLOAD_REFUSED);
    assert_non_null(strstr(error.message, "--artifacts-max"));
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    assert_int_equal(uploads_offer(shelf->uploads, SUM_OF_OTHER, 5, shelf->now_ms, &offset, &error),
                     UPLOAD_REFUSED);
    assert_true(uploads_remove(shelf->uploads, SUM, &error));
    assert_int_equal(uploads_offer(shelf->uploads, SUM_OF_OTHER, 5, shelf->now_ms, &offset, &error),
                     UPLOAD_WANTED);
}

/* Between the seal and the offer that asks for it, whenever the sealing thread comes to it. */
static void what_is_sealed_and_not_asked_for_yet_counts_under_the_limit(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    shelf_close(shelf);
    shelf_open(shelf, BYTES + 4);
    offer(shelf, &offset);
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    while (blobs_size(shelf->blobs, SUM) < 0)
        usleep(1000);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(
            uploads_offer(shelf->uploads, SUM_OF_OTHER, 5, shelf->now_ms, &offset, &error),
            UPLOAD_REFUSED);
        usleep(1000);
    }
}

static void what_is_larger_than_the_disk_is_refused(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    assert_int_equal(uploads_offer(shelf->uploads, SUM, UPLOADS_BYTES_MAX * 1000, shelf->now_ms,
                                   &offset, &error),
                     UPLOAD_REFUSED);
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "the disk of"));
}

/* Somebody has deleted or moved it under its coordinator. */
static void a_folder_that_is_gone_is_not_called_full(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    char away[300];
    int64_t offset;
    snprintf(away, sizeof away, "%s-away", shelf->dir);
    assert_int_equal(rename(shelf->dir, away), 0);
    assert_int_equal(uploads_offer(shelf->uploads, SUM, 1000, shelf->now_ms, &offset, &error),
                     UPLOAD_REFUSED);
    assert_int_equal(rename(away, shelf->dir), 0);
    assert_non_null(strstr(error.message, shelf->dir));
    assert_non_null(strstr(error.message, "No such file or directory"));
}

/* Of a hole, which takes no room. */
static void what_has_come_needs_no_room_again(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    char part[512];
    int64_t offset, half = 0;
    assert_true(blobs_room(shelf->blobs, &half, &error));
    half = half / 2 + UPLOADS_RESERVE;
    snprintf(part, sizeof part, "%s/incoming/" SUM ".part", shelf->dir);
    assert_true(file_write_atomic(part, "", 0, &error));
    if (truncate(part, half * 2) != 0)
        skip(); /* a file system of smaller files */
    assert_int_equal(
        uploads_offer(shelf->uploads, SUM, half * 2 + 1, shelf->now_ms, &offset, &error),
        UPLOAD_WANTED);
    assert_int_equal(offset, half * 2);
}

static void more_uploads_than_are_remembered_go_on_when_offered_again(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    char sum[SHA256_TEXT_SIZE];
    int64_t offset;
    offer(shelf, &offset);
    take(shelf, 0, 3000, UPLOAD_WANTED);
    for (int i = 0; i < UPLOADS_MAX; i++) {
        snprintf(sum, sizeof sum, "%064x", i);
        assert_int_equal(uploads_offer(shelf->uploads, sum, 10, shelf->now_ms, &offset, &error),
                         UPLOAD_WANTED);
    }
    take(shelf, 3000, 1000, UPLOAD_UNKNOWN);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offset, 3000);
}

static void of_more_than_are_remembered_the_longest_silent_goes(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    char sum[SHA256_TEXT_SIZE];
    int64_t offset;
    offer(shelf, &offset);
    for (int i = 1; i <= UPLOADS_MAX; i++) {
        if (i == UPLOADS_MAX) {
            shelf->now_ms++;
            take(shelf, 0, 3000, UPLOAD_WANTED);
        }
        snprintf(sum, sizeof sum, "%064x", i);
        assert_int_equal(uploads_offer(shelf->uploads, sum, 10, shelf->now_ms, &offset, &error),
                         UPLOAD_WANTED);
    }
    assert_int_equal(take(shelf, 3000, 1000, UPLOAD_WANTED), 4000);
    snprintf(sum, sizeof sum, "%064x", 1);
    assert_false(uploads_expects(shelf->uploads, sum, shelf->now_ms));
}

/* Of somebody who was wrong about the length. */
static void a_part_that_is_longer_than_the_file_begins_anew(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    assert_int_equal(uploads_offer(shelf->uploads, SUM, BYTES + 5, shelf->now_ms, &offset, &error),
                     UPLOAD_WANTED);
    assert_int_equal(take(shelf, 0, BYTES, UPLOAD_WANTED), BYTES);
    assert_true(blobs_append(shelf->blobs, SUM, "more", 4, &error));
    shelf_close(shelf);
    shelf_open(shelf, 0);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offset, 0);
    assert_int_equal(take(shelf, 0, BYTES, UPLOAD_SEALING), BYTES);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
}

/* Its experiment was cancelled, say: nobody will send the rest. */
static void an_upload_that_fell_silent_takes_no_room_and_may_be_cleared_away(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    shelf_close(shelf);
    shelf_open(shelf, BYTES + 4);
    offer(shelf, &offset);
    shelf->now_ms += UPLOADS_SILENT_MS - 1;
    assert_true(uploads_expects(shelf->uploads, SUM, shelf->now_ms));
    take(shelf, 0, 3000, UPLOAD_WANTED);
    shelf->now_ms += UPLOADS_SILENT_MS - 1;
    assert_int_equal(uploads_offer(shelf->uploads, SUM_OF_OTHER, 5, shelf->now_ms, &offset, &error),
                     UPLOAD_REFUSED);
    shelf->now_ms++;
    assert_int_equal(uploads_offer(shelf->uploads, SUM_OF_OTHER, 5, shelf->now_ms, &offset, &error),
                     UPLOAD_WANTED);
    assert_false(uploads_expects(shelf->uploads, SUM, shelf->now_ms));
    assert_true(uploads_expects(shelf->uploads, SUM_OF_OTHER, shelf->now_ms));
}

static void a_folder_is_one_coordinators(void **state) {
    struct shelf *shelf = *state;
    struct blobs *second = NULL;
    struct error error = {0};
    assert_false(blobs_open(shelf->dir, &second, &error));
    assert_non_null(strstr(error.message, "another coordinator"));
}

#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, shelf_set, shelf_strike)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_SHELF(a_file_that_came_in_pieces_is_there_under_its_sum),
        ON_SHELF(a_file_that_is_there_is_not_wanted_again),
        ON_SHELF(pieces_that_come_twice_or_too_early_change_nothing),
        ON_SHELF(a_part_goes_on_at_its_length_after_a_restart),
        ON_SHELF(a_damaged_part_is_noticed_and_begins_anew),
        ON_SHELF(a_part_that_is_whole_already_is_sealed_at_the_offer),
        ON_SHELF(a_part_that_went_away_meanwhile_is_to_be_offered_again),
        ON_SHELF(a_piece_of_what_a_worker_has_put_there_whole_is_not_added_to_its_file),
        ON_SHELF(a_kill_at_any_moment_leaves_a_blob_whole_or_not_at_all),
        ON_SHELF(a_piece_beyond_the_end_is_refused),
        ON_SHELF(what_does_not_fit_under_the_limit_is_refused),
        ON_SHELF(what_is_sealed_and_not_asked_for_yet_counts_under_the_limit),
        ON_SHELF(what_is_larger_than_the_disk_is_refused),
        ON_SHELF(a_folder_that_is_gone_is_not_called_full),
        ON_SHELF(what_has_come_needs_no_room_again),
        ON_SHELF(more_uploads_than_are_remembered_go_on_when_offered_again),
        ON_SHELF(of_more_than_are_remembered_the_longest_silent_goes),
        ON_SHELF(a_part_that_is_longer_than_the_file_begins_anew),
        ON_SHELF(an_upload_that_fell_silent_takes_no_room_and_may_be_cleared_away),
        ON_SHELF(a_folder_is_one_coordinators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
