/* What waits to be sent, and what happens to it meanwhile. */
#include "worker/parcels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct parcels *parcels;

static int set(void **state) {
    (void)state;
    return parcels_new(&parcels, NULL) ? 0 : -1;
}

static int strike(void **state) {
    (void)state;
    parcels_free(parcels);
    return 0;
}

static void add(int64_t experiment, int64_t attempt, const char *path) {
    const struct parcel parcel = {
        .experiment = experiment, .attempt = attempt, .kind = "last", .path = path};
    assert_true(parcels_add(parcels, &parcel, NULL));
}

static void next_is(const char *path) {
    bool dropped;
    const struct parcel *parcel = parcels_carry(parcels, &dropped);
    assert_non_null(parcel);
    assert_false(dropped);
    assert_string_equal(parcel->path, path);
    parcels_put_down(parcels);
}

static void none_is_left(void) {
    bool dropped;
    assert_null(parcels_carry(parcels, &dropped));
}

static void they_go_in_the_order_they_came(void **state) {
    (void)state;
    add(1, 1, "/w/1/best");
    add(1, 1, "/w/1/last");
    next_is("/w/1/best");
    next_is("/w/1/last");
    none_is_left();
    add(1, 1, "/w/1/later");
    next_is("/w/1/later");
}

static void a_newer_one_takes_the_place_of_what_waits_at_the_end(void **state) {
    (void)state;
    add(1, 1, "/w/old/last");
    add(1, 1, "/w/1/best");
    add(2, 1, "/w/2/last");   /* another experiment's */
    add(1, 2, "/w/new/last"); /* of whichever attempt */
    add(1, 2, "/w/newest/last");
    next_is("/w/1/best");
    next_is("/w/2/last");
    next_is("/w/newest/last");
    none_is_left();
}

static void the_one_that_is_carried_stays_beside_a_newer_one(void **state) {
    bool dropped;
    (void)state;
    add(1, 1, "/w/old/last");
    const struct parcel *carried = parcels_carry(parcels, &dropped);
    add(1, 1, "/w/new/last");
    assert_string_equal(carried->path, "/w/old/last");
    assert_int_equal(parcels_count(parcels, 1, 1), 2);
    parcels_put_down(parcels);
    next_is("/w/new/last");
}

static void what_is_dropped_counts_no_more_even_while_it_is_carried(void **state) {
    bool dropped;
    (void)state;
    add(1, 1, "/w/1/best");
    add(1, 1, "/w/1/last");
    add(1, 2, "/w/1/epoch");
    assert_non_null(parcels_carry(parcels, &dropped));
    parcels_drop(parcels, 1, 1);
    assert_int_equal(parcels_count(parcels, 1, 1), 0);
    assert_int_equal(parcels_count(parcels, 1, 2), 1);
    assert_non_null(parcels_carry(parcels, &dropped));
    assert_true(dropped);
    parcels_put_down(parcels);
    next_is("/w/1/epoch");
    none_is_left();
}

static void what_is_dropped_while_none_is_carried_says_nothing_of_the_next(void **state) {
    bool dropped;
    (void)state;
    add(1, 1, "/w/1/best");
    assert_non_null(parcels_carry(parcels, &dropped));
    parcels_put_down(parcels);
    add(1, 1, "/w/1/best");
    add(1, 1, "/w/1/last");
    parcels_drop(parcels, 1, 1);
    assert_int_equal(parcels_count(parcels, 1, 1), 0);
    add(2, 1, "/w/2/best");
    next_is("/w/2/best");
    none_is_left();
}

static void what_is_carried_for_another_goes_on(void **state) {
    bool dropped;
    (void)state;
    add(1, 1, "/w/1/best");
    add(2, 1, "/w/2/best");
    assert_non_null(parcels_carry(parcels, &dropped));
    parcels_drop(parcels, 2, 1);
    assert_int_equal(parcels_count(parcels, 2, 1), 0);
    next_is("/w/1/best");
    none_is_left();
}

static void add_bytes(int64_t attempt, const char *path, int64_t bytes) {
    const struct parcel parcel = {
        .experiment = 1, .attempt = attempt, .kind = "last", .path = path, .bytes = bytes};
    assert_true(parcels_add(parcels, &parcel, NULL));
}

static void what_has_arrived_of_the_one_that_is_carried_is_not_left(void **state) {
    bool dropped;
    (void)state;
    add_bytes(1, "/w/1/best", 700);
    add_bytes(1, "/w/1/last", 50);
    add_bytes(2, "/w/1/epoch", 9);
    assert_int_equal(parcels_bytes(parcels, 1, 1), 750);
    assert_non_null(parcels_carry(parcels, &dropped));
    parcels_arrived(parcels, 600);
    assert_int_equal(parcels_bytes(parcels, 1, 1), 150);
    assert_int_equal(parcels_bytes(parcels, 1, 2), 9);
    parcels_put_down(parcels);
    assert_int_equal(parcels_bytes(parcels, 1, 1), 50); /* all of it */
    assert_non_null(parcels_carry(parcels, &dropped));
    parcels_arrived(parcels, 20);
    parcels_drop(parcels, 1, 1);
    assert_int_equal(parcels_bytes(parcels, 1, 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_go_in_the_order_they_came, set, strike),
        cmocka_unit_test_setup_teardown(a_newer_one_takes_the_place_of_what_waits_at_the_end, set,
                                        strike),
        cmocka_unit_test_setup_teardown(the_one_that_is_carried_stays_beside_a_newer_one, set,
                                        strike),
        cmocka_unit_test_setup_teardown(what_is_dropped_counts_no_more_even_while_it_is_carried,
                                        set, strike),
        cmocka_unit_test_setup_teardown(
            what_is_dropped_while_none_is_carried_says_nothing_of_the_next, set, strike),
        cmocka_unit_test_setup_teardown(what_is_carried_for_another_goes_on, set, strike),
        cmocka_unit_test_setup_teardown(what_has_arrived_of_the_one_that_is_carried_is_not_left,
                                        set, strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
