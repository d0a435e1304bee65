/* The folder of blobs: what comes whole, what comes torn, and what a crash leaves. */
#include "core/file.h"
#include "tests/coordinator/shelf.h"
#include "tests/small_files.h"

#include <signal.h>
#include <sys/wait.h>

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
    shelf_reopen(shelf, 0);
    assert_int_equal(offer(shelf, &offset), UPLOAD_THERE);
    /* whoever says that it has another length is wrong */
    assert_int_equal(uploads_offer(shelf->uploads, SUM, BYTES + 1, shelf->now_ms, &offset, &error),
                     UPLOAD_REFUSED);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "has 8000 bytes, not 8001"));
    is_there_whole(shelf);
}

static void
what_is_removed_is_gone_at_once_and_swept_away_later_without_what_still_comes(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    char gone[512];
    int64_t offset;
    offer(shelf, &offset);
    take(shelf, 0, BYTES, UPLOAD_SEALING);
    assert_int_equal(sealed(shelf, &error), UPLOAD_THERE);
    assert_true(blobs_remove(shelf->blobs, SUM, &error));
    assert_int_equal(blobs_size(shelf->blobs, SUM), -1);
    assert_true(blobs_remove(shelf->blobs, SUM, &error)); /* it is not there: no fault */
    snprintf(gone, sizeof gone, "%s/incoming/" SUM ".gone", shelf->dir);
    assert_int_equal(access(gone, F_OK), 0);
    assert_true(blobs_append(shelf->blobs, SUM, "more", 4, &error));
    blobs_sweep(shelf->blobs);
    assert_int_not_equal(access(gone, F_OK), 0);
    assert_int_equal(blobs_part_size(shelf->blobs, SUM), 4);
    assert_true(blobs_remove_part(shelf->blobs, SUM, &error));
    assert_int_equal(blobs_part_size(shelf->blobs, SUM), -1);
    assert_true(blobs_remove_part(shelf->blobs, SUM, &error));
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
    shelf_reopen(shelf, 0);
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

/* The disk is full, as far as this process may write. */
static void a_piece_that_there_is_no_room_for_leaves_what_came_before_it(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    assert_true(blobs_append(shelf->blobs, SUM, shelf->data, 3000, &error));
    struct rlimit before = limit_files(4000);
    bool appended = blobs_append(shelf->blobs, SUM, shelf->data + 3000, 5000, &error);
    let_files_grow(before);
    assert_false(appended);
    assert_non_null(strstr(error.message, "cannot write "));
    assert_int_equal(blobs_part_size(shelf->blobs, SUM), 3000);
}

/* --- all of them --- */

struct visits {
    char text[600];
};

static void visit(void *context, const char *sha256, bool part, int64_t bytes) {
    struct visits *visits = context;
    size_t length = strlen(visits->text);
    snprintf(visits->text + length, sizeof visits->text - length, "%s%.4s %lld ",
             part ? "part " : "", sha256, (long long)bytes);
}

/* printf '' | sha256sum */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* By the name of the folder below the artifacts. */
static void put(const struct shelf *shelf, const char *name, bool folder) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", shelf->dir, name);
    assert_true(folder_make_of(path, NULL));
    assert_true(folder ? mkdir(path, 0700) == 0 : file_write_atomic(path, "x", 1, NULL));
}

static void blobs_and_parts_are_visited_and_nothing_else(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    struct visits visits = {""};
    assert_true(blobs_append(shelf->blobs, EMPTY, "", 0, &error));
    assert_true(blobs_seal(shelf->blobs, EMPTY, &error));
    assert_true(blobs_append(shelf->blobs, SUM, shelf->data, 3000, &error));
    put(shelf, "sha256/95/short", false);
    put(shelf, "sha256/95/no such sum of sixty-two letters, but as long as each is......", false);
    put(shelf, "sha256/95/704ea3ba93445ef826a8d039fe273ed70988d3a8c3496efbcffec9a27c843b.part",
        false);
    put(shelf, "sha256/95/704ea3ba93445ef826a8d039fe273ed70988d3a8c3496efbcffec9a27c843c", true);
    put(shelf, "incoming/" EMPTY ".gone", false);
    assert_true(blobs_each(shelf->blobs, visit, &visits, &error));
    assert_string_equal(visits.text, "e3b0 0 part 9570 3000 ");
}

/* The lowest that is free. */
static int next_descriptor(void) {
    int descriptor = dup(STDIN_FILENO);
    close(descriptor);
    return descriptor;
}

static void no_file_stays_open(void **state) {
    struct shelf *shelf = *state;
    struct error error = {0};
    struct visits visits = {""};
    char byte;
    size_t length;
    int before = next_descriptor();
    assert_true(blobs_append(shelf->blobs, SUM, shelf->data, BYTES, &error));
    assert_true(blobs_seal(shelf->blobs, SUM, &error));
    assert_true(blobs_read(shelf->blobs, SUM, 0, &byte, 1, &length, &error));
    assert_true(blobs_append(shelf->blobs, EMPTY, "wrong", 5, &error));
    assert_false(blobs_seal(shelf->blobs, EMPTY, &error));
    blobs_sweep(shelf->blobs);
    assert_true(blobs_each(shelf->blobs, visit, &visits, &error));
    assert_int_equal(next_descriptor(), before);
}

static void a_folder_is_one_coordinators(void **state) {
    struct shelf *shelf = *state;
    struct blobs *second = NULL;
    struct error error = {0};
    assert_false(blobs_open(shelf->dir, &second, &error));
    assert_non_null(strstr(error.message, "another coordinator"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_SHELF(a_file_that_came_in_pieces_is_there_under_its_sum),
        ON_SHELF(a_file_that_is_there_is_not_wanted_again),
        ON_SHELF(what_is_removed_is_gone_at_once_and_swept_away_later_without_what_still_comes),
        ON_SHELF(pieces_that_come_twice_or_too_early_change_nothing),
        ON_SHELF(a_part_goes_on_at_its_length_after_a_restart),
        ON_SHELF(a_damaged_part_is_noticed_and_begins_anew),
        ON_SHELF(a_part_that_is_whole_already_is_sealed_at_the_offer),
        ON_SHELF(a_part_that_went_away_meanwhile_is_to_be_offered_again),
        ON_SHELF(a_piece_of_what_a_worker_has_put_there_whole_is_not_added_to_its_file),
        ON_SHELF(a_kill_at_any_moment_leaves_a_blob_whole_or_not_at_all),
        ON_SHELF(a_piece_that_there_is_no_room_for_leaves_what_came_before_it),
        ON_SHELF(blobs_and_parts_are_visited_and_nothing_else),
        ON_SHELF(no_file_stays_open),
        ON_SHELF(a_folder_is_one_coordinators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
