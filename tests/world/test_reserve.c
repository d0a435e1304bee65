/* The room that a spool lays by for reports on a full disk. */
#include "tests/temporary.h"
#include "tests/world/disk.h"
#include "worker/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct place {
    void *folder;
    char *reserve;
    struct disk disk;
    struct spool *spool;
};

static int place_set(void **state) {
    struct place *place = calloc(1, sizeof *place);
    struct error error = {0};
    *state = place;
    if (temporary_make(&place->folder) != 0)
        return -1;
    place->reserve = temporary_path(&place->folder, "reserve");
    disk_make(&place->disk, place->folder);
    return spool_open(place->folder, &place->spool, &error) ? 0 : -1;
}

static int place_strike(void **state) {
    struct place *place = *state;
    spool_close(place->spool);
    disk_free(&place->disk);
    free(place->reserve);
    int rc = temporary_remove(&place->folder);
    free(place);
    return rc;
}

/* Puts reports until one is not taken, or the reserve is gone. */
static bool fill(struct place *place) {
    bool taken = true;
    for (int i = 0; i < 1000 && taken && access(place->reserve, F_OK) == 0; i++)
        taken = spool_put(place->spool, 1, 1, "log", "{\"text\": \"epoch 1\"}", NULL);
    return taken;
}

static void a_report_that_has_no_room_is_given_what_was_laid_by(void **state) {
    struct place *place = *state;
    place->disk.full = true;
    place->disk.full_by = place->reserve;
    assert_true(fill(place));
    assert_int_not_equal(access(place->reserve, F_OK), 0);
}

static void when_that_is_spent_too_a_report_is_not_taken(void **state) {
    struct place *place = *state;
    struct error error = {0};
    place->disk.full = true;
    assert_false(fill(place));
    assert_int_not_equal(access(place->reserve, F_OK), 0);
    size_t count = spool_count(place->spool);
    assert_false(spool_put(place->spool, 1, 1, "end", "{}", &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_int_equal(spool_count(place->spool), count);
    place->disk.full = false;
    assert_true(spool_put(place->spool, 1, 1, "end", "{}", &error));
    assert_int_equal(spool_count(place->spool), count + 1);
}

static void who_fills_the_disk_beside_it_is_waited_for(void **state) {
    struct place *place = *state;
    place->disk.full = true;
    assert_false(fill(place));
    size_t count = spool_count(place->spool);
    disk_fill_for_now(&place->disk);
    assert_true(spool_put(place->spool, 1, 1, "end", "{}", NULL));
    assert_int_equal(spool_count(place->spool), count + 1);
}

static void room_is_laid_by_again_for_the_next_experiment(void **state) {
    struct place *place = *state;
    place->disk.full = true;
    place->disk.full_by = place->reserve;
    assert_true(fill(place));
    place->disk.full = false;
    assert_true(spool_hold(place->spool, 2, 1, NULL));
    assert_int_equal(access(place->reserve, F_OK), 0);
}

int main(void) {
#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, place_set, place_strike)
    const struct CMUnitTest tests[] = {
        AT_PLACE(a_report_that_has_no_room_is_given_what_was_laid_by),
        AT_PLACE(when_that_is_spent_too_a_report_is_not_taken),
        AT_PLACE(who_fills_the_disk_beside_it_is_waited_for),
        AT_PLACE(room_is_laid_by_again_for_the_next_experiment),
    };
    disk_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
