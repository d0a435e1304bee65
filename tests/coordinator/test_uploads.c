/* What bounds uploads: the length of the file, the limit, the disk, how many are remembered and for
 * how long. */
#include "core/file.h"
#include "tests/coordinator/shelf.h"

/* hashlib.sha256(b"other").hexdigest() */
#define SUM_OF_OTHER "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"

static enum upload_state offer_other(struct shelf *shelf, struct error *error) {
    int64_t offset;
    return uploads_offer(shelf->uploads, SUM_OF_OTHER, 5, shelf->now_ms, &offset, error);
}

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
    shelf_reopen(shelf, BYTES + 4);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offer_other(shelf, &error), UPLOAD_REFUSED);
    assert_non_null(strstr(error.message, "--artifacts-max"));
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    assert_int_equal(offer_other(shelf, &error), UPLOAD_REFUSED);
    assert_true(uploads_remove(shelf->uploads, SUM, &error));
    assert_int_equal(offer_other(shelf, &error), UPLOAD_WANTED);
}

/* Between the seal and the offer that asks for it, whenever the sealing thread comes to it. */
static void what_is_sealed_and_not_asked_for_yet_counts_under_the_limit(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset;
    shelf_reopen(shelf, BYTES + 4);
    offer(shelf, &offset);
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    while (blobs_size(shelf->blobs, SUM) < 0)
        usleep(1000);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(offer_other(shelf, &error), UPLOAD_REFUSED);
        usleep(1000);
    }
}

static void what_was_there_before_a_restart_counts_under_the_limit_and_parts_do_not(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    int64_t offset, next;
    offer(shelf, &offset);
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    assert_int_equal(offer_other(shelf, &error), UPLOAD_WANTED);
    assert_int_equal(uploads_take(shelf->uploads, SUM_OF_OTHER, 0, "oth", 3, 0, &next, &error),
                     UPLOAD_WANTED);
    shelf_reopen(shelf, BYTES + 4);
    assert_int_equal(uploads_bytes(shelf->uploads), BYTES);
    assert_int_equal(offer_other(shelf, &error), UPLOAD_REFUSED);
    assert_true(uploads_remove(shelf->uploads, SUM_OF_OTHER, &error)); /* there is no such file */
    assert_int_equal(uploads_bytes(shelf->uploads), BYTES);
    shelf_reopen(shelf, BYTES + 5);
    assert_int_equal(offer_other(shelf, &error), UPLOAD_WANTED);
}

static void all_that_is_to_come_counts_under_the_limit_until_it_falls_silent(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    char third[SHA256_TEXT_SIZE];
    int64_t offset;
    snprintf(third, sizeof third, "%064x", 3);
    shelf_reopen(shelf, BYTES + 5);
    assert_int_equal(offer(shelf, &offset), UPLOAD_WANTED);
    assert_int_equal(offer_other(shelf, &error), UPLOAD_WANTED);
    assert_int_equal(uploads_offer(shelf->uploads, third, 1, shelf->now_ms, &offset, &error),
                     UPLOAD_REFUSED);
    shelf->now_ms += UPLOADS_SILENT_MS;
    assert_false(uploads_expects(shelf->uploads, SUM_OF_OTHER, shelf->now_ms));
    assert_false(uploads_expects(shelf->uploads, SUM, shelf->now_ms));
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
    shelf_reopen(shelf, 0);
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
    shelf_reopen(shelf, BYTES + 4);
    offer(shelf, &offset);
    shelf->now_ms += UPLOADS_SILENT_MS - 1;
    assert_true(uploads_expects(shelf->uploads, SUM, shelf->now_ms));
    take(shelf, 0, 3000, UPLOAD_WANTED);
    shelf->now_ms += UPLOADS_SILENT_MS - 1;
    assert_int_equal(offer_other(shelf, &error), UPLOAD_REFUSED);
    shelf->now_ms++;
    assert_int_equal(offer_other(shelf, &error), UPLOAD_WANTED);
    assert_false(uploads_expects(shelf->uploads, SUM, shelf->now_ms));
    assert_true(uploads_expects(shelf->uploads, SUM_OF_OTHER, shelf->now_ms));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_SHELF(a_piece_beyond_the_end_is_refused),
        ON_SHELF(what_does_not_fit_under_the_limit_is_refused),
        ON_SHELF(what_is_sealed_and_not_asked_for_yet_counts_under_the_limit),
        ON_SHELF(what_was_there_before_a_restart_counts_under_the_limit_and_parts_do_not),
        ON_SHELF(all_that_is_to_come_counts_under_the_limit_until_it_falls_silent),
        ON_SHELF(what_is_larger_than_the_disk_is_refused),
        ON_SHELF(a_folder_that_is_gone_is_not_called_full),
        ON_SHELF(what_has_come_needs_no_room_again),
        ON_SHELF(more_uploads_than_are_remembered_go_on_when_offered_again),
        ON_SHELF(of_more_than_are_remembered_the_longest_silent_goes),
        ON_SHELF(a_part_that_is_longer_than_the_file_begins_anew),
        ON_SHELF(an_upload_that_fell_silent_takes_no_room_and_may_be_cleared_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
