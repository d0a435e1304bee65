/* What belongs to which database in a worker's folder. */
#include "worker/place.h"

#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define FIRST "11111111111111111111111111111111"
#define LATER "22222222222222222222222222222222"

static struct place *open_place(void **state) {
    struct place *place = NULL;
    struct error error = {0};
    if (!place_open(*state, &place, &error))
        fail_msg("%s", error.message);
    return place;
}

static void go(struct place *place, const char *database, const char *history) {
    struct error error = {0};
    if (!place_go(place, database, history, &error))
        fail_msg("%s", error.message);
    assert_true(place_is(place, database, history));
}

/* A report of attempt 1 of experiment `id`. */
static void put(struct place *place, int64_t id) {
    struct error error = {0};
    assert_true(spool_put(place_spool(place), id, 1, "log", "{}", &error));
}

static size_t count(const struct place *place) {
    return spool_count(place_spool(place));
}

/* The folder of experiments, counted from the worker's own. */
static void folder_is(void **state, const struct place *place, const char *expected) {
    char path[256];
    snprintf(path, sizeof path, "%s%s", (const char *)*state, expected);
    assert_string_equal(place_folder(place), path);
}

static void the_first_database_is_at_home_with_what_was_there_before_it_was_known(void **state) {
    struct place *place = open_place(state);
    put(place, 1);
    assert_true(place_is(place, NULL, NULL));
    assert_false(place_is(place, A, FIRST));
    go(place, A, FIRST);
    folder_is(state, place, "");
    assert_int_equal(count(place), 1);
    place_close(place);
    place = open_place(state);
    assert_true(place_is(place, A, FIRST));
    assert_false(place_is(place, A, LATER));
    assert_false(place_is(place, B, FIRST));
    assert_int_equal(count(place), 1);
    place_close(place);
}

static void another_database_stands_apart_and_what_the_first_has_waits_for_it(void **state) {
    struct place *place = open_place(state);
    char *worker = strdup(place_worker(place));
    go(place, A, FIRST);
    put(place, 1);
    go(place, B, FIRST);
    folder_is(state, place, "/databases/" B);
    assert_string_equal(place_worker(place), worker);
    assert_int_equal(count(place), 0);
    put(place, 1);
    put(place, 2);
    place_close(place);
    place = open_place(state); /* at home until a coordinator has spoken */
    assert_int_equal(count(place), 1);
    go(place, B, FIRST);
    assert_int_equal(count(place), 2);
    go(place, A, FIRST);
    folder_is(state, place, "");
    assert_int_equal(count(place), 1);
    place_close(place);
    free(worker);
}

static void
what_a_restored_backup_knows_nothing_of_is_dropped_of_that_database_alone(void **state) {
    struct place *place = open_place(state);
    struct error error = {0};
    int64_t experiment, attempt;
    go(place, A, FIRST);
    put(place, 1);
    go(place, B, FIRST);
    put(place, 1);
    assert_true(spool_hold(place_spool(place), 1, 1, &error));
    go(place, B, LATER);
    folder_is(state, place, "/databases/" B);
    assert_int_equal(count(place), 0);
    assert_true(spool_held(place_spool(place), &experiment, &attempt, &error));
    assert_int_equal(experiment, 0);
    go(place, A, FIRST);
    assert_int_equal(count(place), 1);
    go(place, A, LATER);
    folder_is(state, place, "");
    assert_int_equal(count(place), 0);
    place_close(place);
    place = open_place(state);
    assert_true(place_is(place, A, LATER));
    assert_int_equal(count(place), 0);
    place_close(place);
}

static void a_coordinator_that_does_not_say_which_gets_nothing_of_one_that_did(void **state) {
    struct place *place = open_place(state);
    go(place, A, FIRST);
    put(place, 1);
    go(place, NULL, NULL);
    folder_is(state, place, "/databases/unnamed");
    assert_int_equal(count(place), 0);
    place_close(place);
}

static void what_is_no_identity_says_nothing_and_leads_nowhere(void **state) {
    static const char *const said[] = {"../../../../../../../../../etc/pas", "",
                                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", A "a",
                                       "../../../../../../../../../../x/"};
    struct place *place = open_place(state);
    go(place, A, FIRST);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        go(place, said[i], said[i]);
        folder_is(state, place, "/databases/unnamed");
    }
    place_close(place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_first_database_is_at_home_with_what_was_there_before_it_was_known),
        IN_FOLDER(another_database_stands_apart_and_what_the_first_has_waits_for_it),
        IN_FOLDER(what_a_restored_backup_knows_nothing_of_is_dropped_of_that_database_alone),
        IN_FOLDER(a_coordinator_that_does_not_say_which_gets_nothing_of_one_that_did),
        IN_FOLDER(what_is_no_identity_says_nothing_and_leads_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
